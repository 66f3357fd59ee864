"""Our side: the real server in a process of its own, asked over loopback HTTP as any client would."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from time import perf_counter, sleep
from types import MappingProxyType
from typing import Any

JSON = "application/json"
SAFETENSORS = "application/vnd.safetensors"


class Server:
    """One server and one kept-open connection to it."""

    def __init__(self, process: subprocess.Popen[bytes], port: int) -> None:
        self.process = process
        self.port = port
        self.connection = HTTPConnection("127.0.0.1", port, timeout=600)

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def close(self) -> None:
        self.connection.close()

    def post(self, path: str, body: object) -> bytes:
        return self._ask("POST", path, json.dumps(body).encode(), JSON)

    def get(self, path: str, accept: str = JSON) -> bytes:
        return self._ask("GET", path, None, accept)

    def run(self, model: str, text: str) -> dict[str, Any]:
        """POST a run and read the whole answer."""
        answer: dict[str, Any] = json.loads(self.post("/api/runs", {"model": model, "text": text}))
        return answer

    def _ask(self, method: str, path: str, body: bytes | None, accept: str) -> bytes:
        headers = {"Accept": accept} | ({"Content-Type": JSON} if body is not None else {})
        try:
            response = self._send(method, path, body, headers)
        except ConnectionError:  # the server closes what was idle; every request here may be sent again
            self.connection.close()
            response = self._send(method, path, body, headers)
        content = response.read()
        if response.status >= 400:
            raise RuntimeError(f"{method} {path.partition('?')[0]} answered {response.status}: {content[:300]!r}")
        return content

    def _send(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> HTTPResponse:
        self.connection.request(method, path, body, headers)
        return self.connection.getresponse()


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
