"""The routes of attribution and saliency over an engine that holds runs of tiny models: names, problems, streams."""

from __future__ import annotations

import json
from collections.abc import Iterator

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.made import made_run
from tests.web.stored import checked, events, serving

TEXT = "w7 w8 w9 [MASK] w7 w8 w9 w11 w12 w7"


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    runs = {name: made_run(name, TEXT) for name in ("bert", "llama", "gemma2", "gptj")}
    runs["t5"] = made_run("t5", TEXT, target="w20 w21 w22")
    with serving(runs) as (client, _):
        yield client


def test_attribution(api: TestClient) -> None:
    found = checked(api.get("/api/runs/llama/attribution?position=5&token=23&against=40"))
    assert set(found) >= {
        "run", "position", "token", "against", "total", "embedding", "attention", "mlp", "mlp_bias", "norm_bias",
        "head_bias", "parts", "remainder", "checks",
    }  # fmt: skip
    assert (found["position"], found["token"]["id"], found["against"]["id"]) == (5, 23, 40)
    assert found["total"] == pytest.approx(found["token"]["logit"] - found["against"]["logit"])
    assert np.shape(found["attention"][0]["heads"]) == (3, 4)
    whole = sum(part["value"] for part in found["embedding"]) + found["norm_bias"] + found["head_bias"]
    whole += np.sum(found["mlp"]) + np.sum(found["mlp_bias"])
    whole += sum(np.sum(part["heads"]) + np.sum(part["bias"]) for part in found["attention"])
    assert whole == pytest.approx(found["total"], abs=1e-5)
    assert "warnings" not in found
    plain = checked(api.get("/api/runs/t5/attribution"))
    assert (plain["against"], [part["stack"] for part in plain["attention"]]) == (None, ["decoder", "cross"])
    best = api.get("/api/runs/t5/logits?position=2").json()["candidates"][0]
    assert (plain["token"]["id"], plain["position"]) == (best["id"], 2)
    assert plain["total"] == pytest.approx(best["logit"], abs=1e-5)


@pytest.mark.parametrize("name", ["bert", "llama", "gptj", "t5"])
@pytest.mark.parametrize("method", ["gradient-x-input", "integrated-gradients"])
def test_saliency_streams_and_ends_in_its_answer(api: TestClient, name: str, method: str) -> None:
    stream = api.post(f"/api/runs/{name}/saliency", json={"method": method, "token": 23, "steps": 256})
    assert stream.headers["content-type"].startswith("text/event-stream")
    found = events(stream.text)
    assert {kind for kind, _ in found[:-1]} == {"progress"}
    assert found[-1][0] == "ready"
    answer = json.loads(found[-1][1])
    assert set(answer) >= {
        "run", "method", "position", "token", "text", "against", "tokens", "value", "baseline", "total", "gap", "steps",
        "checks",
    }  # fmt: skip
    assert (answer["method"], answer["token"], answer["against"]) == (method, 23, None)
    run = api.get(f"/api/runs/{name}").json()
    assert {kind: len(part) for kind, part in answer["tokens"].items()} == {k: len(t) for k, t in run["tokens"].items()}
    whole = sum(sum(part) for part in answer["tokens"].values())
    assert whole == pytest.approx(answer["total"], abs=1e-4)
    assert answer["gap"] == pytest.approx(answer["total"] - answer["value"] + answer["baseline"], abs=1e-9)
    assert all(check["ok"] for check in answer["checks"])


WRONG_BODIES = {
    "llama": [
        ({}, "invalid-request"), ({"method": "lime"}, "invalid-request"),
        ({"method": "gradient-x-input", "position": 10}, "out-of-range"),
        ({"method": "gradient-x-input", "position": "4"}, "invalid-request"),
        ({"method": "gradient-x-input", "token": 99}, "out-of-range"),
        ({"method": "gradient-x-input", "against": 99}, "out-of-range"),
        ({"method": "integrated-gradients", "steps": 7}, "invalid-request"),
        ({"method": "integrated-gradients", "steps": 513}, "invalid-request"),
        ({"method": "integrated-gradients", "more": 1}, "invalid-request"),
    ],
    "bert": [({"method": "gradient-x-input", "position": 1}, "not-applicable")],
    "nobody": [({"method": "gradient-x-input"}, "run-expired")],
}  # fmt: skip


@pytest.mark.parametrize("run", WRONG_BODIES)
def test_saliency_that_cannot_be_had_is_a_problem(api: TestClient, run: str) -> None:
    for body, code in WRONG_BODIES[run]:
        refused = api.post(f"/api/runs/{run}/saliency", json=body)
        assert (refused.status_code, refused.json()["code"]) == (404 if run == "nobody" else 422, code), body
        assert refused.headers["content-type"] == "application/problem+json"


WRONG = {
    "llama/attribution?position=10": (422, "out-of-range"),
    "llama/attribution?position=-1": (422, "invalid-request"),
    "llama/attribution?token=99": (422, "out-of-range"),
    "llama/attribution?token=x": (422, "invalid-request"),
    "llama/attribution?against=4000000": (422, "out-of-range"),
    "llama/attribution?layer=1": (422, "invalid-request"),
    "bert/attribution?position=4": (422, "not-applicable"),
    "gemma2/attribution": (422, "not-applicable"),
    "gptj/attribution": (422, "not-applicable"),
    "nobody/attribution": (404, "run-expired"),
}


@pytest.mark.parametrize("path", WRONG)
def test_what_cannot_be_answered_is_a_problem(api: TestClient, path: str) -> None:
    refused = api.get(f"/api/runs/{path}")
    assert (refused.status_code, refused.json()["code"]) == WRONG[path]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["hint"]
