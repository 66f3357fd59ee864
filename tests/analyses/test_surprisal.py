"""Surprisal is transformers' own `labels=` loss, token by token, on every architecture; it counts bytes rightly."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from app.analyses import surprisal as module
from app.analyses.surprisal import SurprisalAnswer, surprisal
from app.analyses.text_bytes import stretch_bytes
from app.errors import Cancelled, NeedsStream, NoLanguageHead, TextTooShort
from app.models import forward
from app.models.run import Run, inputs_of
from tests.made import TEXT, made_model, made_run
from tests.models.tiny import EXACT, WEIGHTS_ONLY

LIMIT = 1e-4
NAMES = [*EXACT, *WEIGHTS_ONLY]


def made(name: str) -> Run:
    return made_run(name, target="w20 w21 w22" if made_model(name).info.kind == "encoder-decoder" else None)


def eager(run: Run, **inputs: Tensor) -> Any:
    """The whole model of transformers, loss and all, by its eager attention."""
    network = run.model.network
    full = network.capture == "full"
    used = network.model.config._attn_implementation
    if full:
        network.model.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            return network.model(**inputs, **network.family.arguments)
    finally:
        if full:
            network.model.set_attn_implementation(used)


def reference(run: Run) -> tuple[list[float | None], list[Tensor | None]]:
    """The loss of each token alone, by labels= with all others ignored, and the logits it was made from."""
    inputs = inputs_of(run.model, run.tokens)
    inputs.pop("decoder_input_ids", None)
    losses: list[float | None] = []
    logits: list[Tensor | None] = []
    if run.model.info.kind == "encoder-decoder":
        behind = run.tokens["decoder"].behind
        assert behind is not None
        labels = torch.tensor([[*run.tokens["decoder"].ids[1:], behind.id]])
        made = eager(run, **inputs, labels=labels)
        each = [alone(made.logits[0, i], int(label)) for i, label in enumerate(labels[0])]
        assert made.loss.item() == pytest.approx(sum(each) / len(each), abs=LIMIT)
        return [None, *each], [None, *made.logits[0]]
    if run.model.info.kind == "decoder":
        made = eager(run, **inputs)
        ids = inputs["input_ids"][0]
        return [None, *(alone(made.logits[0, i], int(ids[i + 1])) for i in range(len(ids) - 1))], [
            None,
            *made.logits[0, :-1],
        ]
    for token in run.tokens["encoder"].items:
        changed = inputs["input_ids"].clone()
        changed[0, token.index] = run.model.tokenizer.mask_token_id
        made = eager(run, **inputs | {"input_ids": changed})
        losses.append(None if token.special else alone(made.logits[0, token.index], token.id))
        logits.append(None if token.special else made.logits[0, token.index])
    return losses, logits


def alone(logits: Tensor, label: int) -> float:
    return float(torch.nn.functional.cross_entropy(logits.float()[None], torch.tensor([label])))


def checked(answer: SurprisalAnswer) -> SurprisalAnswer:
    assert [check for check in answer.checks if not check.ok] == []
    return answer


@pytest.mark.parametrize("name", NAMES)
def test_each_token_has_the_loss_that_transformers_gives_it(name: str) -> None:
    run = made(name)
    answer = checked(surprisal(run))
    losses, logits = reference(run)
    assert [token.nats is None for token in answer.tokens] == [loss is None for loss in losses]
    scored = [
        (token, loss, row) for token, loss, row in zip(answer.tokens, losses, logits, strict=True) if row is not None
    ]
    difference = max(abs((token.nats or 0.0) - (loss or 0.0)) for token, loss, _ in scored)
    assert difference <= LIMIT, f"largest difference {difference:.2e}"
    for token, _, row in scored:
        order = row.argsort(descending=True).tolist()
        assert order[0] == token.best
        assert order.index(token.id) == token.rank
        assert token.entropy == pytest.approx(float(torch.distributions.Categorical(logits=row).entropy()), abs=LIMIT)
        assert token.best_softmax == pytest.approx(float(row.softmax(-1).max()), abs=LIMIT)
    assert answer.loss == pytest.approx(sum(loss or 0.0 for _, loss, _ in scored) / len(scored), abs=LIMIT)
    assert answer.perplexity == pytest.approx(math.exp(answer.loss))
    assert answer.nats == pytest.approx(answer.loss * answer.scored)
    assert answer.bytes is not None
    assert answer.bits_per_byte == pytest.approx(answer.nats / math.log(2) / answer.bytes)


@pytest.mark.parametrize("name", ["gpt2", "llama", "gemma2", "gpt_oss", "phi3", "bloom"])
def test_the_loss_of_a_text_is_transformers_own(name: str) -> None:
    run = made(name)
    inputs = inputs_of(run.model, run.tokens)
    theirs = float(eager(run, **inputs, labels=inputs["input_ids"]).loss)
    assert surprisal(run).loss == pytest.approx(theirs, abs=LIMIT)


@pytest.mark.parametrize("name", ["bert", "roberta", "distilbert", "electra", "albert", "modernbert", "deberta_v2"])
def test_a_masked_token_has_transformers_own_loss(name: str) -> None:
    run = made(name)
    inputs = inputs_of(run.model, run.tokens)
    ids = inputs["input_ids"]
    labels = torch.full_like(ids, -100)
    labels[0, 4] = ids[0, 4]
    changed = ids.clone()
    changed[0, 4] = run.model.tokenizer.mask_token_id
    theirs = float(eager(run, **inputs | {"input_ids": changed}, labels=labels).loss)
    assert surprisal(run).tokens[4].nats == pytest.approx(theirs, abs=LIMIT)


@pytest.mark.parametrize("name", ["t5", "bart", "marian"])
def test_an_answer_of_its_own_is_scored_to_its_end(name: str) -> None:
    run = made_run(name, text="w7 w8 w9")
    decoder = run.tokens["decoder"]
    assert decoder.behind is not None
    assert decoder.behind.index == len(decoder)
    labels = torch.tensor([[*decoder.ids[1:], decoder.behind.id]])
    inputs = {"input_ids": inputs_of(run.model, run.tokens)["input_ids"]}
    answer = checked(surprisal(run))
    assert answer.loss == pytest.approx(float(eager(run, **inputs, labels=labels).loss), abs=LIMIT)
    assert answer.scored == labels.shape[1]


@pytest.mark.parametrize("name", ["bert", "deberta_v2", "llama"])
def test_batches_of_one_say_the_same(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made(name)
    whole = surprisal(run)
    monkeypatch.setattr("app.models.replay.BATCH_CELLS", 1)
    monkeypatch.setattr(module, "BLOCK_CELLS", 1)
    heard = []
    parts = surprisal(run, progress=heard.append)
    assert parts.loss == pytest.approx(whole.loss, abs=1e-6)
    assert [stage.done for stage in heard] == list(range(1, whole.scored + 1))


@pytest.mark.parametrize("name", ["llama", "bert", "t5"])
def test_logits_are_made_for_a_few_positions_at_once(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows: list[int] = []
    own = forward.unembed

    def spy(network: Any, final: Tensor) -> Tensor:
        rows.append(len(final))
        return own(network, final)

    monkeypatch.setattr("app.models.run.unembed", spy)
    monkeypatch.setattr(module, "unembed", spy)
    monkeypatch.setattr(module, "BLOCK_CELLS", 2 * 99)
    run = made(name)
    answer = surprisal(run)
    assert sum(rows) == answer.scored
    assert max(rows) == 2, f"{max(rows)} positions times the vocabulary were held at once"


def test_bytes_are_those_of_the_scored_tokens() -> None:
    assert surprisal(made_run("llama")).bytes == len(TEXT) - len("w7"), "the space belongs to the token behind it"
    assert surprisal(made_run("bert")).bytes == len(TEXT)
    assert surprisal(made_run("bert", text="w7 [MASK] w9")).bytes == len("w7 w9")
    run = made_run("t5", target="w20 w21")
    assert surprisal(run).bytes == len("w20 w21")


@given(st.text(min_size=1), st.data())
def test_the_stretches_of_a_text_add_up_to_it(text: str, data: st.DataObject) -> None:
    ends = sorted(data.draw(st.lists(st.integers(1, len(text)), min_size=1)))
    marked = [data.draw(st.booleans()) for _ in ends]
    text = text.encode("utf-8", "ignore").decode()
    ends = [min(end, len(text)) for end in ends]
    one = {end: any(m for e, m in zip(ends, marked, strict=True) if e == end) for end in ends}
    parts = [stretch_bytes(text, list(side.items())) for side in (one, {end: not m for end, m in one.items()})]
    assert sum(parts) == len(text.encode())


def test_a_token_that_shares_its_character_counts_it_once() -> None:
    assert stretch_bytes("a👍b", [(1, False), (2, True), (2, True), (3, True)]) == 5
    assert stretch_bytes("👍", [(1, False), (1, True)]) == 4


def test_what_cannot_be_scored_is_said() -> None:
    with pytest.raises(TextTooShort, match="nothing stands before it"):
        surprisal(made_run("llama", text="w7"))
    with pytest.raises(TextTooShort, match="special tokens"):
        surprisal(made_run("bert", text="[MASK]"))
    with pytest.raises(NeedsStream):
        surprisal(made_run("bert"), budget=0.0)
    assert "null" in surprisal(made_run("llama")).warnings[0]


def test_what_can_never_be_said_is_infinitely_unexpected() -> None:
    from app.web.wire import NOT_FINITE, fields, json_bytes, with_warnings

    run = made_run("bart", text="w7 w8", target="w20 w21")
    model = run.model.network.model
    before = model.final_logits_bias.clone()
    model.final_logits_bias[0, run.tokens["decoder"].items[1].id] = -torch.inf
    try:
        answer = surprisal(run)
    finally:
        model.final_logits_bias.copy_(before)
    assert [token.nats for token in answer.tokens[:2]] == [None, math.inf]
    assert math.isfinite(answer.tokens[1].entropy or 0.0)
    assert answer.loss == answer.perplexity == math.inf
    assert [check.name for check in answer.checks if not check.ok] == []
    document = with_warnings(fields(answer))
    assert NOT_FINITE in document["warnings"]
    assert b'"loss":null,"perplexity":null' in json_bytes(document)


def test_a_model_without_a_head_predicts_nothing() -> None:
    from dataclasses import replace

    run = made_run("bert")
    headless = replace(run.model, info=replace(run.model.info, language_head=False))
    with pytest.raises(NoLanguageHead):
        surprisal(replace(run, model=headless))


@pytest.mark.parametrize("after", [0, 1, 4])
def test_it_stops_within_a_layer(after: int) -> None:
    asked = 0

    def gone() -> bool:
        nonlocal asked
        asked += 1
        return asked > after

    with pytest.raises(Cancelled):
        surprisal(made_run("bert"), cancelled=gone)
    assert asked == after + 1, "asked in every layer, and no more once it said so"
