"""A Hugging Face hub on this machine, as much of one as huggingface_hub asks for: to fetch from for real."""

from __future__ import annotations

import hashlib
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class Repo:
    """Files by name; `refuse` is a status and the hub's error code that every request is answered with."""

    files: dict[str, bytes]
    commit: str = COMMIT
    refuse: tuple[int, str] | None = None
    tags: list[str] = field(default_factory=lambda: ["license:apache-2.0"])
    hide_sizes: bool = False


@dataclass
class FakeHub:
    repos: dict[str, Repo] = field(default_factory=dict)
    fetched: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    tokens: list[str | None] = field(default_factory=list)
    delay: float = 0.0
    slow_file: float = 0.0
    url: str = ""

    def add(self, name: str, folder: Path, **facts: Any) -> Repo:
        files = {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}
        self.repos[name] = Repo(files, **facts)
        return self.repos[name]


@contextmanager
def serve(hub: FakeHub) -> Iterator[FakeHub]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, *_: object) -> None:
            """Silent."""

        def do_HEAD(self) -> None:
            self.answer(body=False)

        def do_GET(self) -> None:
            self.answer(body=True)

        def answer(self, body: bool) -> None:
            parts = [unquote(part) for part in urlsplit(self.path).path.strip("/").split("/")]
            hub.asked.append("/".join(parts))
            hub.tokens.append(self.headers.get("authorization"))
            time.sleep(hub.delay)
            api = parts[:2] == ["api", "models"]
            name = "/".join(parts[2:4] if api else parts[:2])
            repo = hub.repos.get(name)
            if repo is None:
                return self.send(404, b'{"error":"no"}', {"X-Error-Code": "RepoNotFound"}, body)
            if repo.refuse is not None:
                return self.send(repo.refuse[0], b'{"error":"no"}', {"X-Error-Code": repo.refuse[1]}, body)
            if api:
                return self.api(repo, name, parts[4:], body)
            return self.file(repo, parts[3], "/".join(parts[4:]), body)

        def api(self, repo: Repo, name: str, rest: list[str], body: bool) -> None:
            revision = "/".join(rest[1:]) or "main"
            if revision not in ("main", "v1", repo.commit):
                return self.send(404, b'{"error":"no"}', {"X-Error-Code": "RevisionNotFound"}, body)
            if rest[:1] == ["tree"]:
                tree = [
                    {"type": "file", "path": path, "size": len(data), "oid": hashlib.sha1(data).hexdigest()}
                    for path, data in repo.files.items()
                ]
                return self.send(200, json.dumps(tree).encode(), {"Content-Type": "application/json"}, body)
            siblings = [
                {"rfilename": path} | ({} if repo.hide_sizes else {"size": len(data)})
                for path, data in repo.files.items()
            ]
            facts = {"id": name, "sha": repo.commit, "tags": repo.tags, "siblings": siblings, "private": False}
            return self.send(200, json.dumps(facts).encode(), {"Content-Type": "application/json"}, body)

        def file(self, repo: Repo, commit: str, path: str, body: bool) -> None:
            data = repo.files.get(path)
            if data is None or commit != repo.commit:
                return self.send(404, b"", {"X-Error-Code": "EntryNotFound"}, body)
            if body:
                hub.fetched.append(path)
                time.sleep(hub.slow_file)
            etag = f'"{hashlib.sha1(data).hexdigest()}"'
            return self.send(200, data, {"ETag": etag, "X-Repo-Commit": commit}, body)

        def send(self, status: int, data: bytes, headers: dict[str, str], body: bool) -> None:
            self.send_response(status)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            if body:
                self.wfile.write(data)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.handle_error = lambda *_: None  # type: ignore[method-assign]  # clients that leave are part of the tests
    hub.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield hub
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
