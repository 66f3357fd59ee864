"""`POST /api/generate` over tiny models: the events and their names, the numbers, the problems."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.errors import ModelUnknown
from app.models.loaded import LoadedModel
from app.models.progress import Stage
from app.server import create_app
from app.settings import Settings
from tests.made import made_model
from tests.web.conftest import HOME, resolved
from tests.web.stored import events

BODY = {"model": "llama", "text": "w7 w8 w9 w10", "steps": 3}
STEP = {
    "step", "position", "token", "chosen", "candidates", "entropy", "pipeline", "draw", "attention", "cross", "text",
    "pair", "checks",
}  # fmt: skip


class Tiny:
    """An engine of tiny models, which asks them in the caller's thread."""

    def __init__(self) -> None:
        self.settings = Settings(warm=False)

    def ask(
        self,
        model_id: str,
        read: Callable[[LoadedModel], Any],
        work: Callable[[Any, Callable[[], bool]], Any],
        cancelled: Callable[[], bool],
        progress: Callable[[Stage], None],
    ) -> Any:
        if model_id not in ("llama", "bert", "t5", "gpt_oss"):
            raise ModelUnknown("There is no such model.", "See /api/models.")
        asked = read(made_model(model_id))
        progress(Stage("weights", 1, 1, "Reading"))
        return work(asked, cancelled)

    def facts(self) -> dict[str, float]:
        return {}

    def close(self) -> None: ...


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    engine = Tiny()
    with TestClient(create_app(engine.settings, resolved(engine)), base_url=HOME) as client:
        yield client


def write(api: TestClient, **asked: Any) -> list[tuple[str, dict[str, Any]]]:
    answer = api.post("/api/generate", json=BODY | asked)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/event-stream")
    return [(name, json.loads(data)) for name, data in events(answer.text)]


def test_a_text_comes_step_by_step(api: TestClient) -> None:
    told = write(api, temperature=0)
    assert [name for name, _ in told] == ["progress", "start", "step", "step", "step", "ready"]
    start, steps, end = told[1][1], [data for name, data in told if name == "step"], told[-1][1]
    assert [token["text"] for token in start["tokens"]["decoder"]] == ["w7", "w8", "w9", "w10"]
    assert (start["sampling"], start["seed"], start["masks"]) == ("greedy", None, None)
    assert all(set(step) == STEP for step in steps)
    assert [step["token"]["id"] for step in steps] == end["ids"]
    assert [step["position"] for step in steps] == [4, 5, 6]
    assert steps[-1]["text"] == end["text"]
    assert end["ended"] == "steps"
    for keys, step in enumerate(steps, 4):
        row = step["attention"]
        assert set(row) == {"stack", "query", "layers", "heads", "cols", "size", "col_edges", "values"}
        values = np.array(row["values"])
        assert values.shape == (len(row["layers"]), len(row["heads"]), keys) == (3, 4, keys)
        assert row["cols"] == [0, keys]
        assert np.allclose(values.sum(-1), 1, atol=1e-5)
        assert step["checks"]
        assert all(check["ok"] for check in step["checks"])
    assert all(check["ok"] for check in end["checks"])
    assert "warnings" not in end


def test_a_row_is_that_of_a_run_over_the_text_so_far(api: TestClient) -> None:
    from tests.made import made_run

    told = [data for name, data in write(api, temperature=0) if name == "step"]
    words = [step["token"]["text"] for step in told[:2]]
    run = made_run("llama", " ".join(["w7 w8 w9 w10", *words]))
    from app.analyses.attention import attention

    theirs = attention(run, stack=None, layer=1, head=2).values[0, 0, -1].numpy()
    difference = float(np.abs(np.array(told[2]["attention"]["values"])[1, 2] - theirs).max())
    assert difference <= 1e-5, f"largest difference {difference:.2e}"


def test_cross_attention_masks_sinks_and_a_branch(api: TestClient) -> None:
    step = next(data for name, data in write(api, model="t5", temperature=0) if name == "step")
    assert (step["cross"]["stack"], step["cross"]["cols"]) == ("cross", [0, 4])
    assert step["attention"]["cols"] == [0, 1]
    told = write(api, model="bert", text="w7 [MASK] w9 [MASK]", seed=4)
    assert [data["position"] for name, data in told if name == "step"] == [2, 4]
    assert told[1][1]["masks"] == [2, 4]
    assert told[-1][1]["ended"] == "masks"
    row = next(data for name, data in write(api, model="gpt_oss") if name == "step")["attention"]
    assert np.array(row["values"]).sum(-1).max() < 1  # a sink takes its share
    ids = write(api, seed=4)[-1][1]["ids"]
    assert write(api, seed=4, prefix_ids=ids[:2], steps=1)[-1][1]["ids"] == ids


WRONG: dict[str, tuple[dict[str, Any], int, str]] = {
    "no such model": ({"model": "nobody"}, 404, "model-unknown"),
    "no text": ({"text": " "}, 422, "text-empty"),
    "no steps": ({"steps": 0}, 422, "invalid-request"),
    "too many steps": ({"steps": 257}, 422, "invalid-request"),
    "steps in words": ({"steps": "3"}, 422, "invalid-request"),
    "a temperature below 0": ({"temperature": -1}, 422, "invalid-request"),
    "top-p above 1": ({"top_p": 1.5}, 422, "invalid-request"),
    "a negative seed": ({"seed": -1}, 422, "invalid-request"),
    "ids that are no tokens": ({"prefix_ids": [7, 99]}, 422, "out-of-range"),
    "ids below 0": ({"prefix_ids": [-1]}, 422, "invalid-request"),
    "ids in words": ({"prefix_ids": ["7"]}, 422, "invalid-request"),
    "a second sentence": ({"pair": "w7"}, 422, "pair-unsupported"),
    "no mask": ({"model": "bert"}, 422, "not-applicable"),
    "all filled": ({"model": "bert", "text": "[MASK]", "prefix_ids": [7, 8]}, 422, "out-of-range"),
    "an unknown name": ({"beams": 4}, 422, "invalid-request"),
    "no room": ({"text": "w7 " * 2047}, 422, "too-many-tokens"),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_written_is_a_problem(api: TestClient, name: str) -> None:
    asked, status, code = WRONG[name]
    refused = api.post("/api/generate", json=BODY | asked)
    assert (refused.status_code, refused.json()["code"]) == (status, code), refused.text
    assert refused.headers["content-type"] == "application/problem+json"
    assert refused.json()["hint"]


def test_steps_have_no_default(api: TestClient) -> None:
    assert api.post("/api/generate", json={"model": "llama", "text": "w7"}).status_code == 422
