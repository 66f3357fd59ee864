"""The routes of surprisal and the logit lens over an engine that holds runs of tiny models."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.models.run import Run
from tests.made import made_run
from tests.web.stored import checked, events, serving

TOKEN = {"index", "id", "text", "nats", "rank", "entropy", "best", "best_text", "best_softmax"}
LAYER = {"layer", "candidates", "entropy", "kl_to_final", "final", "target"}


def runs() -> dict[str, Run]:
    targets = {"t5": "w20 w21"}
    made = {name: made_run(name, target=targets.get(name)) for name in ("bert", "llama", "gptj", "t5")}
    return made | {"one": made_run("llama", text="w7")}


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    with serving(runs()) as (client, _):
        yield client


@pytest.mark.parametrize(("name", "objective"), [("bert", "mlm"), ("llama", "clm"), ("gptj", "clm"), ("t5", "seq2seq")])
def test_surprisal(api: TestClient, name: str, objective: str) -> None:
    found = checked(api.get(f"/api/runs/{name}/surprisal"))
    assert found["objective"] == objective
    assert all(set(token) == TOKEN for token in found["tokens"])
    nats = [token["nats"] for token in found["tokens"] if token["nats"] is not None]
    assert len(nats) == found["scored"] < len(found["tokens"])
    assert "null" in found["warnings"][0]
    assert found["loss"] == pytest.approx(sum(nats) / len(nats))
    assert found["perplexity"] == pytest.approx(math.exp(found["loss"]))
    assert found["bits_per_byte"] == pytest.approx(sum(nats) / math.log(2) / found["bytes"])


def test_the_lens_at_a_position(api: TestClient) -> None:
    found = checked(api.get("/api/runs/llama/lens?position=3&limit=4"))
    assert (found["position"], found["stack"], found["approximate"]) == (3, "decoder", False)
    assert [layer["layer"] for layer in found["layers"]] == [0, 1, 2, 3]
    assert all(set(layer) == LAYER for layer in found["layers"])
    assert all(len(layer["candidates"]) == 4 for layer in found["layers"])
    own = checked(api.get("/api/runs/llama/logits?position=3&limit=4"))
    assert [c["logit"] for c in found["layers"][-1]["candidates"]] == pytest.approx(
        [c["logit"] for c in own["candidates"]]
    )
    assert found["layers"][-1]["target"]["id"] == own["target"]["id"]
    assert checked(api.get("/api/runs/bert/lens?position=0"))["approximate"] is True
    assert checked(api.get("/api/runs/t5/lens"))["stack"] == "decoder"


def test_the_lens_over_layers_and_positions(api: TestClient) -> None:
    found = checked(api.get("/api/runs/llama/lens/grid?positions=2:6"))
    assert found["positions"] == [2, 6]
    for name in ("top", "texts", "softmax", "entropy", "kl_to_final"):
        assert np.shape(found[name]) == (4, 4)
    one = checked(api.get("/api/runs/llama/lens?position=3"))
    assert [row[1] for row in found["texts"]] == [layer["candidates"][0]["text"] for layer in one["layers"]]
    assert [row[1] for row in found["kl_to_final"]] == pytest.approx([layer["kl_to_final"] for layer in one["layers"]])
    assert np.shape(checked(api.get("/api/runs/bert/lens/grid"))["top"]) == (4, 12)


@pytest.mark.parametrize("path", ["bert/surprisal", "llama/surprisal", "llama/lens/grid?positions=2:6"])
def test_progress_ends_in_the_same_answer(api: TestClient, path: str) -> None:
    stream = api.post(f"/api/runs/{path}", json={})
    assert stream.headers["content-type"].startswith("text/event-stream")
    *stages, last = events(stream.text)
    assert {name for name, _ in stages} == {"progress"}
    assert last[0] == "ready"
    assert json.loads(last[1]) == checked(api.get(f"/api/runs/{path}"))


def test_what_takes_long_is_followed() -> None:
    with serving(runs(), look_budget=1e-9) as (api, engine):
        for path in ("bert/surprisal", "llama/surprisal", "llama/lens/grid"):
            refused = api.get(f"/api/runs/{path}")
            assert (refused.status_code, refused.json()["code"]) == (409, "needs-stream")
            assert events(api.post(f"/api/runs/{path}", json={}).text)[-1][0] == "ready"
            assert engine.long[-2:] == [False, True]


WRONG = {
    "nobody/surprisal": (404, "run-expired"),
    "one/surprisal": (422, "text-too-short"),
    "nobody/lens": (404, "run-expired"),
    "bert/lens": (422, "not-applicable"),
    "llama/lens?position=10": (422, "out-of-range"),
    "llama/lens?position=-1": (422, "invalid-request"),
    "llama/lens?position=x": (422, "invalid-request"),
    "llama/lens?limit=0": (422, "invalid-request"),
    "llama/lens?limit=1001": (422, "invalid-request"),
    "llama/lens?layer=2": (422, "invalid-request"),
    "llama/lens/grid?positions=3": (422, "invalid-request"),
    "llama/lens/grid?positions=3:3": (422, "out-of-range"),
    "llama/lens/grid?positions=5:11": (422, "out-of-range"),
    "nobody/lens/grid": (404, "run-expired"),
}


@pytest.mark.parametrize("path", WRONG)
def test_what_cannot_be_answered_is_a_problem(api: TestClient, path: str) -> None:
    refused = api.get(f"/api/runs/{path}")
    assert (refused.status_code, refused.json()["code"]) == WRONG[path]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["hint"]


@pytest.mark.parametrize("path", ["nobody/surprisal", "nobody/lens/grid", "llama/lens/grid?positions=5:11"])
def test_a_stream_that_cannot_begin_is_a_problem_too(api: TestClient, path: str) -> None:
    assert api.post(f"/api/runs/{path}", json={}).status_code == WRONG[path][0]
