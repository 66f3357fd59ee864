"""Server-sent events, and clients that leave, over a real socket."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress

import httpx
import pytest
import uvicorn
from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.types import Message

from app.cli.serve import GRACE_SECONDS, AnnouncingServer
from app.server import create_app
from app.settings import Settings
from app.web.protocol import protocol_with_deadline
from app.web.service import Service
from app.web.streams import Report, stream
from tests.web.conftest import FakeEngine, FakeModel, FakeRun, info, resolved

Server = tuple[str, int]


@pytest.fixture
def server(settings: Settings, engine: FakeEngine) -> Iterator[Server]:
    """The application in a real server, on a free port."""
    listener = socket.create_server(("127.0.0.1", 0))
    http = protocol_with_deadline(settings.receive_timeout)
    config = uvicorn.Config(create_app(settings, resolved(engine)), log_config=None, http=http, ws="none")
    running = uvicorn.Server(config)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    while not running.started:
        time.sleep(0.01)
    yield listener.getsockname()
    running.should_exit = True
    thread.join(10)
    listener.close()
    assert not thread.is_alive()
    assert engine.closed


@pytest.fixture
def web(server: Server) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{server[1]}") as client:
        yield client


def events(text: str) -> list[tuple[str, dict[str, object]]]:
    found = []
    for block in text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.split("\n"))
        found.append((lines["event"], json.loads(lines["data"])))
    return found


def test_a_load_reports_its_stages_and_ends_in_the_model(web: httpx.Client) -> None:
    answer = web.post("/api/models/load", json={"model": "minilm"})
    assert answer.headers["content-type"].startswith("text/event-stream")
    seen = events(answer.text)
    assert [name for name, _ in seen] == ["progress", "progress", "ready"]
    assert seen[0][1] == {"stage": "open", "done": 0, "total": 2, "message": "opening"}
    assert seen[-1][1]["id"] == "minilm"


def test_what_is_refused_at_once_has_its_own_status(web: httpx.Client) -> None:
    answer = web.post("/api/models/load", json={"model": "nobody/nothing"})
    assert (answer.status_code, answer.json()["code"]) == (404, "model-unknown")


def test_what_fails_later_ends_in_the_problem(web: httpx.Client) -> None:
    name, problem = events(web.post("/api/models/load", json={"model": "late"}).text)[-1]
    assert (name, problem["code"], problem["status"]) == ("error", "model-unknown", 404)


def test_what_nobody_expected_says_nothing(web: httpx.Client) -> None:
    answer = web.post("/api/models/load", json={"model": "broken"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text


def head(path: str, length: int) -> bytes:
    """The head of a POST by hand."""
    lines = (f"POST {path} HTTP/1.1", "Host: 127.0.0.1", "Content-Type: application/json", f"Content-Length: {length}")
    return "\r\n".join((*lines, "", "")).encode()


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/models/load", b'{"model":"slow"}'),
        ("/api/runs", b'{"model":"slow","text":"a"}'),
        ("/api/attention", b'{"model":"slow","text":"a","layer":0}'),
    ],
)
def test_leaving_stops_the_work(server: Server, engine: FakeEngine, web: httpx.Client, path: str, body: bytes) -> None:
    with socket.create_connection(server[:2]) as client:
        client.sendall(head(path, len(body)) + body)
        assert engine.waiting.wait(5)
        assert not engine.cancelled.is_set()
    assert engine.cancelled.wait(5)
    assert web.get("/api/health").status_code == 200


@pytest.mark.parametrize(
    ("path", "body"), [("/api/models/load", b'{"model":"slow"}'), ("/api/runs", b'{"model":"slow","text":"a"}')]
)
def test_a_server_that_is_told_to_end_gives_its_work_up_and_says_so(
    settings: Settings, engine: FakeEngine, path: str, body: bytes
) -> None:
    app = create_app(settings, resolved(engine))
    config = uvicorn.Config(app, log_config=None, ws="none", timeout_graceful_shutdown=GRACE_SECONDS)
    listener = socket.create_server(("127.0.0.1", 0))
    running = AnnouncingServer(config, "here", False, app.state.service)
    thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]})
    thread.start()
    while not running.started:
        time.sleep(0.01)
    with socket.create_connection(listener.getsockname()) as client:
        client.sendall(head(path, len(body)) + body)
        assert engine.waiting.wait(5)
        told = time.monotonic()
        running.should_exit = True
        answer = receive_all(client)
    thread.join(10)
    assert time.monotonic() - told < GRACE_SECONDS, "it waited for the work"
    assert (engine.cancelled.is_set(), engine.closed, thread.is_alive()) == (True, True, False)
    assert b'"code":"stopping"' in answer
    assert answer.startswith(b"HTTP/1.1 200" if b"event-stream" in answer else b"HTTP/1.1 503")


def test_leaving_stops_a_look(server: Server, engine: FakeEngine, web: httpx.Client) -> None:
    engine.runs["slow"] = FakeRun("slow", FakeModel(info()), {})
    with socket.create_connection(server[:2]) as client:
        client.sendall(b"GET /api/runs/slow/logits?position=0 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert engine.waiting.wait(5)
        assert not engine.cancelled.is_set()
    assert engine.cancelled.wait(5)
    assert web.get("/api/health").status_code == 200


def test_leaving_in_the_middle_of_the_body(server: Server, web: httpx.Client) -> None:
    with socket.create_connection(server[:2]) as client:
        client.sendall(head("/api/runs", 99) + b"{")
    assert web.get("/api/health").status_code == 200


def receive_all(client: socket.socket) -> bytes:
    seen = b""
    while chunk := client.recv(65536):
        seen += chunk
    return seen


def test_a_body_that_dribbles_is_given_up(server: Server) -> None:
    started = time.monotonic()
    with socket.create_connection(server[:2]) as client:
        client.sendall(head("/api/runs", 99) + b"{")
        answer = receive_all(client)
    assert answer.startswith(b"HTTP/1.1 408")
    assert b"request-timeout" in answer
    assert time.monotonic() - started < 3


@pytest.mark.parametrize("start", [b"GET / HT", b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ", b""])
def test_a_head_that_dribbles_is_given_up(server: Server, start: bytes) -> None:
    with socket.create_connection(server[:2]) as client:
        client.sendall(start)
        client.settimeout(3)
        answer = receive_all(client)
    assert answer.startswith(b"HTTP/1.1 408") if start else answer == b""


def test_dribbling_on_a_connection_that_was_used(server: Server) -> None:
    with socket.create_connection(server[:2]) as client:
        client.settimeout(3)
        client.sendall(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert client.recv(65536).startswith(b"HTTP/1.1 200")
        client.sendall(b"GET /api/hea")
        assert b"HTTP/1.1 408" in receive_all(client)


def test_empty_lines_do_not_keep_a_connection_that_was_used(server: Server) -> None:
    with socket.create_connection(server[:2]) as client:
        client.settimeout(3)
        client.sendall(b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        answer = client.recv(65536)
        while not answer.endswith(b"}"):
            answer += client.recv(65536)
        client.sendall(b"\r\n")
        assert receive_all(client) == b""


@pytest.mark.parametrize("line", [b"X-Long: " + b"a" * 1000 + b"\r\n", b"a" * 1000])
def test_a_head_that_never_ends_is_refused(server: Server, line: bytes) -> None:
    start = b"GET /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\n" if line.endswith(b"\n") else b"GET /api/"
    with socket.create_connection(server[:2]) as client:
        client.settimeout(3)
        client.sendall(start + line * 100)
        assert receive_all(client).startswith(b"HTTP/1.1 431")


def test_a_second_head_that_dribbles_does_not_harm_the_first_request(server: Server) -> None:
    with socket.create_connection(server[:2]) as client:
        client.settimeout(3)
        body = b'{"model": "minilm", "text": "a"}'
        client.sendall(head("/api/runs", len(body)) + body + b"GET /api/hea")
        answer = receive_all(client)
    assert answer.startswith(b"HTTP/1.1 20")
    assert answer.count(b"HTTP/1.1 408") == 1


def test_a_second_head_is_bounded_while_the_first_request_is_answered(server: Server, engine: FakeEngine) -> None:
    body = b'{"model":"slow","text":"a"}'
    with socket.create_connection(server[:2]) as client:
        client.settimeout(3)
        client.sendall(head("/api/runs", len(body)) + body)
        assert engine.waiting.wait(5)
        with suppress(OSError):  # reset, or the pipe is broken
            client.sendall(b"GET /" + b"a" * 10_000_000)
    assert engine.cancelled.wait(5), "the connection is closed, and the work of its first request with it"


@pytest.mark.parametrize("leaves", [False, True])
def test_a_stream_keeps_its_place_until_it_is_read(settings: Settings, engine: FakeEngine, leaves: bool) -> None:
    """What is made and not read yet takes memory: whoever does not read is one of those who wait."""
    service = Service(settings, resolved(engine))
    seen: list[bytes] = []

    async def waits() -> Message:
        await asyncio.Event().wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        if leaves:
            raise OSError("gone")
        seen.append(message.get("body", b""))

    def work(_: object, report: Report, __: object) -> dict[str, int]:
        report({"stage": 1})
        return {"all": 1}

    async def story() -> None:
        answer = await stream(Request({"type": "http"}, waits), service, work)
        await asyncio.sleep(0.2)
        assert service.jobs.inside == 1, "it is done, and not read"
        with suppress(OSError, ClientDisconnect):
            await answer({"type": "http", "asgi": {"spec_version": "2.4"}}, waits, send)
        await asyncio.sleep(0)
        assert service.jobs.inside == 0

    asyncio.run(story())
    assert leaves or b"event: ready" in b"".join(seen)


def test_a_large_body_is_refused_and_the_refusal_arrives(web: httpx.Client) -> None:
    answer = web.post("/api/runs", content=b"x" * 1_000_000, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert web.get("/api/health").status_code == 200


def test_head_on_the_wire(server: Server) -> None:
    with socket.create_connection(server[:2]) as client:
        client.sendall(b"HEAD /api/health HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
        answer = receive_all(client)
    assert answer.startswith(b"HTTP/1.1 200")
    assert answer.endswith(b"\r\n\r\n")
