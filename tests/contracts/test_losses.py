"""Surprisal and the logit lens against the real engine: numbers that plain transformers gives for the same texts."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from fastapi import FastAPI
from starlette.testclient import TestClient

pytestmark = pytest.mark.real

STORY = "When Mary and John went to the store, John gave a drink to"


def plain(app: FastAPI, model: str) -> tuple[Any, Any]:
    """(the model's own weights with transformers' eager attention, its tokenizer)."""
    loaded = app.state.service.started()._library.load(model)
    return loaded.network.model, loaded.tokenizer


def eager(model: Any, **inputs: Any) -> Any:
    """The model's answer by transformers' eager attention."""
    used = model.config._attn_implementation
    model.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            return model(**inputs)
    finally:
        model.set_attn_implementation(used)


def made(api: TestClient, model: str, text: str) -> str:
    answer = api.post("/api/runs", json={"model": model, "text": text})
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["run"])


def answer(given: Any) -> dict[str, Any]:
    assert given.status_code == 200, given.text
    document: dict[str, Any] = given.json()
    assert [check["name"] for check in document["checks"] if not check["ok"]] == []
    return document


def test_the_loss_of_a_text(api: TestClient, real_app: FastAPI) -> None:
    text = "Naïve 👍 readers read déjà vu."
    found = answer(api.get(f"/api/runs/{made(api, 'smollm2', text)}/surprisal"))
    model, tokenizer = plain(real_app, "smollm2")
    inputs = tokenizer(text, return_tensors="pt")
    theirs = eager(model, **inputs, labels=inputs["input_ids"])
    assert found["loss"] == pytest.approx(float(theirs.loss), abs=1e-4)
    first = tokenizer.decode(inputs["input_ids"][0, :1])
    scored = len(text.encode()) - len(first.encode())
    count = inputs["input_ids"].shape[1] - 1
    assert found["bytes"] == scored
    assert found["bits_per_byte"] == pytest.approx(float(theirs.loss) * count / math.log(2) / scored, abs=1e-4)
    log = theirs.logits[0, :-1].log_softmax(-1)
    nats = -log[range(count), inputs["input_ids"][0, 1:]]
    assert [token["nats"] for token in found["tokens"][1:]] == pytest.approx(nats.tolist(), abs=1e-3)


def test_a_masked_text(api: TestClient, real_app: FastAPI) -> None:
    text = "She drank a cup of tea."
    found = answer(api.get(f"/api/runs/{made(api, 'minilm-mlm', text)}/surprisal"))
    model, tokenizer = plain(real_app, "minilm-mlm")
    inputs = tokenizer(text, return_tensors="pt")
    ids = inputs["input_ids"][0]
    for i in range(1, len(ids) - 1):
        masked = inputs["input_ids"].clone()
        masked[0, i] = tokenizer.mask_token_id
        labels = torch.where(masked == inputs["input_ids"], -100, inputs["input_ids"])
        loss = eager(model, **{**inputs, "input_ids": masked}, labels=labels).loss
        assert found["tokens"][i]["nats"] == pytest.approx(float(loss), abs=1e-3)
    assert found["tokens"][0]["nats"] is None
    assert found["bytes"] == len(text)


def test_the_lens_of_a_known_sentence(api: TestClient, real_app: FastAPI) -> None:
    run = made(api, "smollm2", STORY)
    found = answer(api.get(f"/api/runs/{run}/lens"))
    model, tokenizer = plain(real_app, "smollm2")
    states = eager(model, **tokenizer(STORY, return_tensors="pt"), output_hidden_states=True).hidden_states
    with torch.no_grad():  # the last of theirs is behind the final norm already
        rows = torch.stack(
            [model.lm_head(model.model.norm(h[0, -1])) for h in states[:-1]] + [model.lm_head(states[-1][0, -1])]
        )
    log = rows.double().log_softmax(-1)
    assert len(found["layers"]) == len(log) == 31
    for layer, own in zip(found["layers"], log, strict=True):
        assert layer["candidates"][0]["id"] == int(own.argmax())
        assert layer["entropy"] == pytest.approx(float(-(own.exp() * own).sum()), abs=1e-3)
        assert layer["kl_to_final"] == pytest.approx(float((own.exp() * (own - log[-1])).sum()), abs=1e-3)
    assert found["layers"][-1]["candidates"][0]["text"] == " Mary"
    grid = answer(api.get(f"/api/runs/{run}/lens/grid?positions=12:14"))
    assert [row[-1] for row in grid["texts"]] == [layer["candidates"][0]["text"] for layer in found["layers"]]
