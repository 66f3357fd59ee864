"""Who may ask: Host, Origin, Sec-Fetch-Site, method and content type, and the token."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from app.server import create_app
from app.settings import Settings
from app.web.guard import COOKIE, HEADERS, canonical, guard_of, host_name, is_loopback
from tests.web.conftest import FakeEngine, resolved

TOKEN = "correct-horse-battery"

HOSTS = {
    "localhost:8000": True,
    "LOCALHOST": True,
    "localhost.": True,
    "127.0.0.1:8000": True,
    "[::1]:8000": True,
    "[::1]": True,
    "[0:0:0:0:0:0:0:1]:8000": True,
    "::1": False,
    "evil.example": False,
    "localhost.evil.example": False,
    "localhost@evil.example": False,
    "evil.example#localhost": False,
    "localhost:8000:1": False,
    "localhost:port": False,
    "127.0.0.1.nip.io": False,
    "2130706433": False,
    "0.0.0.0:8000": False,
    "[::]:8000": False,
    "": False,
}
# Of the Origin: None is no header. What is right depends on the Host that is asked.
ORIGINS = {
    None: True,
    "same": True,
    "null": False,
    "http://evil.example": False,
    "http://localhost:3000": False,
    "https://localhost.evil.example": False,
    "file://": False,
    "": False,
}
SITES = {None: True, "same-origin": True, "none": True, "same-site": False, "cross-site": False, "nonsense": False}
# Method and path; does the guard look at where it comes from?
ASKS = {
    ("GET", "/api/models"): True,
    ("HEAD", "/api/health"): True,
    ("POST", "/api/tokenize"): True,
    ("OPTIONS", "/api/runs"): True,
    ("DELETE", "/api/runs"): True,
    ("GET", "/"): False,
    ("GET", "/static/icon.svg"): False,
    ("POST", "/login"): True,
}
TYPES = {"application/json": True, "text/plain": False}


def expected(host: str, origin: str | None, site: str | None, ask: tuple[str, str], content_type: str) -> set[int]:
    """The statuses that are right."""
    if not HOSTS[host]:
        return {421}
    if ASKS[ask] and not (ORIGINS[origin] and SITES[site]):
        return {403}
    if ask == ("POST", "/api/tokenize"):
        return {200} if TYPES[content_type] else {415}
    if ask[0] in ("OPTIONS", "DELETE"):
        return {405}
    return {303} if ask[1] == "/login" else {200}


def case_headers(host: str, origin: str | None, site: str | None, kind: str) -> dict[str, str]:
    headers = {"host": host, "content-type": kind, "accept": "*/*"}
    if origin is not None:
        headers["origin"] = f"http://{host.lower().removesuffix('.')}" if origin == "same" else origin
    if site is not None:
        headers["sec-fetch-site"] = site
    return headers


def test_the_whole_matrix() -> None:
    guard = guard_of(Settings())
    for host, origin, site, ask in itertools.product(HOSTS, ORIGINS, SITES, ASKS):
        headers = case_headers(host, origin, site, "application/json")
        raw = [(name.encode(), value.encode()) for name, value in headers.items()]
        refusal = guard.refusal({"type": "http", "method": ask[0], "path": ask[1], "headers": raw})
        right = expected(host, origin, site, ask, "application/json")
        assert (refusal.status in right) if refusal else not right & {403, 421}, (host, origin, site, ask)


def test_every_answer_of_the_matrix_is_a_problem_or_right(client: TestClient) -> None:
    client.follow_redirects = False
    some = [(host, "same", None) for host in HOSTS]
    some += [("localhost:8000", origin, site) for origin in ORIGINS for site in SITES]
    for (host, origin, site), ask, kind in itertools.product(some, ASKS, TYPES):
        answer = client.request(
            *ask, headers=case_headers(host, origin, site, kind), content=b'{"model":"minilm","text":"a"}'
        )
        case = (host, origin, site, ask, kind)
        assert answer.status_code in expected(*case), (case, answer.status_code)
        assert all(answer.headers[name] == value for name, value in HEADERS.items()), case
        if answer.status_code >= 400 and ask[0] != "HEAD":
            assert answer.headers["content-type"] == "application/problem+json", case
            assert "evil" not in answer.text


def test_origin_knows_the_usual_ports(client: TestClient) -> None:
    for host, origin, status in [
        ("localhost", "http://localhost:80", 200),
        ("localhost:80", "http://localhost", 200),
        ("localhost", "https://localhost", 200),
        ("localhost:8000", "http://localhost", 403),
        ("localhost:8000", "http://127.0.0.1:8000", 403),
        ("[::1]:8000", "http://[::1]:8000", 200),
    ]:
        answer = client.get("/api/models", headers={"host": host, "origin": origin})
        assert answer.status_code == status, (host, origin)


@pytest.mark.parametrize(
    ("name", "same"), [("[::1]", "::1"), ("LocalHost.", "localhost"), ("0:0::1", "::1"), ("10.0.0.1", "10.0.0.1")]
)
def test_canonical(name: str, same: str) -> None:
    assert canonical(name) == same


def test_host_name_of_malformed_hosts() -> None:
    assert [host_name(text) for text in ("[::1", "::1]:80", "a b", "a,b", "a/b", "[zz]:1", "a:99999")] == [None] * 7


def test_listening_elsewhere_needs_a_token() -> None:
    with pytest.raises(ValueError, match="token"):
        guard_of(Settings(host="0.0.0.0"))
    assert guard_of(Settings(host="0.0.0.0", token=TOKEN)).token == TOKEN
    assert [is_loopback(host) for host in ("127.9.9.9", "::1", "localhost", "::", "10.0.0.1", "example.org")] == [
        True, True, True, False, False, False,
    ]  # fmt: skip


@pytest.fixture
def away(tmp_path) -> Iterator[TestClient]:
    settings = Settings(cache_dir=tmp_path, warm=False, host="10.1.2.3", token=TOKEN)
    app = create_app(settings, resolved(FakeEngine()))
    with TestClient(app, base_url="http://10.1.2.3:8000", follow_redirects=False) as client:
        yield client


def test_away_nothing_but_the_open_paths_without_the_token(away: TestClient) -> None:
    for path in ("/", "/docs", "/openapi.json", "/metrics", "/api/models", "/api/ready", "/api/limits", "/api/runs/x"):
        answer = away.get(path)
        assert (answer.status_code, answer.json()["code"]) == (401, "unauthorized"), path
        assert answer.headers["www-authenticate"] == "Bearer"
    for path in ("/api/health", "/static/icon.svg", "/login"):
        assert away.get(path).status_code == 200, path
    assert away.get("/static/../api/models").status_code == 401
    assert away.post("/api/tokenize", json={"model": "minilm", "text": "a"}).status_code == 401


def test_a_browser_is_shown_the_way_to_sign_in(away: TestClient) -> None:
    answer = away.get("/", headers={"accept": "text/html"})
    assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    assert away.get("/api/models", headers={"accept": "text/html"}).status_code == 401


def test_the_bearer_token(away: TestClient) -> None:
    for value, status in [
        (f"Bearer {TOKEN}", 200),
        (f"bearer  {TOKEN} ", 200),
        (f"Bearer {TOKEN}x", 401),
        ("Bearer ", 401),
        (f"Basic {TOKEN}", 401),
        (TOKEN, 401),
        ("Bearer \xe9\xff", 401),
    ]:
        answer = away.get("/api/models", headers={"authorization": value.encode("latin-1")})
        assert answer.status_code == status, value
    assert away.get(f"/api/models?token={TOKEN}").status_code == 401


def test_signing_in(away: TestClient) -> None:
    form = {"content-type": "application/x-www-form-urlencoded", "origin": "http://10.1.2.3:8000"}
    wrong = away.post("/login", content="token=wrong", headers=form)
    assert wrong.status_code == 403
    assert "set-cookie" not in wrong.headers
    assert "wrong" not in wrong.text
    foreign = away.post("/login", content=f"token={TOKEN}", headers=form | {"origin": "http://evil.example"})
    assert foreign.status_code == 403
    right = away.post("/login", content=f"token={TOKEN}", headers=form)
    assert (right.status_code, right.headers["location"]) == (303, "/")
    cookie = right.headers["set-cookie"]
    assert "HttpOnly" in cookie
    assert "samesite=strict" in cookie.lower()
    assert TOKEN not in cookie
    assert away.get("/api/models").status_code == 200, "the client sends the cookie back"
    away.cookies.clear()
    session = cookie.partition(";")[0]
    for foreign in ('other={"a": 1}', "a=b=c", "k[]=1", "\xff", "=;;", "a,b"):  # set by whoever shares this host's name
        for jar in (f"{foreign}; {session}", f"{session}; {foreign}"):
            assert away.get("/api/models", headers={"cookie": jar.encode("latin-1")}).status_code == 200, jar
    twice = [("cookie", 'other={"a": 1}'), ("cookie", session)]
    assert away.get("/api/models", headers=twice).status_code == 200
    assert away.get("/api/models", headers={"cookie": f"{COOKIE}={TOKEN}"}).status_code == 401
    assert away.get("/api/models", headers={"cookie": f"{COOKIE}=\xff;;=,".encode("latin-1")}).status_code == 401


def test_a_form_that_is_too_large(away: TestClient) -> None:
    assert away.post("/login", content="token=" + "x" * 10_000).status_code == 413


def test_bound_to_every_address_it_answers_to_numbers_and_not_to_names() -> None:
    anywhere, here = guard_of(Settings(host="0.0.0.0", token=TOKEN)), guard_of(Settings())
    for name, answered in [("192.168.1.5", True), ("10.0.0.1", True), ("fe80::1", True), ("evil.example", False)]:
        assert anywhere.answers(name) is answered, name
        assert not here.answers(name), name
