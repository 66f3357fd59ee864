"""What bad input gets, against the real engine: always a problem with the right status, and the server goes on."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from starlette.testclient import TestClient

pytestmark = pytest.mark.real

SECRET = "SeCrEt0417"

IDS = {
    "unknown": ("nobody-knows-this", {404}),
    "unknown on the hub": ("no-such-org/no-such-model", {404, 422, 503}),
    "a path": ("/etc/passwd", {422}),
    "a relative path": ("./minilm", {422}),
    "up": ("../../minilm", {422}),
    "up inside": ("org/../minilm", {422}),
    "a home": ("~/models", {422}),
    "a URL": ("https://example.org/model", {422}),
    "a file URL": ("file:///etc/passwd", {422}),
    "UNC": ("\\\\server\\share", {422}),
    "a drive": ("C:\\models", {422}),
    "three parts": ("a/b/c", {422}),
    "over-long": ("a" * 5000, {422}),
    "empty": ("", {422}),
    "blank": (" ", {422}),
    "NUL": ("mini\x00lm", {422}),
    "a newline": ("minilm\n", {422}),
    "markup": ("<img src=x onerror=alert(1)>", {422}),
    "wide letters": ("ｍｉｎｉｌｍ", {422}),
    "a revision up": ("org/name@../../x", {422}),
}


@pytest.mark.parametrize("name", IDS)
@pytest.mark.parametrize("path", ["/api/runs", "/api/tokenize", "/api/models/load", "/api/attention"])
def test_model_ids(api: TestClient, is_alive: Callable[[], bool], name: str, path: str) -> None:
    model, statuses = IDS[name]
    body: dict[str, Any] = {"model": model}
    if path != "/api/models/load":
        body["text"] = "a"
    if path == "/api/attention":
        body["layer"] = 0
    answer = api.post(path, json=body)
    if answer.headers["content-type"].startswith("text/event-stream"):
        name, _, data = answer.text.strip().split("\n\n")[-1].partition("\n")
        assert name == "event: error"
        assert json.loads(data.removeprefix("data: "))["status"] in statuses
    else:
        assert answer.status_code in statuses, answer.text
        assert answer.headers["content-type"] == "application/problem+json"
    if len(model) > 5:
        assert model not in answer.text
    assert is_alive()


TEXTS = {
    "empty": ("", 422, "text-empty"),
    "blank": (" \t\n  ", 422, "text-empty"),
    "too many tokens": ("word " * 600, 422, "too-many-tokens"),
}


@pytest.mark.parametrize("name", TEXTS)
def test_texts_that_cannot_be_run(api: TestClient, is_alive: Callable[[], bool], name: str) -> None:
    text, status, code = TEXTS[name]
    answer = api.post("/api/runs", json={"model": "minilm", "text": text})
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert is_alive()


def test_too_many_tokens_says_how_many_fit(api: TestClient) -> None:
    answer = api.post("/api/runs", json={"model": "minilm", "text": "word " * 600})
    assert "512" in answer.json()["detail"] + answer.json()["hint"]
    assert api.post("/api/runs", json={"model": "minilm", "text": "word " * 510}).status_code in (200, 201)


def test_a_megabyte_of_text(api: TestClient, is_alive: Callable[[], bool]) -> None:
    answer = api.post("/api/runs", json={"model": "minilm", "text": "a " * 500_000})
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")
    assert is_alive()


@pytest.mark.parametrize(("path", "status"), [("/api/runs", 201), ("/api/tokenize", 200)])
def test_one_word_of_100_000_characters(api: TestClient, is_alive: Callable[[], bool], path: str, status: int) -> None:
    """WordPiece gives up at 100 characters: one unknown token for all of it."""
    answer = api.post(path, json={"model": "minilm", "text": "a" * 100_000})
    assert answer.status_code == status
    tokens = answer.json()["tokens"]
    _, word, _ = tokens["encoder"] if path == "/api/runs" else tokens
    assert (word["text"], word["start"], word["end"]) == ("[UNK]", 0, 100_000)
    assert is_alive()


def test_a_spelled_special_token_is_special_and_has_its_place(api: TestClient) -> None:
    answer = api.post("/api/tokenize", json={"model": "smollm2", "text": "a<|im_end|>\u00e9 b"})
    found = [(token["text"], token["start"], token["end"], token["special"]) for token in answer.json()["tokens"]]
    assert found[:2] == [("a", 0, 1, False), ("<|im_end|>", 1, 11, True)]
    assert [token[1:] for token in found[2:]] == [(11, 12, False), (12, 14, False)]


ODD = {
    "only special tokens": "[CLS] [SEP]",
    "the tokens of another model": "<|im_start|><|im_end|><|endoftext|>",
    "masks and padding": "[MASK] [PAD] [UNK]",
    "NUL": "a\x00b",
    "only NUL": "\x00",
    "right to left": "\u202eabc\u202c שלום عليكم",
    "zero width": "a\u200bb\u200d\ufeff",
    "only zero width": "\u200b\u200d",
    "a family": "x 👩‍👩‍👧‍👦 y",
    "flags and skin": "🇩🇪👍🏽",
    "combining marks": "e\u0301 " + "z" + "\u0300" * 50,
    "Chinese": "我喜欢你。",
    "Hangul in pieces": "\u1112\u1161\u11ab",
    "lines": "one\r\ntwo\u2028three\x85four\t",
    "beyond the first plane": "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𒀀",
    "not a character": "\ufffe\uffff\ufffd",
    "controls": "".join(map(chr, range(1, 32))) + "\x7f",
    "markup": "<img src=x onerror=alert(1)></script>",
    "a template": "{{7*7}} ${7*7} {% raw %}",
}

WORDS = {
    "only special tokens": "[CLS] [SEP]",
    "the tokens of another model": "< | im _ start | > < | im _ end | > < | end ##oft ##ex ##t | >",
    "masks and padding": "[MASK] [PAD] [UNK]",
    "NUL": "ab",
    "only NUL": "",
    "right to left": "abc \u05e9 ##\u05dc ##\u05d5 ##\u05dd \u0639 ##\u0644 ##\u064a ##\u0643 ##\u0645",
    "zero width": "ab",
    "only zero width": "",
    "a family": "x [UNK] y",
    "flags and skin": "[UNK]",
    "combining marks": "e z",
    "Chinese": "我 [UNK] [UNK] [UNK] 。",
    "Hangul in pieces": "\u1112 ##\u1161 ##\u11ab",
    "lines": "one two three ##fo ##ur",
    "beyond the first plane": "[UNK] [UNK]",
    "not a character": "[UNK]",
    "controls": "",
    "markup": "< im ##g sr ##c = x one ##rro ##r = alert ( 1 ) > < / script >",
    "a template": "{ { 7 * 7 } } $ { 7 * 7 } { % raw % }",
}
"""What minilm's tokenizer makes of each, between [CLS] and [SEP]."""


@pytest.mark.parametrize("name", ODD)
def test_odd_texts_are_run_and_their_offsets_rejoin(api: TestClient, is_alive: Callable[[], bool], name: str) -> None:
    text = ODD[name]
    answer = api.post("/api/runs", json={"model": "minilm", "text": text})
    assert answer.status_code == 201, answer.text
    document = answer.json()
    assert [token["text"] for token in document["tokens"]["encoder"]] == ["[CLS]", *WORDS[name].split(), "[SEP]"]
    assert all(check["ok"] for check in document["checks"])
    for token in document["tokens"]["encoder"]:
        if token["start"] is not None:
            assert 0 <= token["start"] <= token["end"] <= len(text)
    maps = api.get(f"/api/runs/{document['run']}/attention?layer=0&head=0")
    assert maps.status_code == 200
    assert all(check["ok"] for check in maps.json()["checks"])
    assert is_alive()


def test_a_second_sentence_where_there_is_none(api: TestClient) -> None:
    answer = api.post("/api/runs", json={"model": "minilm", "text": "a", "target": "b"})
    assert (answer.status_code, answer.json()["code"]) == (422, "pair-unsupported")
    empty = api.post("/api/runs", json={"model": "minilm", "text": "a", "pair": "  "})
    assert (empty.status_code, empty.json()["code"]) == (422, "text-empty")


QUERIES = {
    "layer=6&head=0": (422, "out-of-range"),
    "layer=0&head=12": (422, "out-of-range"),
    "layer=9999999&head=0": (422, "out-of-range"),
    "layer=0&head=0&rows=0:99": (422, "out-of-range"),
    "layer=0&head=0&rows=5:5": (422, "out-of-range"),
    "layer=0&head=0&rows=7:3": (422, "out-of-range"),
    "layer=0&head=0&cols=99:100": (422, "out-of-range"),
    "layer=-1": (422, "invalid-request"),
    "layer=1.5": (422, "invalid-request"),
    "layer=true": (422, "invalid-request"),
    "layer=0&stack=decoder": (422, "stack-unknown"),
    f"layer=0&stack={SECRET}": (422, "stack-unknown"),
    "": (422, "invalid-request"),
    "size=65": (422, "invalid-request"),
    "layer=0&lens=gradient": (422, "no-language-head"),
    "layer=0&lens=nothing": (422, "invalid-request"),
    "layer=0&dtype=u8": (422, "out-of-range"),
}


@pytest.mark.parametrize("query", QUERIES)
def test_questions_that_cannot_be_answered(api: TestClient, run: dict[str, Any], query: str) -> None:
    answer = api.get(f"/api/runs/{run['run']}/attention?{query}")
    assert (answer.status_code, answer.json()["code"]) == QUERIES[query]
    assert answer.headers["content-type"] == "application/problem+json"
    assert SECRET not in answer.text


def test_formats_that_cannot_be_given(api: TestClient, run: dict[str, Any]) -> None:
    path = f"/api/runs/{run['run']}/attention?layer=0"
    for accept in ("text/html", "image/png", "text/csv"):
        answer = api.get(path, headers={"accept": accept})
        assert (answer.status_code, answer.json()["code"]) == (406, "not-acceptable")


def test_a_run_that_is_not_stored(api: TestClient) -> None:
    for path in ("", "/attention?layer=0", "/logits"):
        answer = api.get(f"/api/runs/{SECRET}{path}")
        assert (answer.status_code, answer.json()["code"]) == (404, "run-expired")
        assert SECRET not in answer.text


def test_next_words_of_a_model_without_a_head_for_them(api: TestClient, run: dict[str, Any]) -> None:
    answer = api.get(f"/api/runs/{run['run']}/logits")
    assert (answer.status_code, answer.json()["code"]) == (422, "no-language-head")


def test_an_evicted_run_comes_back_when_it_is_posted_again(tmp_path) -> None:
    from app.models.engine import Engine
    from app.server import create_app
    from app.settings import Settings
    from tests.contracts.conftest import HOME
    from tests.web.conftest import resolved

    settings = Settings(cache_dir=tmp_path, warm=False, hub=False, threads=1, run_budget=600_000)
    with TestClient(create_app(settings, resolved(Engine(settings))), base_url=HOME) as client:
        first = client.post("/api/runs", json={"model": "minilm", "text": "the first text"})
        assert first.status_code == 201
        for i in range(20):
            assert client.post("/api/runs", json={"model": "minilm", "text": f"text number {i}"}).status_code == 201
        path = f"/api/runs/{first.json()['run']}"
        assert client.get(path).json()["code"] == "run-expired"
        again = client.post("/api/runs", json={"model": "minilm", "text": "the first text"})
        assert (again.status_code, again.json()["run"]) == (201, first.json()["run"])
        assert client.get(path).status_code == 200
