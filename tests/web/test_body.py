"""Bodies: what is refused, with which status, and that nothing of it comes back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from starlette.testclient import TestClient

from app.errors import InvalidJson, InvalidText
from app.server import create_app
from app.settings import Settings
from app.web.body import parse_json
from tests.web.conftest import HOME, FakeEngine, resolved

TOKENIZE = "/api/tokenize"
SECRET = "SeCrEt-0417"


def good(text: str = "a b") -> bytes:
    return b'{"model":"minilm","text":"%s"}' % text.encode()


JSON = {"content-type": "application/json"}

BAD = {
    "empty": (b"", JSON, 400, "invalid-json"),
    "not json": (SECRET.encode(), JSON, 400, "invalid-json"),
    "not a number": (b'{"model":"minilm","text":NaN}', JSON, 400, "invalid-json"),
    "infinity": (b'{"model":"minilm","text":-Infinity}', JSON, 400, "invalid-json"),
    "beyond a double": (b'{"model":"minilm","text":1e999}', JSON, 400, "invalid-json"),
    "5,000 digits": (b'{"model":"minilm","text":' + b"9" * 2500 + b"}", JSON, 400, "invalid-json"),
    "300 digits": (b'{"model":"minilm","text":' + b"9" * 300 + b"}", JSON, 422, "invalid-request"),
    "deep": (b"[" * 2000 + b"]" * 2000, JSON, 400, "invalid-json"),
    "deeper than Python": (b"[" * 1010 + b"]" * 1010, JSON, 400, "invalid-json"),
    "names twice": (b'{"model":"minilm","text":"a","text":"' + SECRET.encode() + b'"}', JSON, 400, "invalid-json"),
    "names twice inside": (b'{"model":"minilm","text":{"a":1,"a":2}}', JSON, 400, "invalid-json"),
    "not UTF-8": (b'{"model":"minilm","text":"\xff"}', JSON, 400, "invalid-json"),
    "surrogate bytes": (b'{"model":"minilm","text":"\xed\xa0\x80"}', JSON, 400, "invalid-json"),
    "half a pair": (b'{"model":"minilm","text":"\\ud83d"}', JSON, 422, "text-invalid"),
    "the other half": (b'{"model":"minilm","text":"\\ude00 x"}', JSON, 422, "text-invalid"),
    "byte order mark": (b"\xef\xbb\xbf" + good(), JSON, 400, "invalid-json"),
    "trailing": (good() + b"]", JSON, 400, "invalid-json"),
    "a list": (b"[1]", JSON, 422, "invalid-request"),
    "null": (b"null", JSON, 422, "invalid-request"),
    "a number for text": (b'{"model":"minilm","text":1}', JSON, 422, "invalid-request"),
    "a text for a truth": (b'{"model":"minilm","text":"a","trace":"true"}', JSON, 422, "invalid-request"),
    "a number for a truth": (b'{"model":"minilm","text":"a","trace":1}', JSON, 422, "invalid-request"),
    "nothing for text": (b'{"model":"minilm","text":null}', JSON, 422, "invalid-request"),
    "missing": (b'{"model":"minilm"}', JSON, 422, "invalid-request"),
    "unknown name": (b'{"model":"minilm","text":"a","%s":1}' % SECRET.encode(), JSON, 422, "invalid-request"),
    "too large": (good("a" * 5000), JSON, 413, "body-too-large"),
    "no type": (good(), {}, 415, "unsupported-media-type"),
    "plain text": (good(), {"content-type": "text/plain"}, 415, "unsupported-media-type"),
    "a form": (good(), {"content-type": "application/x-www-form-urlencoded"}, 415, "unsupported-media-type"),
    "a cousin of JSON": (good(), {"content-type": "application/ld+json"}, 415, "unsupported-media-type"),
    "another alphabet": (good(), {"content-type": "application/json; charset=utf-16"}, 415, "unsupported-media-type"),
    "compressed": (good(), JSON | {"content-encoding": "gzip"}, 415, "unsupported-media-type"),
}


@pytest.mark.parametrize("name", BAD)
def test_bad_bodies_are_refused(client: TestClient, name: str) -> None:
    body, headers, status, code = BAD[name]
    answer = client.post(TOKENIZE, content=body, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.text
    assert client.post(TOKENIZE, content=good(), headers=JSON).status_code == 200, "the server goes on"


@pytest.mark.parametrize("kind", ["application/json", "application/json; charset=UTF-8", "Application/JSON"])
def test_json_is_taken_however_it_is_spelled(client: TestClient, kind: str) -> None:
    assert client.post(TOKENIZE, content=good(), headers={"content-type": kind}).status_code == 200


def test_a_body_without_a_length_is_counted_as_it_comes(client: TestClient) -> None:
    def chunks() -> Iterator[bytes]:
        yield b'{"model":"minilm","text":"'
        for _ in range(100):
            yield b"a" * 100
        yield b'"}'

    answer = client.post(TOKENIZE, content=chunks(), headers=JSON)
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert answer.headers["connection"] == "close"


def test_a_body_at_the_limit_is_taken(client: TestClient) -> None:
    rest = 4096 - len(good(""))
    assert client.post(TOKENIZE, content=good("a" * rest), headers=JSON).status_code == 200
    assert client.post(TOKENIZE, content=good("a" * (rest + 1)), headers=JSON).status_code == 413


def test_a_length_that_lies_is_refused(client: TestClient) -> None:
    answer = client.post(TOKENIZE, content=good(), headers=JSON | {"content-length": "9" * 30})
    assert answer.status_code == 413


def test_text_travels_unharmed(client: TestClient) -> None:
    texts = ["<img src=x onerror=alert(1)>"]
    texts += ["\x00", "\u202eRTL", "\u200b\u200d", "👩‍👩‍👧", "e\u0301", "[CLS] <|im_end|>", '"\\']
    for text in texts:
        answer = client.post(TOKENIZE, json={"model": "minilm", "text": text})
        assert "".join(token["text"] for token in answer.json()["tokens"]) == text.replace(" ", "")


def test_numbers_keep_their_digits() -> None:
    assert parse_json(b"[12345678901234567890123, 0.1, 1e3]") == [12345678901234567890123, 0.1, 1000.0]


def test_parse_json_raises_ours_only() -> None:
    with pytest.raises(InvalidJson):
        parse_json(b"[" * 100_000)
    with pytest.raises(InvalidJson):
        parse_json(b"1" * 5000)
    with pytest.raises(InvalidText):
        parse_json(b'"\\udfff"')


@pytest.mark.parametrize(
    "body", [b'{"model":"minilm","text":' + b"9" * 5000 + b"}", b"[" * 100_000, b"[" * 100_000 + b"]" * 100_000]
)
def test_large_numbers_and_deep_nesting_as_requests(settings: Settings, engine: FakeEngine, body: bytes) -> None:
    larger = settings.model_copy(update={"body_limit": 1_000_000})
    with TestClient(create_app(larger, resolved(engine)), base_url=HOME) as client:
        answer = client.post(TOKENIZE, content=body, headers=JSON)
        assert (answer.status_code, answer.json()["code"]) == (400, "invalid-json")
        assert "999" not in answer.text
        assert client.post(TOKENIZE, json={"model": "minilm", "text": "a"}).status_code == 200
