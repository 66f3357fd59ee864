"""/openapi.json describes everything that is answered, and nothing of another host."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app.server import create_app
from app.settings import Settings
from tests.web.conftest import resolved

ROUTES = {
    ("get", "/api/models"), ("post", "/api/models/load"), ("post", "/api/tokenize"), ("post", "/api/runs"),
    ("get", "/api/runs/{run}"), ("get", "/api/runs/{run}/attention"), ("post", "/api/attention"),
    ("get", "/api/runs/{run}/logits"), ("get", "/api/examples"), ("get", "/api/health"), ("get", "/api/ready"),
    ("get", "/api/limits"), ("get", "/metrics"), ("get", "/api/runs/{run}/neuron"), ("get", "/api/runs/{run}/heads"),
    ("get", "/api/runs/{run}/heads/evidence"), ("post", "/api/compare"), ("get", "/api/compare/map"),
    ("get", "/api/runs/{run}/attribution"), ("post", "/api/runs/{run}/saliency"),
    ("post", "/api/runs/{run}/edits"), ("post", "/api/runs/{run}/effects"),
    ("get", "/api/runs/{run}/surprisal"), ("get", "/api/runs/{run}/lens"), ("get", "/api/runs/{run}/lens/grid"),
    ("post", "/api/generate"),
}  # fmt: skip


@pytest.fixture(scope="module")
def described() -> dict:
    client = TestClient(create_app(Settings(warm=False), resolved(None)), base_url="http://localhost")
    document: dict = client.get("/openapi.json").json()
    return document


def operations(described: dict) -> dict[tuple[str, str], dict]:
    return {(method, path): part for path, item in described["paths"].items() for method, part in item.items()}


def test_every_route_of_the_contract_is_described(described: dict) -> None:
    found = operations(described)
    assert set(found) >= ROUTES
    assert all(part["summary"] and part["description"] for part in found.values())


def test_every_operation_tells_its_problems(described: dict) -> None:
    for place, part in operations(described).items():
        assert "application/problem+json" in part["responses"]["4XX"]["content"], place
        assert "application/json" not in part["responses"].get("422", {}).get("content", {}), place


def test_bodies_and_queries_are_described_strictly(described: dict) -> None:
    found = operations(described)
    for method, path in ROUTES:
        if method == "post":
            schema = found[method, path]["requestBody"]["content"]["application/json"]["schema"]
            form = described["components"]["schemas"][schema["$ref"].split("/")[-1]]
            assert form["additionalProperties"] is False
            assert all("description" in value or "default" in value or value for value in form["properties"].values())
    query = {parameter["name"] for parameter in found["get", "/api/runs/{run}/attention"]["parameters"]}
    wanted = {"run", "stack", "layer", "head", "rows", "cols", "size", "pool", "lens", "position", "group", "dtype"}
    assert wanted <= query
    query = {parameter["name"] for parameter in found["get", "/api/runs/{run}/logits"]["parameters"]}
    assert {"position", "temperature", "top_k", "top_p", "min_p", "limit", "search", "draw"} <= query


def test_matrices_have_their_three_formats(described: dict) -> None:
    for place in (
        ("get", "/api/runs/{run}/attention"), ("post", "/api/attention"), ("get", "/api/compare/map"),
    ):  # fmt: skip
        content = operations(described)[place]["responses"]["200"]["content"]
        assert set(content) == {"application/json", "application/vnd.safetensors", "text/csv"}


def test_no_other_host_is_named(described: dict) -> None:
    assert not re.search(r"https?://", json.dumps(described))


def test_operation_ids_are_unique(described: dict) -> None:
    ids = [part["operationId"] for part in operations(described).values()]
    assert len(set(ids)) == len(ids)


def test_routes_are_registered_once_each() -> None:
    """`app/server.py` lists the files of `app/web/routes/`; this keeps the list true."""
    import app.server
    import app.web.routes

    folder = Path(app.web.routes.__path__[0])
    files = {path.stem for path in folder.glob("*.py")} - {"__init__"}
    assert {resource.__name__.rpartition(".")[2] for resource in app.server.RESOURCES} == files
