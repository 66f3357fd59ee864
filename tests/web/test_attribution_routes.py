"""The routes of attribution and saliency over an engine that holds runs of tiny models: names, problems, streams."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.made import made_run
from tests.web.stored import checked, serving

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
