"""The routes of comparison: names, formats, problems, progress."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load
from starlette.testclient import TestClient

from app.models.run import Run
from tests.made import made_run
from tests.web.stored import checked, events, serving

SAFETENSORS = {"accept": "application/vnd.safetensors"}
MAP = "/api/compare/map?a=one&b=two&layer=1&head=2"


def runs() -> dict[str, Run]:
    return {
        "one": made_run("llama", "w7 w8 w9 w10 w11 w12"),
        "two": made_run("llama", "w7 w8 w20 w10 w11 w12 w13"),
        "none": made_run("llama", "w30 w31"),
        "bert": made_run("bert", "w7 w8 w9"),
        "bart": made_run("bart", "w7 w8 w9", target="w20 w21"),
    }


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    with serving(runs()) as (client, _):
        yield client


def compare(api: TestClient, **body: Any) -> dict[str, Any]:
    return checked(api.post("/api/compare", json=body))


def test_the_names_of_the_contract(api: TestClient) -> None:
    found = compare(api, a="one", b="two")
    assert set(found) >= {"a", "b", "stack", "pairs", "heads", "checks", "col_pairs", "by"}
    assert found["pairs"] == [[0, 0], [1, 1], [3, 3], [4, 4], [5, 5]]
    assert all(set(head) == {"layer", "head", "divergence"} for head in found["heads"])
    assert len(found["heads"]) == 12
    bits = [head["divergence"] for head in found["heads"]]
    assert bits == sorted(bits, reverse=True)
    assert 0.0 <= bits[-1] <= bits[0] <= 1.0
    assert compare(api, a="bart", b="bart", stack="cross")["heads"][0]["divergence"] == 0.0


def test_models_of_different_shape_say_so(api: TestClient) -> None:
    found = compare(api, a="bart", b="bert", stack="encoder")
    assert found["heads"] == []
    assert found["warnings"]


def test_progress_ends_in_the_same_answer(api: TestClient) -> None:
    answer = api.post("/api/compare", json={"a": "one", "b": "two"}, headers={"accept": "text/event-stream"})
    found = events(answer.text)
    assert [name for name, _ in found] == ["progress"] * 3 + ["ready"]
    assert json.loads(found[-1][1]) == compare(api, a="one", b="two")


def test_long_work_goes_behind_waiting_passes() -> None:
    for budget, long in ((1e-9, True), (2.0, False)):
        with serving(runs(), look_budget=budget) as (client, engine):
            compare(client, a="one", b="two")
            assert engine.long == [long]


def test_the_map_in_its_three_formats(api: TestClient) -> None:
    found = checked(api.get(MAP))
    values = np.float32(found["values"])
    assert values.shape == (1, 1, 5, 5)
    assert (values < 0).any()
    assert (values > 0).any()
    assert found["signed"]
    assert found["divergence"] == pytest.approx(
        next(h["divergence"] for h in compare(api, a="one", b="two")["heads"] if (h["layer"], h["head"]) == (1, 2)),
        abs=1e-6,
    )
    one, two = (
        np.float32(api.get(f"/api/runs/{name}/attention?layer=1&head=2").json()["values"][0][0])
        for name in ("one", "two")
    )
    kept = [0, 1, 3, 4, 5]
    assert np.allclose(values[0, 0], two[np.ix_(kept, kept)] - one[np.ix_(kept, kept)], atol=1e-7)
    assert np.array_equal(load(api.get(MAP, headers=SAFETENSORS).content)["values"], values)
    rows = list(csv.reader(io.StringIO(api.get(MAP, headers={"accept": "text/csv"}).text, newline="")))
    assert rows[0][1:] == ["0 w7", "1 w8", "3 w10", "4 w11", "5 w12"]
    assert np.array_equal(np.float32([row[1:] for row in rows[1:]]), values[0, 0])


def test_bytes_hold_both_signs(api: TestClient) -> None:
    values = np.float32(checked(api.get(MAP))["values"])
    data = api.get(f"{MAP}&dtype=u8", headers=SAFETENSORS).content
    small = load(data)["values"]
    metadata = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])["__metadata__"]
    zero, scale = float(metadata["zero"]), float(metadata["scale"])
    assert np.allclose(zero + scale * small, values, atol=scale / 2 + 1e-7)


def test_pooled(api: TestClient) -> None:
    found = checked(api.get(f"{MAP}&size=2"))
    assert found["row_edges"] == [0, 2, 5]
    assert np.float32(found["values"]).shape == (1, 1, 2, 2)
    text = api.get(f"{MAP}&size=2", headers={"accept": "text/csv"}).text
    assert text.startswith("query \\ key,0:2,2:5")


BODIES: list[tuple[dict[str, Any], tuple[int, str]]] = [
    ({}, (422, "invalid-request")),
    ({"a": "one"}, (422, "invalid-request")),
    ({"a": "one", "b": 2}, (422, "invalid-request")),
    ({"a": "one", "b": ""}, (422, "invalid-request")),
    ({"a": "one", "b": "x" * 65}, (422, "invalid-request")),
    ({"a": "one", "b": "two", "more": 1}, (422, "invalid-request")),
    ({"a": "one", "b": "nobody"}, (404, "run-expired")),
    ({"a": "one", "b": "two", "stack": "cross"}, (422, "stack-unknown")),
    ({"a": "bart", "b": "bert"}, (422, "stack-unknown")),
    ({"a": "one", "b": "none"}, (422, "not-applicable")),
    ({"a": "bart", "b": "one", "stack": "cross"}, (422, "not-applicable")),
]


@pytest.mark.parametrize(("body", "problem"), BODIES, ids=str)
@pytest.mark.parametrize("accept", ["application/json", "text/event-stream"])
def test_runs_that_do_not_go_together(
    api: TestClient, body: dict[str, Any], problem: tuple[int, str], accept: str
) -> None:
    refused = api.post("/api/compare", json=body, headers={"accept": accept})
    assert (refused.status_code, refused.json()["code"]) == problem
    assert refused.json()["hint"]


WRONG = {
    "": (422, "invalid-request"),
    "a=one&b=two&layer=0": (422, "invalid-request"),
    "a=one&b=two&layer=0&head=4": (422, "out-of-range"),
    "a=one&b=two&layer=3&head=0": (422, "out-of-range"),
    "a=one&b=two&layer=0&head=0&layer_b=9": (422, "out-of-range"),
    "a=one&b=two&layer=0&head=0&size=0": (422, "invalid-request"),
    "a=one&b=two&layer=0&head=0&dtype=u8": (422, "out-of-range"),
    "a=one&b=two&layer=0&head=0&more=1": (422, "invalid-request"),
    "a=one&b=none&layer=0&head=0": (422, "not-applicable"),
    "a=one&b=nobody&layer=0&head=0": (404, "run-expired"),
}


@pytest.mark.parametrize("query", WRONG)
def test_maps_that_cannot_be(api: TestClient, query: str) -> None:
    refused = api.get(f"/api/compare/map?{query}")
    assert (refused.status_code, refused.json()["code"]) == WRONG[query]
    assert refused.json()["hint"]


def test_a_format_that_comparison_has_not(api: TestClient) -> None:
    refused = api.post("/api/compare", json={"a": "one", "b": "two"}, headers={"accept": "text/csv"})
    assert (refused.status_code, refused.json()["code"]) == (406, "not-acceptable")
