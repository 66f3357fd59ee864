"""Everything that goes wrong is a problem document."""

from __future__ import annotations

import logging
import re

import pytest
from starlette.testclient import TestClient

from app import errors
from app.errors import HeadlightError
from app.web import problems
from app.web.problems import describe

FIELDS = {"type", "title", "status", "code", "detail", "hint"}


def all_errors(base: type[HeadlightError] = HeadlightError) -> list[type[HeadlightError]]:
    return [base, *(found for child in base.__subclasses__() for found in all_errors(child))]


def test_the_tree_in_the_docstring_is_the_tree_of_classes() -> None:
    """The tree is drawn by hand; this keeps it true. Mend the docstring of `app/errors.py`, or the class."""
    drawn = dict(re.findall(r"(\w+)(?: \d{3})?(?: \(Retry-After\))? {2,}([a-z-]+)", errors.__doc__ or ""))
    for error in all_errors()[1:]:
        assert re.search(rf"[─└├] {error.__name__}\b", errors.__doc__ or ""), error
        if error.__name__ in drawn and error is not errors.BadRequest:
            assert drawn[error.__name__] == error.code, error


@pytest.mark.parametrize(("method", "path"), [("POST", "/api/tokenize"), ("GET", "/api/runs/x/heads?SeCrEt=1")])
def test_an_unknown_name_is_answered_with_the_names_there_are(client: TestClient, method: str, path: str) -> None:
    body = {"model": "minilm", "text": "a", "SeCrEt": 1} if method == "POST" else None
    answer = client.request(method, path, json=body)
    assert answer.json()["hint"].startswith(
        "It takes model, text, pair" if method == "POST" else "It takes stack, null"
    )
    assert "SeCrEt" not in answer.text


def test_codes_are_unique_and_stable_words() -> None:
    codes = [error.code for error in all_errors()]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", code) for code in codes)


@pytest.mark.parametrize("error", all_errors())
def test_each_error_makes_a_document(error: type[HeadlightError]) -> None:
    answer = problems.response(error("What is wrong.", "What to do."))
    assert answer.status_code == error.status
    assert answer.media_type == "application/problem+json"
    assert set(problems.problem(error("a"))) == FIELDS
    assert ("retry-after" in answer.headers) == (error.status == 503)


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "not-found"),
        ("GET", "/nothing", 404, "not-found"),
        ("GET", "/api/runs/%00%ff", 404, "run-expired"),
        ("GET", "/api/runs/" + "a" * 3000, 404, "run-expired"),
        ("GET", "/static/../app/server.py", 404, "not-found"),
        ("GET", "/static/%2e%2e/pyproject.toml", 404, "not-found"),
        ("GET", "/api/models/", 404, "not-found"),
        ("PUT", "/api/runs", 405, "method-not-allowed"),
        ("OPTIONS", "/api/runs", 405, "method-not-allowed"),
        ("GET", "/api/models/load", 405, "method-not-allowed"),
        ("POST", "/", 405, "method-not-allowed"),
        ("GET", "/api/runs/x/attention?layer=1&layer=2", 422, "invalid-request"),
        ("GET", "/api/runs/x/attention?SeCrEt=1", 422, "invalid-request"),
        ("GET", "/api/runs/x/attention?layer=SeCrEt", 422, "invalid-request"),
        ("GET", "/api/runs/x/attention?layer=" + "9" * 5000, 422, "invalid-request"),
        ("GET", "/api/runs/x/attention?layer=-1", 422, "invalid-request"),
        ("GET", "/api/runs/x/attention?layer=", 422, "invalid-request"),
        ("GET", "/api/runs/x/attention?layer=1e999", 422, "invalid-request"),
        ("GET", "/api/runs/x/attention?rows=SeCrEt", 422, "invalid-request"),
        ("GET", "/api/runs/x/attention?rows=1:٣", 422, "invalid-request"),
        ("GET", "/api/runs/x/attention?pool=SeCrEt", 422, "invalid-request"),
        ("GET", "/api/runs/x/attention?lens=SeCrEt", 422, "invalid-request"),
        ("GET", "/api/runs/x/attention?size=0", 422, "invalid-request"),
        ("GET", "/api/runs/x/attention?layer=0", 404, "run-expired"),
        ("GET", "/api/runs/x/logits?temperature=nan", 422, "invalid-request"),
        ("GET", "/api/runs/x/logits?temperature=inf", 422, "invalid-request"),
        ("GET", "/api/runs/x/logits?top_p=1.5", 422, "invalid-request"),
        ("GET", "/api/runs/x/logits?draw=99999999999999999999", 422, "invalid-request"),
    ],
)
def test_bad_addresses(client: TestClient, method: str, path: str, status: int, code: str) -> None:
    answer = client.request(method, path)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert set(answer.json()) == FIELDS
    assert "SeCrEt" not in answer.text
    assert client.get("/api/health").status_code == 200


def test_405_says_what_is_allowed(client: TestClient) -> None:
    assert client.put("/api/runs").headers["allow"] == "POST"


def test_an_unexpected_exception_is_logged_and_says_nothing(
    client: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR, "headlight"):
        answer = client.post("/api/tokenize", json={"model": "broken", "text": "private"})
    assert (answer.status_code, answer.json()["code"]) == (500, "internal")
    assert "secret" not in answer.text
    assert "private" not in answer.text
    assert answer.headers["content-security-policy"]
    [record] = caplog.records
    assert record.exc_info is not None
    assert record.exc_info[0] is RuntimeError


def test_a_person_is_shown_a_page(client: TestClient) -> None:
    answer = client.get("/nothing<img src=x>", headers={"accept": "text/html,*/*"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")
    assert "<img src=x" not in answer.text
    assert "There is nothing here" in answer.text
    api = client.get("/api/nothing", headers={"accept": "text/html"})
    assert api.headers["content-type"] == "application/problem+json"


def test_head_is_get_without_a_body(client: TestClient) -> None:
    for path in ("/api/health", "/", "/static/icon.svg", "/api/nothing", "/static/plotly.min.js"):
        head, get = client.head(path), client.get(path)
        assert head.content == b""
        assert (head.status_code, head.headers["content-type"]) == (get.status_code, get.headers["content-type"])
        assert head.headers["content-length"] == get.headers["content-length"]


IN_OUR_WORDS = [
    ("missing", ("body", "text"), "Field required", "`text` is missing."),
    ("extra_forbidden", ("query", "evil"), "Extra", "The query has a name that is not known here."),
    ("string_type", ("body", "text"), "Input should be a valid string", "`text` must be a valid string."),
    ("model_attributes_type", ("body",), "Input should be a dictionary", "The body must be a JSON object."),
    ("something_new", ("body", "text"), "got 'evil'", "`text` is not valid."),
]


@pytest.mark.parametrize(("kind", "place", "message", "sentence"), IN_OUR_WORDS)
def test_validation_in_our_words(kind: str, place: tuple[str, ...], message: str, sentence: str) -> None:
    assert describe([{"type": kind, "loc": place, "msg": message}]).detail == sentence
