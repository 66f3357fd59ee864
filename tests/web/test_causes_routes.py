"""Knockouts and the effect map over HTTP: names, problems, the stream that brings each layer's numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.made import made_run
from tests.web.stored import checked, events, serving

HEAD = {"kind": "head", "layer": 1, "head": 2}


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    runs = {name: made_run(name) for name in ("bert", "llama", "gptj")}
    with serving(runs | {"t5": made_run("t5", target="w20 w21 w22")}) as (client, _):
        yield client


def knocked(api: TestClient, *edits: dict[str, Any], run: str = "llama", **more: Any) -> dict[str, Any]:
    return checked(api.post(f"/api/runs/{run}/edits", json={"edits": list(edits), **more}))


def test_edits(api: TestClient) -> None:
    found = knocked(api, HEAD, {"kind": "token", "key": 3}, token=5, against=6, limit=4)
    assert set(found) >= {
        "run",
        "position",
        "mode",
        "before",
        "after",
        "changes",
        "difference",
        "kl",
        "flips",
        "checks",
    }
    assert [set(one) for one in found["after"]] == [{"id", "text", "logit", "softmax", "rank"}] * 4
    assert found["edits"][0] == HEAD | {"stack": "decoder", "query": None, "key": None, "edge": "resoftmax"}
    assert (found["position"], found["mode"]) == (9, "zero")
    assert found["kl"] > 0
    before = checked(api.get("/api/runs/llama/logits?position=9&limit=4"))["candidates"]
    assert [one["id"] for one in found["before"]] == [one["id"] for one in before]
    assert found["before"][0]["softmax"] == pytest.approx(before[0]["softmax"])
    edge = {"kind": "edge", "layer": 1, "head": 0, "query": 9, "key": 2}
    assert knocked(api, edge)["kl"] != knocked(api, edge | {"edge": "drop"})["kl"]
    assert knocked(api, edge | {"layer": None, "head": None})["kl"] > 0
    assert knocked(api, HEAD, mode="mean", position=4)["position"] == 4
    assert knocked(api, {"kind": "layer", "stack": "cross", "layer": 0}, run="t5")["kl"] > 0


def test_the_effect_map_comes_layer_by_layer(api: TestClient) -> None:
    stream = api.post("/api/runs/llama/effects", json={"against": 7})
    assert stream.headers["content-type"].startswith("text/event-stream")
    found = events(stream.text)
    assert [name for name, _ in found] == ["progress"] * 3 + ["ready"]
    *layers, last = (json.loads(data) for _, data in found)
    assert [(one["layer"], one["done"], one["total"]) for one in layers] == [(0, 1, 3), (1, 2, 3), (2, 3, 3)]
    for name in ("kl", "change", "difference"):
        assert last[name] == [one[name] for one in layers]
    assert last["checks"]
    assert all(check["ok"] for check in last["checks"])
    assert last["kl"][1][2] == pytest.approx(knocked(api, HEAD)["kl"], abs=1e-6)
    assert set(last["token"]) == {"id", "text", "logit"}


WRONG: dict[str, tuple[str, dict[str, Any], int, str]] = {
    "no edits": ("llama/edits", {"edits": []}, 422, "invalid-request"),
    "no list": ("llama/edits", {}, 422, "invalid-request"),
    "too many": ("llama/edits", {"edits": [HEAD] * 65}, 422, "invalid-request"),
    "names nothing": ("llama/edits", {"edits": [{"kind": "head"}]}, 422, "invalid-request"),
    "unknown kind": ("llama/edits", {"edits": [{"kind": "neuron"}]}, 422, "invalid-request"),
    "unknown name": ("llama/edits", {"edits": [HEAD | {"value": 1}]}, 422, "invalid-request"),
    "a head that is text": ("llama/edits", {"edits": [HEAD | {"head": "2"}]}, 422, "invalid-request"),
    "an edge of a head": ("llama/edits", {"edits": [HEAD | {"edge": "drop"}]}, 422, "invalid-request"),
    "a later key": (
        "llama/edits", {"edits": [{"kind": "edge", "layer": 0, "query": 2, "key": 3}]}, 422, "invalid-request",
    ),
    "the only edge": (
        "llama/edits", {"edits": [{"kind": "edge", "layer": 0, "query": 0, "key": 0}]}, 422, "not-applicable",
    ),
    "no such head": ("llama/edits", {"edits": [HEAD | {"head": 9}]}, 422, "out-of-range"),
    "no such position": ("llama/edits", {"edits": [HEAD], "position": 10}, 422, "out-of-range"),
    "no such token": ("llama/edits", {"edits": [HEAD], "token": 99}, 422, "out-of-range"),
    "no such mode": ("llama/edits", {"edits": [HEAD], "mode": "none"}, 422, "invalid-request"),
    "no such stack": ("llama/edits", {"edits": [HEAD | {"stack": "cross"}]}, 422, "stack-unknown"),
    "which stack": ("t5/edits", {"edits": [HEAD]}, 422, "stack-unknown"),
    "weights only": ("gptj/edits", {"edits": [HEAD]}, 422, "not-applicable"),
    "no mask": ("bert/edits", {"edits": [HEAD]}, 422, "not-applicable"),
    "no run": ("nobody/edits", {"edits": [HEAD]}, 404, "run-expired"),
    "no run, all heads": ("nobody/effects", {}, 404, "run-expired"),
    "weights only, all heads": ("gptj/effects", {}, 422, "not-applicable"),
    "no mask, all heads": ("bert/effects", {}, 422, "not-applicable"),
    "which stack, all heads": ("t5/effects", {}, 422, "stack-unknown"),
    "no such token, all heads": ("llama/effects", {"against": 99}, 422, "out-of-range"),
    "below zero": ("llama/effects", {"position": -1}, 422, "invalid-request"),
    "edits in it": ("llama/effects", {"edits": []}, 422, "invalid-request"),
}  # fmt: skip


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_answered_is_a_problem(api: TestClient, what: str) -> None:
    path, body, status, code = WRONG[what]
    refused = api.post(f"/api/runs/{path}", json=body)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["hint"]


def test_long_passes_go_behind_others() -> None:
    with serving({"llama": made_run("llama")}, look_budget=1e-9) as (client, engine):
        assert client.post("/api/runs/llama/edits", json={"edits": [HEAD]}).status_code == 200
        assert engine.gave_way >= 3, "before every block"
        assert events(client.post("/api/runs/llama/effects", json={}).text)[-1][0] == "ready"
        assert engine.long == [True, True]
