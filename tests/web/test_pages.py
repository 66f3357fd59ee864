"""Pages, static files and what they are served with."""

from __future__ import annotations

import gzip
import json
import re

import anyio
import pytest
from starlette.testclient import TestClient

from app.examples import EXAMPLES
from app.web.pages import Pages
from app.web.service import Service
from tests.web.conftest import FakeEngine, resolved


def boot(html: str) -> dict[str, object]:
    found = re.search(r'<script type="application/json" id="boot">(.*?)</script>', html, re.S)
    assert found is not None
    value: dict[str, object] = json.loads(found[1])
    return value


def test_the_page_starts_with_examples_limits_and_models(client: TestClient) -> None:
    start = boot(client.get("/").text)
    assert [example["text"] for example in start["examples"]] == [example.text for example in EXAMPLES]  # type: ignore[index,attr-defined]
    assert start["default_model"] == "minilm"
    assert start["limits"]["body_limit"] == 4096  # type: ignore[index]
    assert start["models"][0]["id"] == "minilm"  # type: ignore[index]


def test_the_page_comes_before_the_engine(settings) -> None:
    from concurrent.futures import Future

    from app.server import create_app

    with TestClient(create_app(settings, Future()), base_url="http://localhost") as client:
        assert "models" not in boot(client.get("/").text)
        assert client.get("/api/health").status_code == 200
        ready = client.get("/api/ready")
        assert (ready.status_code, ready.json()["code"]) == (503, "busy")
        assert int(ready.headers["retry-after"]) >= 1
        assert client.get("/metrics").status_code == 200
        assert client.get("/api/limits").status_code == 200


def test_an_engine_that_could_not_start_is_a_500_and_the_page_still_comes(settings) -> None:
    from concurrent.futures import Future

    from app.server import create_app

    broken: Future = Future()
    broken.set_exception(RuntimeError("no torch"))
    with TestClient(create_app(settings, broken), base_url="http://localhost") as client:
        assert client.get("/").status_code == 200
        answer = client.get("/api/models")
        assert (answer.status_code, answer.json()["code"]) == (500, "internal")


def test_what_is_embedded_cannot_end_the_script(settings, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.web import pages as module
    from app.web.guard import guard_of

    evil = {"text": "</script><script>alert(1)</script><!--&\u2028'\""}
    monkeypatch.setattr(module, "examples", lambda: [evil])
    pages = Pages(Service(settings, resolved(FakeEngine())), guard_of(settings))
    html = bytes(pages.render("index.html", boot=anyio.run(pages.boot)).body).decode()
    assert "<script>alert" not in html
    assert boot(html)["examples"] == [evil]


def test_no_page_has_an_inline_script_or_another_host(client: TestClient) -> None:
    for path in ("/", "/docs"):
        html = client.get(path).text
        scripts = re.findall(r"<script([^>]*)>([^<]*)", html)
        assert all("application/json" in attributes or not body.strip() for attributes, body in scripts)
        assert not re.search(r"(?:src|href)=[\"'](?:https?:)?//", html)
        assert not re.search(r"\son\w+=", html)


def test_every_asset_a_page_names_is_there(client: TestClient) -> None:
    for page in ("/", "/docs", "/nothing"):
        html = client.get(page, headers={"accept": "text/html"}).text
        for path in re.findall(r"(?:src|href)=\"(/static/[^\"]+)\"", html):
            assert client.get(path).status_code == 200, (page, path)


def test_static_files_are_asked_for_again_and_cheaply(client: TestClient) -> None:
    first = client.get("/static/js/store.js")
    assert first.headers["cache-control"] == "no-cache"
    assert first.headers["content-type"].startswith("text/javascript")
    again = client.get("/static/js/store.js", headers={"if-none-match": first.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")


@pytest.mark.parametrize("path", ["/static/plotly.min.js", "/static/swagger-ui.js", "/static/swagger-ui.css"])
def test_files_of_packages(client: TestClient, path: str) -> None:
    plain = client.get(path, headers={"accept-encoding": "identity"})
    assert plain.status_code == 200
    assert len(plain.content) > 100_000
    with client.stream("GET", path, headers={"accept-encoding": "gzip"}) as answer:
        assert answer.headers["content-encoding"] == "gzip"
        assert answer.headers["vary"] == "Accept-Encoding"
        raw = b"".join(answer.iter_raw())
    assert gzip.decompress(raw) == plain.content
    assert client.get(path, headers={"if-none-match": plain.headers["etag"]}).status_code == 304
    refused = client.get(path, headers={"accept-encoding": "gzip;q=0"})
    assert "content-encoding" not in refused.headers


def test_login_is_not_needed_at_home(client: TestClient) -> None:
    assert client.get("/login", follow_redirects=False).headers["location"] == "/"
