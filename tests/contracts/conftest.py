"""The application with the real engine and the two pip-shipped models; one for all tests of this folder."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.models.engine import Engine
from app.server import create_app
from app.settings import Settings

HOME = "http://127.0.0.1:8000"
TEXT = "The animal did not cross the street because it was too tired."


@pytest.fixture(scope="session")
def real_app() -> Iterator[FastAPI]:
    settings = Settings(warm=False, hub=False, threads=1)
    engine = Engine(settings)
    future: Future[Engine] = Future()
    future.set_result(engine)
    yield create_app(settings, future)
    engine.close()


@pytest.fixture(scope="session")
def api(real_app: FastAPI) -> Iterator[TestClient]:
    with TestClient(real_app, base_url=HOME) as client:
        yield client


@pytest.fixture(scope="session")
def run(api: TestClient) -> dict[str, Any]:
    """A run of minilm over the first example's text."""
    answer = api.post("/api/runs", json={"model": "minilm", "text": TEXT})
    assert answer.status_code in (200, 201)
    document: dict[str, Any] = answer.json()
    return document


@pytest.fixture
def is_alive(api: TestClient) -> Callable[[], bool]:
    """Does the server still answer with a real forward pass?"""
    assert api.post("/api/models/load", json={"model": "minilm"}).status_code == 200

    def check() -> bool:
        return api.get("/api/ready").status_code == 200 and api.post(
            "/api/runs", json={"model": "minilm", "text": "still here"}
        ).status_code in (200, 201)

    return check
