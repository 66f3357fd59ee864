"""The names of API.md, and the numbers behind them, against the real engine."""

from __future__ import annotations

import csv
import io
import json
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load
from starlette.testclient import TestClient

from tests.contracts.conftest import TEXT

pytestmark = pytest.mark.real

MODEL = {
    "id", "name", "kind", "architecture", "layers", "heads", "kv_heads", "head_dim", "hidden", "vocab", "max_tokens",
    "parameters", "source", "revision", "licence", "loaded", "capture", "warnings",
}  # fmt: skip
TOKEN = {"index", "id", "text", "display", "start", "end", "word", "special", "segment", "mask"}
RUN = {"run", "model", "tokens", "stacks", "milliseconds", "bytes", "checks", "warnings", "answer"}
ATTENTION = {"run", "stack", "lens", "layers", "heads", "rows", "cols", "size", "values", "checks"}
LOGITS = {"position", "target", "vocab", "entropy", "entropy_after", "candidates", "pipeline", "checks"}
CANDIDATE = {"id", "text", "logit", "softmax", "probability", "kept"}
CHECK = {"name", "value", "limit", "ok"}


def test_models(api: TestClient) -> None:
    models = api.get("/api/models").json()["models"]
    assert {"minilm", "smollm2"} <= {model["id"] for model in models}
    assert all(set(model) >= MODEL for model in models)


def test_load_ends_in_the_model(api: TestClient) -> None:
    answer = api.post("/api/models/load", json={"model": "minilm"})
    last = answer.text.strip().split("\n\n")[-1].split("\n")
    assert last[0] == "event: ready"
    model = json.loads(last[1].removeprefix("data: "))
    assert set(model) >= MODEL
    assert (model["id"], model["loaded"], model["layers"], model["heads"]) == ("minilm", True, 6, 12)


def test_tokenize(api: TestClient) -> None:
    answer = api.post("/api/tokenize", json={"model": "minilm", "text": "Ünder the 👍", "pair": "two"}).json()
    assert set(answer) >= {"model", "tokens", "algorithm", "characters", "checks"}
    assert all(set(token) == TOKEN for token in answer["tokens"])
    assert answer["algorithm"] == "WordPiece"
    assert {token["segment"] for token in answer["tokens"]} == {0, 1}
    assert all(check["ok"] for check in answer["checks"])
    trace = api.post("/api/tokenize", json={"model": "minilm", "text": "a", "trace": True})
    assert (trace.status_code, trace.json()["code"]) == (501, "not-implemented")


def test_a_run(api: TestClient, run: dict[str, Any]) -> None:
    assert set(run) >= RUN
    assert set(run["milliseconds"]) >= {"tokenize", "forward", "total"}
    assert all(set(token) == TOKEN for token in run["tokens"]["encoder"])
    count = len(run["tokens"]["encoder"])
    assert run["stacks"] == [{"name": "encoder", "layers": 6, "heads": 12, "rows": count, "cols": count}]
    assert run["checks"]
    assert all(set(check) == CHECK and check["ok"] for check in run["checks"])
    again = api.post("/api/runs", json={"model": "minilm", "text": TEXT})
    assert (again.status_code, again.json()["run"]) == (200, run["run"])
    assert api.get(f"/api/runs/{run['run']}").json() == again.json()
    other = api.post("/api/runs", json={"model": "minilm", "text": TEXT, "pair": "Another."})
    assert other.json()["run"] != run["run"]


def test_an_encoder_decoder_answers(api: TestClient) -> None:
    body = {"model": "dates", "text": "the third of March 2021"}
    first = api.post("/api/runs", json=body)
    run = first.json()
    assert (first.status_code, run["answer"], run["warnings"]) == (201, "2021-03-03", [])
    assert "".join(token["text"] for token in run["tokens"]["decoder"]) == "<s>2021-03-03"
    assert [stack["name"] for stack in run["stacks"]] == ["encoder", "decoder", "cross"]
    assert run["milliseconds"]["answer"] > 0
    assert api.post("/api/runs", json=body).status_code == 200
    given = api.post("/api/runs", json=body | {"target": "2021-03-03"}).json()
    assert (given["answer"], given["tokens"]) == (None, run["tokens"])
    assert given["run"] != run["run"]
    cross = api.post("/api/attention", json=body | {"stack": "cross", "layer": 1, "head": 1}).json()
    assert [len(cross["values"][0][0]), len(cross["values"][0][0][0])] == [11, 24]


@pytest.mark.parametrize(
    ("target", "code"), [("", "text-empty"), ("7" * 64, "too-many-tokens"), ("\ud800", "text-invalid")]
)
def test_a_target_that_cannot_be_read(api: TestClient, target: str, code: str) -> None:
    body = json.dumps({"model": "dates", "text": "3/12/07", "target": target})
    answer = api.post("/api/runs", content=body, headers={"content-type": "application/json"})
    assert (answer.status_code, answer.json()["code"]) == (422, code)


def look(api: TestClient, run: dict[str, Any], query: str) -> dict[str, Any]:
    answer = api.get(f"/api/runs/{run['run']}/attention?{query}")
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    assert set(document) >= ATTENTION
    assert document["checks"]
    assert all(check["ok"] for check in document["checks"])
    return document


def test_the_three_formats_carry_the_same_numbers(api: TestClient, run: dict[str, Any]) -> None:
    path = f"/api/runs/{run['run']}/attention?layer=3&head=7"
    values = np.float32(look(api, run, "layer=3&head=7")["values"])
    kinds = {"accept": "application/vnd.safetensors"}
    tensor = api.get(path, headers=kinds)
    assert tensor.headers["content-type"] == "application/vnd.safetensors"
    text = api.get(path, headers={"accept": "text/csv"})
    assert text.headers["content-type"] == "text/csv; charset=utf-8"
    rows = list(csv.reader(io.StringIO(text.text, newline="")))
    assert np.array_equal(load(tensor.content)["values"], values)
    assert np.array_equal(np.float32([row[1:] for row in rows[1:]]), values[0, 0])
    assert [row[0] for row in rows[1:3]] == ["0 [CLS]", "1 the"]
    small = load(api.get(path + "&dtype=u8", headers=kinds).content)["values"]
    assert np.array_equal(small, np.rint(values.astype(np.float64) * 255).astype(np.uint8))
    half = load(api.get(path + "&dtype=f16", headers=kinds).content)["values"]
    assert np.array_equal(half, values.astype(np.float16))


def test_windows_pools_and_grids_are_parts_of_the_same_map(api: TestClient, run: dict[str, Any]) -> None:
    whole = np.float32(look(api, run, "layer=2")["values"])
    count = len(run["tokens"]["encoder"])
    assert whole.shape == (1, 12, count, count)
    assert np.allclose(whole.sum(-1), 1, atol=1e-5)
    part = look(api, run, "layer=2&head=4&rows=3:9&cols=0:5")
    assert (part["rows"], part["cols"], part["heads"]) == ([3, 9], [0, 5], [4])
    assert np.array_equal(np.float32(part["values"])[0, 0], whole[0, 4, 3:9, 0:5])
    pooled = look(api, run, "layer=2&head=4&size=4")
    rows, cols = pooled["row_edges"], pooled["col_edges"]
    for i in range(4):
        for j in range(4):
            cell = whole[0, 4, rows[i] : rows[i + 1], cols[j] : cols[j + 1]].max()
            assert np.float32(pooled["values"][0][0][i][j]) == cell
    grid = look(api, run, "size=8")
    assert np.float32(grid["values"]).shape == (6, 12, 8, 8)
    assert look(api, run, "layer=2&lens=rollout")["heads"] == []
    words = look(api, run, "layer=2&head=4&group=word")
    assert np.allclose(np.float32(words["values"]).sum(-1), 1, atol=1e-5)


def test_csv_names_the_bins_of_a_pooled_map(api: TestClient, run: dict[str, Any]) -> None:
    answer = api.get(f"/api/runs/{run['run']}/attention?layer=2&head=4&size=4", headers={"accept": "text/csv"})
    head = next(csv.reader(io.StringIO(answer.text, newline="")))
    edges = look(api, run, "layer=2&head=4&size=4")["col_edges"]
    assert head[1:] == [f"{a}:{b}" for a, b in pairwise(edges)]


def test_one_call_for_curl(api: TestClient, run: dict[str, Any]) -> None:
    body = {"model": "minilm", "text": TEXT, "layer": 3, "head": 7}
    answer = api.post("/api/attention", json=body)
    assert answer.status_code == 200
    assert answer.json()["tokens"] == run["tokens"]
    assert answer.json()["values"] == look(api, run, "layer=3&head=7")["values"]
    tensor = api.post("/api/attention", json=body, headers={"accept": "application/vnd.safetensors"})
    assert np.array_equal(load(tensor.content)["values"], np.float32(answer.json()["values"]))


def test_the_next_word(api: TestClient) -> None:
    body = {"model": "smollm2", "text": "When Mary and John went to the store, John gave a drink to"}
    made = api.post("/api/runs", json=body).json()
    answer = api.get(f"/api/runs/{made['run']}/logits?limit=5&temperature=0.7&top_k=3&draw=7").json()
    assert set(answer) >= LOGITS
    assert all(set(candidate) >= CANDIDATE for candidate in answer["candidates"])
    assert answer["candidates"][0]["text"] == " Mary"
    assert answer["position"] == len(made["tokens"]["decoder"]) - 1
    assert answer["target"] is None
    assert [candidate["kept"] for candidate in answer["candidates"]] == [True, True, True, False, False]
    assert set(answer["draw"]) == {"u", "id", "text"}
    assert "warnings" not in answer
    far = api.get(f"/api/runs/{made['run']}/logits?position=99")
    assert (far.status_code, far.json()["code"]) == (422, "out-of-range")


def test_operations(api: TestClient) -> None:
    assert api.get("/api/health").json()["status"] == "ok"
    assert api.get("/api/ready").status_code == 200
    limits = api.get("/api/limits").json()["limits"]
    assert {"body_limit", "text_limit", "run_limit", "run_budget", "queue_limit", "look_budget"} <= set(limits)
    assert "headlight_runs_stored" in api.get("/metrics").text


def test_examples_run(api: TestClient) -> None:
    examples = api.get("/api/examples").json()["examples"]
    assert {example["model"] for example in examples} == {"minilm", "minilm-mlm", "smollm2", "dates"}
    for example in examples:
        if example["model"] != "smollm2":
            body = {name: example[name] for name in ("model", "text", "pair") if name in example}
            assert api.post("/api/runs", json=body).status_code in (200, 201)
