"""The same numbers in JSON, safetensors and CSV."""

from __future__ import annotations

import contextlib
import csv
import io
import json
import math
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from safetensors.numpy import load
from starlette.testclient import TestClient

from app.checks import Check, at_most
from app.errors import NotAcceptable, OutOfRange, Unprocessable
from app.web import wire
from app.web.asking import written
from tests.web.conftest import FakeEngine

LABELS = (["0 a", "1 =b", "2 c,d"], ["0 a", "1 \n"])


@dataclass
class Answer:
    run: str
    layers: list[int]
    values: np.ndarray
    checks: tuple[Check, ...] = ()
    score: float = 0.5
    bounded: bool = True
    nested: dict[str, float] = field(default_factory=dict)


def answer(values: np.ndarray) -> Answer:
    return Answer("r1", [3], values.reshape(1, 1, *values.shape[-2:]))


def metadata(body: bytes) -> dict[str, object]:
    length = int.from_bytes(body[:8], "little")
    header = json.loads(body[8 : 8 + length])["__metadata__"]
    return {name: json.loads(text) for name, text in header.items()}


probabilities = arrays.arrays(np.float32, (3, 2), elements=st.floats(0, 1, width=32))


@given(probabilities)
def test_the_three_formats_carry_the_same_numbers(values: np.ndarray) -> None:
    value = answer(values)
    from_json = json.loads(wire.matrices(value, "json", "f32", LABELS).body)
    tensor = bytes(wire.matrices(value, "safetensors", "f32", LABELS).body)
    text = bytes(wire.matrices(value, "csv", "f32", LABELS).body).decode()
    rows = list(csv.reader(io.StringIO(text, newline="")))
    assert np.array_equal(np.float32(from_json["values"])[0, 0], values)
    assert np.array_equal(load(tensor)["values"][0, 0], values)
    assert np.array_equal(np.float32([row[1:] for row in rows[1:]]), values)
    assert rows[0][1:] == LABELS[1]
    assert [row[0] for row in rows[1:]] == LABELS[0]
    assert metadata(tensor) == {name: part for name, part in from_json.items() if name != "values"}


@given(probabilities)
def test_u8_is_the_probability_in_255ths(values: np.ndarray) -> None:
    body = bytes(wire.matrices(answer(values), "safetensors", "u8", LABELS).body)
    kept, about = load(body)["values"][0, 0], metadata(body)
    assert kept.dtype == np.uint8
    assert np.array_equal(kept, np.rint(values.astype(np.float64) * 255).astype(np.uint8))
    assert about["zero"] == 0
    assert np.abs(kept * about["scale"] - values).max() <= 0.5 / 255 + 1e-6


@given(arrays.arrays(np.float32, (3, 2), elements=st.floats(-1000, 1000, width=32)))
def test_u8_of_signed_and_unbounded_values_says_how_to_get_back(values: np.ndarray) -> None:
    value = answer(values)
    value.bounded = False
    body = bytes(wire.matrices(value, "safetensors", "u8", LABELS).body)
    kept, about = load(body)["values"][0, 0], metadata(body)
    back = about["zero"] + about["scale"] * kept.astype(np.float64)
    assert np.abs(back - values).max() <= about["scale"] / 2 * (1 + 1e-9)
    assert (np.abs(back[values == 0]) < 1e-12).all(), "0 is exactly 0"


def test_f16_says_what_does_not_fit() -> None:
    body = bytes(wire.matrices(answer(np.float32([[1e6, 1]])), "safetensors", "f16", LABELS).body)
    assert metadata(body)["warnings"] == [wire.NOT_FINITE]


def test_f16() -> None:
    values = np.float32([[0.1, 0.2], [0.3, 0.4], [1, 0]])
    body = bytes(wire.matrices(answer(values), "safetensors", "f16", LABELS).body)
    assert load(body)["values"].dtype == np.float16


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_is_null_and_said(bad: float) -> None:
    value = answer(np.float32([[0.5, bad], [0, 1], [0, 1]]))
    from_json = json.loads(wire.matrices(value, "json", "f32", LABELS).body)
    assert from_json["values"][0][0][0] == [0.5, None]
    assert from_json["warnings"] == [wire.NOT_FINITE]
    text = bytes(wire.matrices(value, "csv", "f32", LABELS).body).decode()
    assert text.split("\r\n")[1] == "0 a,0.5,"
    body = bytes(wire.matrices(value, "safetensors", "u8", LABELS).body)
    assert load(body)["values"][0, 0, 0].tolist() == [128, 0]
    assert metadata(body)["warnings"] == [wire.NOT_FINITE_U8]


def test_numbers_beside_the_matrix_are_looked_at_too() -> None:
    value = answer(np.float32([[1.0]]))
    value.score = float("nan")
    assert json.loads(wire.answer(value).body)["warnings"] == [wire.NOT_FINITE]
    value.score, value.nested = 1.0, {"deep": float("inf")}
    assert json.loads(wire.answer(value).body)["warnings"] == [wire.NOT_FINITE]
    value.nested = {}
    assert "warnings" not in json.loads(wire.answer(value).body)


def test_csv_holds_one_matrix() -> None:
    with pytest.raises(NotAcceptable):
        wire.csv_text(np.zeros((2, 1, 3, 2), np.float32), LABELS)


def test_only_safetensors_has_other_dtypes() -> None:
    for form in ("json", "csv"):
        with pytest.raises(OutOfRange):
            wire.matrices(answer(np.float32([[1.0]])), form, "u8", LABELS)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("accept", "form"),
    [
        (None, "json"),
        ("", "json"),
        ("*/*", "json"),
        ("application/*", "json"),
        ("text/*", "csv"),
        ("text/csv", "csv"),
        ("TEXT/CSV", "csv"),
        ("application/vnd.safetensors", "safetensors"),
        ("application/vnd.safetensors, application/json;q=0.9", "safetensors"),
        ("application/json;q=0.1, text/csv;q=0.2", "csv"),
        ("application/json;q=0, */*", "safetensors"),
        ("text/html, */*;q=0.1", "json"),
    ],
)
def test_what_is_accepted(accept: str | None, form: str) -> None:
    assert wire.accepted(accept) == form


@pytest.mark.parametrize("accept", ["text/html", "image/png;q=1", "application/json;q=0", "text/csv;q=x", "nonsense"])
def test_what_cannot_be_given(accept: str) -> None:
    with pytest.raises(NotAcceptable):
        wire.accepted(accept)


@given(st.text(max_size=200))
def test_any_accept_header_is_understood_or_refused(accept: str) -> None:
    with contextlib.suppress(NotAcceptable):
        assert wire.accepted(accept) in ("json", "safetensors", "csv")


def test_a_check_that_was_not_finite_is_null_with_a_warning(
    client: TestClient, engine: FakeEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = at_most("maps-finite", math.nan, 1.0)
    body = {"model": "minilm", "text": "a b"}
    made = client.post("/api/runs", json=body).json()
    assert made["warnings"] == []
    engine.runs[made["run"]].checks = (at_most("fine", 0.5, 1.0), broken)
    for shown in (client.post("/api/runs", json=body).json(), client.get(f"/api/runs/{made['run']}").json()):
        assert shown["checks"][1] == {"name": "maps-finite", "value": None, "limit": 1.0, "ok": False}
        assert shown["warnings"] == [wire.NOT_FINITE]
    assert "warnings" not in client.post("/api/tokenize", json=body).json()
    whole = engine.tokenize
    monkeypatch.setattr(engine, "tokenize", lambda *given: replace(whole(*given), checks=(broken,)))
    assert client.post("/api/tokenize", json=body).json()["warnings"] == [wire.NOT_FINITE]
    maps = replace(answer(np.float32([[1, np.nan]])), checks=(broken,))
    for dtype, said in [("f32", [wire.NOT_FINITE]), ("u8", [wire.NOT_FINITE, wire.NOT_FINITE_U8])]:
        sent = wire.matrices(maps, "safetensors", dtype, LABELS)
        assert metadata(bytes(sent.body))["warnings"] == said


def test_what_is_too_much_to_write_out_is_refused_and_safetensors_takes_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wire, "MOST_WRITTEN", 5)
    value = answer(np.float32([[0.5, 0.25, 0.25], [0.0, 0.0, 1.0]]))
    for form in ("json", "csv"):
        with pytest.raises(Unprocessable, match="more than 5 numbers") as raised:
            wire.matrices(value, form, "f32", LABELS)
        assert wire.SAFETENSORS in raised.value.hint
    assert load(bytes(wire.matrices(value, "safetensors", "f32", LABELS).body))["values"].size == 6


def test_bytes_are_made_a_part_at_a_time_and_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.random.default_rng(0).random((2, 3, 7, 5), dtype=np.float32)
    whole = wire.as_bytes(values, 0.0, 1 / 255)
    monkeypatch.setattr(wire, "AT_ONCE", 8)
    np.testing.assert_array_equal(wire.as_bytes(values, 0.0, 1 / 255), whole)
    np.testing.assert_array_equal(whole, np.rint(values.astype(np.float64) * 255).astype(np.uint8))


def test_an_answer_is_written_in_the_thread_that_asks() -> None:
    asked = written(lambda engine, cancelled: {"engine": engine, "gone": cancelled()}, wire.json_response)
    assert json.loads(asked("one", lambda: False).body) == {"engine": "one", "gone": False}
