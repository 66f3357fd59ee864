"""Our side: the real server in a process of its own, asked over loopback HTTP as any client would."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from time import perf_counter, sleep
from types import MappingProxyType
from typing import Any

import httptools

JSON = "application/json"
SAFETENSORS = "application/vnd.safetensors"


class Server:
    """One server and one kept-open connection to it.

    The client is as thin as can be, so that what is measured is the server: a socket, and the parser in C that the
    server reads with too. Python's own client costs half a millisecond a request.
    """

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.socket = self._connect()

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.socket.close()

    def post(self, path: str, body: object) -> bytes:
        return self._ask("POST", path, json.dumps(body).encode(), JSON)

    def get(self, path: str, accept: str = JSON) -> bytes:
        return self._ask("GET", path, b"", accept)

    def run(self, model: str, text: str) -> dict[str, Any]:
        """POST a run and read the whole answer."""
        answer: dict[str, Any] = json.loads(self.post("/api/runs", {"model": model, "text": text}))
        return answer

    def _ask(self, method: str, path: str, body: bytes, accept: str) -> bytes:
        head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\nAccept: {accept}\r\n"
        if method == "POST":
            head += f"Content-Type: {JSON}\r\nContent-Length: {len(body)}\r\n"
        request = f"{head}\r\n".encode() + body
        try:
            answer = self._send(request)
        except ConnectionError:  # the server closes what was idle; every request here may be sent again
            self.socket.close()
            self.socket = self._connect()
            answer = self._send(request)
        if answer.status >= 400:
            raise RuntimeError(f"{method} {path.partition('?')[0]} answered {answer.status}: {answer.body[:300]!r}")
        return bytes(answer.body)

    def _send(self, request: bytes) -> Answer:
        self.socket.sendall(request)
        answer = Answer()
        while not answer.complete:
            chunk = self.socket.recv(1 << 20)
            if not chunk:
                raise ConnectionResetError("the server closed the connection")
            answer.parser.feed_data(chunk)
        return answer

    def _connect(self) -> socket.socket:
        made = socket.create_connection(("127.0.0.1", self.port), timeout=600)
        made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return made


class Answer:
    """One HTTP answer while it comes in; httptools calls the methods."""

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.status, self.body, self.complete = 0, bytearray(), False

    def on_headers_complete(self) -> None:
        self.status = self.parser.get_status_code()

    def on_body(self, body: bytes) -> None:
        self.body += body

    def on_message_complete(self) -> None:
        self.complete = True


@contextmanager
def serving(
    *options: str, env: Mapping[str, str] = MappingProxyType({}), folder: Path | None = None
) -> Iterator[Server]:
    """A server that takes connections, started on a free port and ended afterwards.

    `env` is added to the environment. With `folder` it is started there, and knows only the code that `env` leads to.
    """
    port = free_port()
    process = start(port, *options, env=env, folder=folder)
    try:
        wait_for_port(process, port)
        with closing(Server(process, port)) as server:
            yield server
    finally:
        process.terminate()
        process.wait(30)


def start(
    port: int, *options: str, env: Mapping[str, str] = MappingProxyType({}), folder: Path | None = None
) -> subprocess.Popen[bytes]:
    python = [sys.executable] if folder is None else [sys.executable, "-P"]
    return subprocess.Popen(
        [*python, "-m", "app", "serve", "--port", str(port), *options],
        env=os.environ | env,
        cwd=folder,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_for_port(process: subprocess.Popen[bytes], port: int, limit: float = 120) -> float:
    """Seconds until the port took a connection. RuntimeError when the server ended, TimeoutError at the limit."""
    start = perf_counter()
    while perf_counter() - start < limit:
        if process.poll() is not None:
            raise RuntimeError(f"the server ended with status {process.returncode}")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return perf_counter() - start
        sleep(0.01)
    raise TimeoutError(f"nothing listens on port {port} after {limit:g} s")
