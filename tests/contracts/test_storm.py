"""Many callers at once, some of whom leave: refusals before collapse, and it goes on."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import uvicorn

from app.models.engine import Engine
from app.server import create_app
from app.settings import Settings
from app.web.protocol import protocol_with_deadline
from tests.web.conftest import resolved

pytestmark = pytest.mark.real

POST = "POST /api/runs HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n"


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    """A real server whose models take two waiting jobs each."""
    settings = Settings(cache_dir=tmp_path, warm=False, hub=False, threads=1, queue_limit=2)
    engine = Engine(settings)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(settings, resolved(engine)), log_config=None, http=protocol_with_deadline(5), ws="none"
    )
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    while not server.started:
        time.sleep(0.01)
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    thread.join(30)
    listener.close()
    assert not thread.is_alive()


def body(i: int) -> dict[str, str]:
    return {"model": "minilm", "text": f"{i} " + "word " * 400}


def test_too_many_at_once_are_refused_and_the_rest_answered(address: str) -> None:
    with httpx.Client(base_url=address, timeout=60) as client, ThreadPoolExecutor(40) as pool:
        assert client.post("/api/runs", json={"model": "minilm", "text": "first"}).status_code == 201
        answers = list(pool.map(lambda i: client.post("/api/runs", json=body(i)), range(40)))
        statuses = {answer.status_code for answer in answers}
        assert statuses <= {201, 503}
        assert 201 in statuses
        refused = [answer for answer in answers if answer.status_code == 503]
        assert refused
        assert all(answer.json()["code"] == "busy" and int(answer.headers["retry-after"]) >= 1 for answer in refused)
        assert client.post("/api/runs", json=body(99)).status_code == 201


def test_equal_requests_at_once_share_one_pass(address: str) -> None:
    with httpx.Client(base_url=address, timeout=60) as client, ThreadPoolExecutor(8) as pool:
        client.post("/api/models/load", json={"model": "minilm"})
        answers = list(pool.map(lambda _: client.post("/api/runs", json=body(0)), range(8)))
        assert {answer.status_code for answer in answers} <= {200, 201}
        assert len({answer.json()["run"] for answer in answers}) == 1
        assert "headlight_passes 1.0" in client.get("/metrics").text


def test_callers_who_leave_take_no_others_place(address: str) -> None:
    port = int(address.rpartition(":")[2])
    with httpx.Client(base_url=address, timeout=60) as client:
        client.post("/api/models/load", json={"model": "minilm"})
        for i in range(30):
            text = f'{{"model":"minilm","text":"{i} {"word " * 300}"}}'.encode()
            head = POST.format(len(text))
            with socket.create_connection(("127.0.0.1", port)) as leaver:
                leaver.sendall(head.encode() + text)
        deadline = time.monotonic() + 30
        while (answer := client.post("/api/runs", json=body(7))).status_code == 503 and time.monotonic() < deadline:
            time.sleep(0.1)
        assert answer.status_code == 201
