"""The routes of neuron and heads over an engine that holds runs of tiny models: names, formats, problems, streams."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.models.run import Run
from tests.made import made_run
from tests.web.stored import checked, events, serving

TEXT = "w7 w8 w9 w10 w7 w8 w9 w11 w12 w7"
SCORES = {
    "previous", "next", "first", "separator", "duplicate", "induction", "sink", "entropy", "span", "distance",
}  # fmt: skip
NEURON = {
    "q", "k", "v", "product", "scores", "bias", "mask", "sink", "probs", "z", "scale", "softcap", "kv_head", "checks",
}  # fmt: skip


def runs() -> dict[str, Run]:
    return {name: made_run(name, TEXT) for name in ("bert", "llama", "gpt_oss", "gptj", "t5")}


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    with serving(runs()) as (client, _):
        yield client


def answer(api: TestClient, path: str) -> dict[str, Any]:
    return checked(api.get(path))


def test_neuron(api: TestClient) -> None:
    found = answer(api, "/api/runs/llama/neuron?layer=1&head=3&query=5")
    assert set(found) >= NEURON | {"run", "stack", "layer", "head", "query", "entering"}
    k, q = np.array(found["k"]), np.array(found["q"])
    assert k.shape == (10, 8)
    assert q.shape == (8,)
    assert np.allclose(found["scores"], found["scale"] * k @ q, atol=1e-4)
    assert np.allclose(found["z"], np.array(found["probs"]) @ np.array(found["v"]), atol=1e-5)
    assert found["mask"] == [1] * 6 + [0] * 4
    assert (found["kv_head"], found["sink"], found["softcap"], found["keys"]) == (1, None, None, [0, 10])
    assert "warnings" not in found
    assert answer(api, "/api/runs/gpt_oss/neuron?layer=1&head=3&query=5")["sink"] > 0
    assert len(answer(api, "/api/runs/llama/neuron?layer=1&head=3&query=5&keys=2:4")["k"]) == 2


def test_heads(api: TestClient) -> None:
    found = answer(api, "/api/runs/llama/heads")
    assert len(found["heads"]) == 12
    assert all(set(head) == SCORES | {"layer", "head", "sink_key", "effect"} for head in found["heads"])
    assert set(found["null"]["roles"]) == SCORES
    assert found["null"]["permutations"] == 50
    assert {found["null"]["roles"][role]["kind"] for role in ("duplicate", "induction")} == {"permuted"}
    assert found["heads"][0]["next"] is None
    assert "next" in found["warnings"][0]
    plain = answer(api, "/api/runs/llama/heads?null=false")
    assert plain["null"] is None
    assert plain["heads"][5]["induction"] == pytest.approx(found["heads"][5]["induction"])
    assert answer(api, "/api/runs/t5/heads?stack=cross")["stack"] == "cross"


def test_heads_with_progress_ends_in_the_same_answer(api: TestClient) -> None:
    stream = api.post("/api/runs/bert/heads")
    assert stream.headers["content-type"].startswith("text/event-stream")
    found = events(stream.text)
    assert [name for name, _ in found] == ["progress"] * 3 + ["ready"]
    assert json.loads(found[-1][1]) == answer(api, "/api/runs/bert/heads")


def test_a_long_text_needs_the_stream_which_goes_behind_passes() -> None:
    with serving(runs(), look_budget=1e-9) as (client, engine):
        refused = client.get("/api/runs/bert/heads")
        assert (refused.status_code, refused.json()["code"]) == (409, "needs-stream")
        assert events(client.post("/api/runs/bert/heads").text)[-1][0] == "ready"
        assert engine.long == [False, True]


def test_evidence(api: TestClient) -> None:
    found = answer(api, "/api/runs/llama/heads/evidence?layer=1&head=2&role=induction&limit=3")
    assert [set(cell) for cell in found["cells"]] == [{"query", "key", "weight", "share"}] * 3
    assert found["total"] == 5
    whole = api.get("/api/runs/llama/attention?layer=1&head=2").json()["values"][0][0]
    assert all(cell["weight"] == pytest.approx(whole[cell["query"]][cell["key"]]) for cell in found["cells"])


WRONG = {
    "llama/neuron": (422, "invalid-request"),
    "llama/neuron?layer=0&head=0": (422, "invalid-request"),
    "llama/neuron?layer=3&head=0&query=0": (422, "out-of-range"),
    "llama/neuron?layer=0&head=4&query=0": (422, "out-of-range"),
    "llama/neuron?layer=0&head=0&query=10": (422, "out-of-range"),
    "llama/neuron?layer=0&head=0&query=-1": (422, "invalid-request"),
    "llama/neuron?layer=0&head=0&query=0&keys=4:4": (422, "out-of-range"),
    "llama/neuron?layer=0&head=0&query=0&keys=x": (422, "invalid-request"),
    "llama/neuron?layer=0&head=0&query=0&more=1": (422, "invalid-request"),
    "llama/neuron?layer=0&head=0&query=0&stack=encoder": (422, "stack-unknown"),
    "t5/neuron?layer=0&head=0&query=0": (422, "stack-unknown"),
    "gptj/neuron?layer=0&head=0&query=0": (422, "not-applicable"),
    "nobody/neuron?layer=0&head=0&query=0": (404, "run-expired"),
    "llama/heads?stack=cross": (422, "stack-unknown"),
    "t5/heads": (422, "stack-unknown"),
    "llama/heads?null=perhaps": (422, "invalid-request"),
    "llama/heads?seed=3": (422, "invalid-request"),
    "nobody/heads": (404, "run-expired"),
    "llama/heads/evidence?layer=0&head=0": (422, "invalid-request"),
    "llama/heads/evidence?layer=0&head=0&role=nothing": (422, "invalid-request"),
    "llama/heads/evidence?layer=0&head=0&role=next": (422, "not-applicable"),
    "llama/heads/evidence?layer=9&head=0&role=first": (422, "out-of-range"),
    "llama/heads/evidence?layer=0&head=0&role=first&limit=0": (422, "invalid-request"),
}


@pytest.mark.parametrize("path", WRONG)
def test_what_cannot_be_answered_is_a_problem(api: TestClient, path: str) -> None:
    refused = api.get(f"/api/runs/{path}")
    assert (refused.status_code, refused.json()["code"]) == WRONG[path]
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["hint"]


def test_a_stream_that_cannot_begin_is_a_problem_too(api: TestClient) -> None:
    refused = api.post("/api/runs/nobody/heads")
    assert (refused.status_code, refused.json()["code"]) == (404, "run-expired")


def test_the_roles_of_the_form_are_those_of_the_analysis() -> None:
    from typing import get_args

    from app.analyses.roles_cells import ROLES
    from app.web.forms import Role

    assert set(get_args(Role)) == set(ROLES)
