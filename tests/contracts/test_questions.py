"""Neuron, head roles and comparison against the real engine: the names of API.md, and numbers computed another way."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from starlette.testclient import TestClient

from tests.contracts.conftest import TEXT

pytestmark = pytest.mark.real

NEURON = {
    "q", "k", "v", "product", "scores", "bias", "mask", "sink", "probs", "z", "scale", "softcap", "kv_head", "checks",
}  # fmt: skip
HEAD = {
    "layer", "head", "entropy", "span", "previous", "next", "duplicate", "induction", "first", "separator", "sink",
    "distance",
}  # fmt: skip


def answer(given: Any) -> dict[str, Any]:
    assert given.status_code in (200, 201), given.text
    document: dict[str, Any] = given.json()
    assert document["checks"]
    assert [check["name"] for check in document["checks"] if not check["ok"]] == []
    return document


def test_one_query_of_one_head(api: TestClient) -> None:
    made = answer(api.post("/api/runs", json={"model": "smollm2", "text": TEXT}))
    found = answer(api.get(f"/api/runs/{made['run']}/neuron?layer=17&head=4&query=9"))
    assert set(found) >= NEURON
    assert (found["kv_head"], found["softcap"], found["sink"]) == (1, None, None)
    whole = api.get(f"/api/runs/{made['run']}/attention?layer=17&head=4").json()["values"][0][0]
    scores = found["scale"] * np.float64(found["k"]) @ np.float64(found["q"])
    powers = np.exp(scores) * (np.arange(len(whole)) <= 9)
    assert found["scale"] == 64**-0.5
    assert np.allclose(found["scores"], scores, atol=1e-4)
    assert np.allclose(found["probs"], powers / powers.sum(), atol=1e-5)
    assert np.allclose(found["probs"], whole[9], atol=1e-6)
    assert np.allclose(found["z"], np.float64(found["probs"]) @ np.float64(found["v"]), atol=1e-5)


def test_roles_of_all_heads(api: TestClient, run: dict[str, Any]) -> None:
    found = answer(api.get(f"/api/runs/{run['run']}/heads"))
    assert [(head["layer"], head["head"]) for head in found["heads"]] == [(i // 12, i % 12) for i in range(72)]
    assert all(set(head) >= HEAD for head in found["heads"])
    maps = np.float64(api.get(f"/api/runs/{run['run']}/attention?layer=3").json()["values"][0])
    count = maps.shape[-1]
    keys = np.arange(count)
    separator = [token["text"] for token in run["tokens"]["encoder"]].index("[SEP]")
    for head, own in zip(maps, found["heads"][36:48], strict=True):
        assert own["previous"] == pytest.approx(np.diagonal(head, -1).mean(), abs=1e-5)
        assert own["next"] == pytest.approx(np.diagonal(head, 1).mean(), abs=1e-5)
        assert own["first"] == pytest.approx(head[1:, 0].mean(), abs=1e-5)
        assert own["separator"] == pytest.approx(head[:, separator].mean(), abs=1e-5)
        assert own["sink"] == pytest.approx(head.mean(0).max(), abs=1e-5)
        assert own["sink_key"] == head.mean(0).argmax()
        nats = -(head * np.log(head)).sum(-1)
        assert own["entropy"] == pytest.approx((nats / np.log(count)).mean(), abs=1e-5)
        assert own["span"] == pytest.approx(np.exp(nats).mean(), rel=1e-5)
        assert own["distance"] == pytest.approx((head * abs(keys[:, None] - keys)).sum(-1).mean(), rel=1e-5)
    top = max(found["heads"], key=lambda head: head["previous"])
    path = f"/api/runs/{run['run']}/heads/evidence?layer={top['layer']}&head={top['head']}&role=previous&limit=5"
    cells = answer(api.get(path))["cells"]
    assert all(cell["query"] - cell["key"] == 1 for cell in cells)
    assert cells[0]["weight"] >= top["previous"]


def test_two_texts_on_one_model(api: TestClient, run: dict[str, Any]) -> None:
    other = answer(api.post("/api/runs", json={"model": "minilm", "text": TEXT.replace("tired", "wide")}))
    found = answer(api.post("/api/compare", json={"a": run["run"], "b": other["run"]}))
    changed = [token["text"] for token in run["tokens"]["encoder"]].index("tired")
    assert found["pairs"] == [[i, i] for i in range(len(run["tokens"]["encoder"])) if i != changed]
    assert len(found["heads"]) == 72
    top = found["heads"][0]
    path = f"layer={top['layer']}&head={top['head']}"
    shown = answer(api.get(f"/api/compare/map?a={run['run']}&b={other['run']}&{path}"))
    one, two = (
        np.float64(api.get(f"/api/runs/{each['run']}/attention?{path}").json()["values"][0][0]) for each in (run, other)
    )
    kept = [i for i, _ in found["pairs"]]
    cut = np.ix_(kept, kept)
    assert np.allclose(shown["values"][0][0], two[cut] - one[cut], atol=1e-6)
    p, q = (np.concatenate([m[cut], m[kept][:, [changed]]], axis=1) for m in (one, two))
    m = (p + q) / 2
    bits = ((p * np.log2(p / m)).sum(-1) + (q * np.log2(q / m)).sum(-1)) / 2
    assert top["divergence"] == pytest.approx(bits.mean(), abs=1e-5)


def test_one_text_on_two_models(api: TestClient) -> None:
    text = "The animal didn't cross the street, naïvely 👍."
    runs = [answer(api.post("/api/runs", json={"model": model, "text": text})) for model in ("minilm", "smollm2")]
    found = answer(api.post("/api/compare", json={"a": runs[0]["run"], "b": runs[1]["run"]}))
    assert found["by"] == "text"
    assert (found["stack"], found["stack_b"]) == ("encoder", "decoder")
    tokens = runs[0]["tokens"]["encoder"], runs[1]["tokens"]["decoder"]
    for a, a_stop, b, b_stop in found["units"]:
        places = [
            text[part[first]["start"] : part[stop - 1]["end"]].strip()
            for part, first, stop in zip(tokens, (a, b), (a_stop, b_stop), strict=True)
        ]
        assert places[0] == places[1]
    said = [text[tokens[0][a]["start"] : tokens[0][stop - 1]["end"]] for a, stop, _, _ in found["units"]]
    assert said == ["The", "animal", "didn", "'t", "cross", "the", "street", ",", "naïvely", "👍", "."]
    assert (found["heads"], len(found["warnings"])) == ([], 1)
    path = f"/api/compare/map?a={runs[0]['run']}&b={runs[1]['run']}&layer=2&head=3&layer_b=17&head_b=4"
    assert np.shape(answer(api.get(path))["values"]) == (1, 1, 11, 11)


def test_different_texts_on_different_models_do_not_go_together(api: TestClient, run: dict[str, Any]) -> None:
    other = answer(api.post("/api/runs", json={"model": "smollm2", "text": "Something else."}))
    refused = api.post("/api/compare", json={"a": run["run"], "b": other["run"]})
    assert (refused.status_code, refused.json()["code"]) == (422, "not-applicable")


def test_mary_against_john_by_what_was_written(api: TestClient) -> None:
    """Head 23.3 writes most of it, and the parts are all of it."""
    text = "When Mary and John went to the store, John gave a drink to"
    made = answer(api.post("/api/runs", json={"model": "smollm2", "text": text}))
    tokens = {token["display"]: token["id"] for token in made["tokens"]["decoder"]}
    path = f"token={tokens[' Mary']}&against={tokens[' John']}"
    found = answer(api.get(f"/api/runs/{made['run']}/attribution?{path}"))
    logits = {
        name: api.get(f"/api/runs/{made['run']}/logits?position=13&search={name}&limit=200").json()["candidates"]
        for name in ("Mary", "John")
    }
    mary, john = (
        next(one["logit"] for one in logits[name] if one["id"] == tokens[f" {name}"]) for name in ("Mary", "John")
    )
    assert found["total"] == pytest.approx(mary - john, abs=1e-4)
    heads = np.array(found["attention"][0]["heads"])
    assert heads.shape == (30, 9)
    assert np.unravel_index(heads.argmax(), heads.shape) == (23, 3)
    whole = heads.sum() + np.sum(found["mlp"]) + sum(part["value"] for part in found["embedding"])
    assert whole == pytest.approx(found["total"], abs=1e-3)  # Llama has no biases
    assert abs(found["remainder"]) <= 1e-4
