"""Generation over HTTP on the real models: transformers' greedy text, rows of a run, and a client that leaves."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import numpy as np
import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from app.models.writer import DecoderWriter
from tests.contracts.conftest import HOME
from tests.web.stored import events

pytestmark = pytest.mark.real
STORE = "When Mary and John went to the store, John gave a drink to"


def write(api: TestClient, **asked: Any) -> list[tuple[str, dict[str, Any]]]:
    answer = api.post("/api/generate", json={"model": "smollm2", "text": STORE, "steps": 4, "temperature": 0} | asked)
    assert answer.status_code == 200, answer.text
    return [(name, json.loads(data)) for name, data in events(answer.text) if name != "progress"]


def test_each_row_is_that_of_a_run_over_the_text_so_far(api: TestClient) -> None:
    told = write(api)
    assert [name for name, _ in told] == ["start", *["step"] * 4, "ready"]
    steps = [data for name, data in told if name == "step"]
    assert steps[0]["token"]["display"] == " Mary"
    assert told[-1][1]["text"] == steps[-1]["text"] == STORE + "".join(step["token"]["display"] for step in steps)
    assert all(check["ok"] for check in told[-1][1]["checks"])
    worst = 0.0
    for i in (0, 3):
        text = STORE if i == 0 else steps[i - 1]["text"]
        run = api.post("/api/runs", json={"model": "smollm2", "text": text}).json()
        last = run["stacks"][0]["rows"] - 1
        assert steps[i]["attention"]["query"] == last
        rows = np.array(steps[i]["attention"]["values"])
        for layer in (0, 17, 29):
            query = {"layer": layer, "rows": f"{last}:{last + 1}"}
            theirs = np.array(api.get(f"/api/runs/{run['run']}/attention", params=query).json()["values"])[0, :, 0]
            worst = max(worst, float(np.abs(rows[layer] - theirs).max()))
        found = api.get(f"/api/runs/{run['run']}/logits", params={"temperature": 0, "limit": 5}).json()
        assert [c["id"] for c in found["candidates"]] == [c["id"] for c in steps[i]["candidates"][:5]]
    assert worst <= 1e-5, f"largest difference of a row {worst:.2e}"


def test_the_first_draw_is_that_of_next_word(api: TestClient) -> None:
    chosen = {"temperature": 0.9, "top_k": 40}
    run = api.post("/api/runs", json={"model": "smollm2", "text": STORE}).json()["run"]
    for seed in range(5):
        draw = api.get(f"/api/runs/{run}/logits", params=chosen | {"draw": seed}).json()["draw"]
        step = next(data for name, data in write(api, steps=1, seed=seed, **chosen) if name == "step")
        assert step["draw"] == draw


def test_a_client_that_leaves_stops_it_within_a_layer(
    real_app: FastAPI, api: TestClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The pass under way asks before each layer; not one more layer runs once it was told to stop."""
    left = threading.Event()
    after: list[int] = []
    began = threading.Event()
    read = DecoderWriter.read

    def slowly(self: DecoderWriter, ids: list[int]) -> Any:
        began.set()
        asked = self.stopped

        def stopped() -> bool:
            if left.is_set():
                after.append(1)
            return asked()

        self.stopped = stopped
        try:
            return read(self, ids)
        finally:
            self.stopped = asked

    monkeypatch.setattr(DecoderWriter, "read", slowly)
    engine = real_app.state.service.started()
    from app.analyses.generate import Sampling, generate
    from app.errors import Cancelled
    from app.models.run import RunRequest
    from app.models.writing import read_prompt

    failed: list[BaseException] = []

    def work() -> None:
        try:
            engine.ask(
                "smollm2",
                lambda model: read_prompt(model, RunRequest("smollm2", STORE), (), 256, engine.settings),
                lambda prompt, between: generate(prompt, Sampling(seed=1), stopped=left.is_set, between=between),
                left.is_set,
            )
        except BaseException as error:
            failed.append(error)

    writing = threading.Thread(target=work)
    writing.start()
    assert began.wait(60)
    time.sleep(0.3)
    left.set()
    writing.join(10)
    assert isinstance(failed[0], Cancelled)
    assert api.post("/api/runs", json={"model": "smollm2", "text": "The machine is free."}).status_code in (200, 201)
    assert sum(after) <= 1


def test_looks_go_before_the_next_step(real_app: FastAPI, api: TestClient) -> None:
    """A look that is asked meanwhile waits for a step and not for the text."""
    run = api.post("/api/runs", json={"model": "smollm2", "text": STORE}).json()["run"]
    steps: list[float] = []
    asked: list[float] = []

    def ask() -> None:
        with TestClient(real_app, base_url=HOME) as other:
            asked.append(time.perf_counter())
            assert other.get(f"/api/runs/{run}/attention", params={"layer": 3, "head": 1}).status_code == 200
            asked.append(time.perf_counter())

    from app.analyses.generate import Sampling, generate
    from app.models.run import RunRequest
    from app.models.writing import read_prompt

    engine = real_app.state.service.started()
    looking = threading.Thread(target=ask)

    def tell(_: Any) -> None:
        steps.append(time.perf_counter())
        if len(steps) == 3:
            looking.start()

    engine.ask(
        "smollm2",
        lambda model: read_prompt(model, RunRequest("smollm2", STORE), (), 40, engine.settings),
        lambda prompt, between: generate(prompt, Sampling(temperature=0.0), tell=tell, between=between),
    )
    looking.join(20)
    assert len(asked) == 2
    assert asked[1] < steps[-1]


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "a model without a head": ({"model": "minilm"}, 422, "no-language-head"),
    "no mask": ({"model": "minilm-mlm"}, 422, "not-applicable"),
    "beyond the vocabulary": ({"prefix_ids": [49_152]}, 422, "out-of-range"),
    "below greedy": ({"temperature": -0.5}, 422, "invalid-request"),
    "no room": ({"text": "word " * 8180, "steps": 20}, 422, "too-many-tokens"),
    "no such model": ({"model": "nobody-knows"}, 404, "model-unknown"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_written(api: TestClient, name: str) -> None:
    asked, status, code = REFUSED[name]
    refused = api.post("/api/generate", json={"model": "smollm2", "text": STORE, "steps": 4} | asked)
    problem = refused.json() if refused.status_code != 200 else json.loads(events(refused.text)[-1][1])
    assert (problem["status"], problem["code"]) == (status, code), refused.text  # as an event once a model was loaded
    assert problem["hint"]
