"""The logit lens is what the model itself says, once its last layer is made to give the states of another one."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from app.analyses import lens_grid as grid_module
from app.analyses.lens_grid import lens_grid
from app.analyses.logit_lens import lens, settled
from app.analyses.logits import logits
from app.errors import Cancelled, NeedsStream, NoLanguageHead, NotApplicable, OutOfRange
from app.models.ending import read_stack
from app.models.progress import Stage
from app.models.run import Run, inputs_of
from tests.made import made_model, made_run
from tests.models.tiny import EXACT, WEIGHTS_ONLY

LIMIT = 1e-4
NAMES = [*EXACT, *WEIGHTS_ONLY]
APPROXIMATE = {
    "bert", "roberta", "distilbert", "electra", "albert", "modernbert", "deberta_v2", "xlnet", "bart", "marian",
}  # fmt: skip


def made(name: str) -> Run:
    return made_run(name, target="w20 w21 w22 w23" if made_model(name).info.kind == "encoder-decoder" else None)


def reference(run: Run) -> Tensor:
    """Logits [L+1, N, V] by transformers' eager attention: the last layer's output is exchanged for each h_l."""
    network = run.model.network
    last = network.layout.layers[read_stack(network)][-1]
    states = [state.reshape(1, *state.shape) for state in run.kept.hidden[read_stack(network)]]
    full = network.capture == "full"
    used = network.model.config._attn_implementation
    found = []
    if full:
        network.model.set_attn_implementation("eager")
    try:
        for state in states:

            def swap(_: object, __: object, output: Any, state: Tensor = state) -> Any:
                made = output if isinstance(output, Tensor) else output[0]
                given = state.reshape(made.shape)
                return given if isinstance(output, Tensor) else (given, *output[1:])

            hook = last.register_forward_hook(swap)
            try:
                with torch.no_grad():
                    made = network.model(**inputs_of(run.model, run.tokens), **network.family.arguments)
            finally:
                hook.remove()
            found.append(made.logits[0])
    finally:
        if full:
            network.model.set_attn_implementation(used)
    return torch.stack(found)


@pytest.mark.parametrize("name", NAMES)
def test_each_layer_says_what_the_model_would(name: str) -> None:
    run = made(name)
    theirs = reference(run).double()
    position = theirs.shape[1] - 2
    answer = lens(run, position, limit=99)
    assert [check for check in answer.checks if not check.ok] == []
    assert [layer.layer for layer in answer.layers] == list(range(len(theirs)))
    assert answer.approximate == (name in APPROXIMATE)
    log_p = theirs[:, position].log_softmax(-1)
    for layer, scores, log in zip(answer.layers, theirs[:, position], log_p, strict=True):
        mine = {c.id: c for c in layer.candidates}
        difference = max(abs(mine[i].logit - float(scores[i])) for i in range(99))
        assert difference <= LIMIT * max(1.0, float(scores.abs().max())), f"largest difference {difference:.2e}"
        assert [c.rank for c in layer.candidates] == list(range(99))
        assert [mine[i].softmax for i in range(99)] == pytest.approx(log.exp().tolist(), abs=LIMIT)
        assert layer.entropy == pytest.approx(
            float(torch.distributions.Categorical(logits=scores).entropy()), abs=LIMIT
        )
        kl = torch.nn.functional.kl_div(log_p[-1], log, reduction="sum", log_target=True)
        assert layer.kl_to_final == pytest.approx(float(kl), abs=LIMIT)
        assert layer.final == mine[int(theirs[-1, position].argmax())]
        if answer.layers[0].target is not None:
            assert layer.target == mine[run.tokens[answer.stack].items[position + 1].id]
    assert (answer.layers[0].target is None) == (made_model(name).info.kind == "encoder")


@pytest.mark.parametrize("name", NAMES)
def test_the_grid_says_the_same_of_every_position(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made(name)
    theirs = reference(run)
    monkeypatch.setattr(grid_module, "BLOCK_CELLS", 1000)
    heard: list[Stage] = []
    answer = lens_grid(run, (1, theirs.shape[1]), progress=heard.append)
    assert [check for check in answer.checks if not check.ok] == []
    assert torch.equal(torch.tensor(answer.top), theirs[:, 1:].argmax(-1))
    assert len(heard) > 1
    for position in range(1, theirs.shape[1]):
        one = lens(run, position, limit=1)
        assert answer.kl_to_final[:, position - 1].tolist() == pytest.approx([a.kl_to_final for a in one.layers])
        assert answer.entropy[:, position - 1].tolist() == pytest.approx([a.entropy for a in one.layers])
        assert answer.softmax[:, position - 1].tolist() == pytest.approx([a.candidates[0].softmax for a in one.layers])
        assert [row[position - 1] for row in answer.texts] == [a.candidates[0].text for a in one.layers]
        assert answer.settled[position - 1] == one.settled


@pytest.mark.parametrize("name", ["llama", "gemma2", "t5", "bart", "opt"])
def test_the_last_layer_is_the_models_prediction(name: str) -> None:
    run = made(name)
    last, own = lens(run, 2).layers[-1], logits(run, 2, limit=10)
    assert [(c.id, c.logit) for c in last.candidates] == [(c.id, pytest.approx(c.logit)) for c in own.candidates]
    assert (last.kl_to_final, last.entropy) == (0.0, pytest.approx(own.entropy))
    assert last.final.rank == 0


def test_a_softcap_of_the_logits_is_the_models_own() -> None:
    run = made_run("gemma2")
    run.model.network.model.config.final_logit_softcapping = 0.5
    try:
        assert max(abs(c.logit) for layer in lens(run, limit=99).layers for c in layer.candidates) <= 0.5
        assert torch.allclose(reference(run)[0, -1].max(), torch.tensor(lens(run).layers[0].candidates[0].logit))
    finally:
        run.model.network.model.config.final_logit_softcapping = 30.0


def test_the_end_of_a_target_is_what_its_last_position_should_say() -> None:
    run = made("t5")
    behind = run.tokens["decoder"].behind
    assert behind is not None
    target = lens(run, len(run.tokens["decoder"]) - 1).layers[-1].target
    assert target is not None
    assert (target.id, target.text) == (behind.id, "w23")


def test_settled_is_the_first_layer_from_which_nothing_changes() -> None:
    assert settled(torch.tensor([[1, 5], [2, 5], [1, 5], [1, 5]])) == [2, 0]
    assert settled(torch.tensor([[1], [2], [3]])) == [2]


def test_it_is_asked_where_the_mask_is_unless_told() -> None:
    assert lens(made_run("bert", text="w7 [MASK] w9")).position == 2
    assert lens(made_run("llama")).position == 9
    with pytest.raises(NotApplicable, match="has none"):
        lens(made_run("bert"))
    assert lens(made_run("bert"), 0).position == 0


def test_what_cannot_be_read_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_run("llama")
    for position in (-1, 10):
        with pytest.raises(OutOfRange):
            lens(run, position)
    for limit in (0, 1001):
        with pytest.raises(OutOfRange):
            lens(run, limit=limit)
    for positions in ((0, 11), (3, 3), (-1, 2)):
        with pytest.raises(OutOfRange):
            lens_grid(run, positions)
    with pytest.raises(NeedsStream):
        lens_grid(run, budget=0.0)
    with pytest.raises(Cancelled):
        lens_grid(run, cancelled=lambda: True)
    monkeypatch.setattr(grid_module, "MOST_LENS_CELLS", 39)
    with pytest.raises(OutOfRange, match="39"):
        lens_grid(run)
    assert lens_grid(run, (0, 9)).positions == (0, 9)
    headless = replace(run.model, info=replace(run.model.info, language_head=False))
    with pytest.raises(NoLanguageHead):
        lens(replace(run, model=headless))
    broken = replace(run.model)
    broken.__dict__["ending"] = None
    with pytest.raises(NotApplicable):
        lens(replace(run, model=broken))
