"""The steps of one query, for every architecture, against the formulas and transformers' own maps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch

from app.analyses.neuron import NeuronAnswer, neuron
from app.errors import HeadlightError, NotApplicable, OutOfRange, StackUnknown, Unprocessable
from app.models.run import inputs_of
from app.models.self_check import eager_maps
from tests.made import made_run
from tests.models.tiny import EXACT, WEIGHTS_ONLY

BOTH = ("t5", "bart", "marian")


def by_hand(step: NeuronAnswer) -> torch.Tensor:
    """The probabilities, from the answer's own scores, bias, mask and sink."""
    scores = step.scores if step.softcap is None else step.softcap * torch.tanh(step.scores / step.softcap)
    powers = torch.exp(scores + step.bias) * step.mask
    return powers / (powers.sum() + (0.0 if step.sink_score is None else torch.exp(torch.tensor(step.sink_score))))


@pytest.mark.parametrize("name", EXACT)
def test_every_step_of_every_architecture(name: str) -> None:
    run = made_run(name, target="w20 w21 w22" if name in BOTH else None)
    theirs = eager_maps(run.model.network, inputs_of(run.model, run.tokens))
    for stack in run.stacks:
        group = stack.heads // run.records(stack.name)[0].k.shape[1]
        for layer in range(stack.layers):
            for head, query in ((0, 0), (stack.heads - 1, stack.rows - 1), (1, stack.rows // 2)):
                step = neuron(run, stack.name, layer, head, query)
                assert step.kv_head == head // group
                assert torch.equal(step.product, step.q * step.k)
                assert torch.allclose(step.scores, step.scale * (step.k @ step.q), rtol=1e-4, atol=1e-4)
                assert torch.allclose(step.probs, by_hand(step), atol=1e-4)
                assert torch.allclose(step.probs, theirs[stack.name][layer][head, query], atol=1e-5)
                assert torch.allclose(step.z, step.probs @ step.v, atol=1e-4)
                assert [check.name for check in step.checks if not check.ok] == []
                assert len(step.checks) >= 4


def test_what_is_special_of_an_architecture() -> None:
    gemma = neuron(made_run("gemma2"), None, 0, 3, 9)  # a window of 6 keys, softcap 1.5, two heads a key head
    assert gemma.softcap == 1.5
    assert gemma.kv_head == 1
    assert torch.allclose(gemma.entering, 1.5 * torch.tanh(gemma.scores / 1.5))
    assert not torch.equal(gemma.entering, gemma.scores)
    assert gemma.mask.tolist() == [0, 0, 0, 0, 1, 1, 1, 1, 1, 1]

    oss = neuron(made_run("gpt_oss"), None, 1, 2, 5)
    assert oss.sink is not None
    assert oss.sink == pytest.approx(1.0 - float(oss.probs.sum()), abs=1e-6)
    assert oss.sink > 0.0

    t5 = neuron(made_run("t5", target="w20 w21"), "encoder", 1, 2, 4)
    module = made_run("t5").model.network.model.get_encoder().block[0].layer[0].SelfAttention
    assert torch.allclose(t5.bias, module.compute_bias(10, 10)[0, 2, 4])
    assert t5.scale == 1.0
    assert float(t5.bias.abs().max()) > 0.0

    llama = neuron(made_run("llama"), None, 2, 1, 3)
    assert (llama.softcap, llama.sink, llama.sink_score, llama.scale) == (None, None, None, 8**-0.5)
    assert llama.mask.tolist() == [1, 1, 1, 1, 0, 0, 0, 0, 0, 0]
    assert not llama.bias.any()


def test_some_keys_only() -> None:
    run = made_run("llama")
    whole, part = neuron(run, None, 0, 0, 9), neuron(run, None, 0, 0, 9, keys=(2, 5))
    for name in ("k", "v", "product"):
        assert torch.equal(getattr(part, name), getattr(whole, name)[2:5])
    assert torch.equal(part.probs, whole.probs)
    assert (part.keys, whole.keys) == ((2, 5), (0, 10))


WRONG: list[tuple[dict[str, Any], type[HeadlightError]]] = [
    ({"layer": 3}, OutOfRange),
    ({"layer": -1}, OutOfRange),
    ({"head": 4}, OutOfRange),
    ({"query": 10}, OutOfRange),
    ({"query": -1}, OutOfRange),
    ({"keys": (3, 3)}, OutOfRange),
    ({"keys": (0, 11)}, OutOfRange),
    ({"stack": "cross"}, StackUnknown),
]


@pytest.mark.parametrize(("asked", "error"), WRONG, ids=str)
def test_what_cannot_be_is_refused(asked: dict[str, Any], error: type[HeadlightError]) -> None:
    with pytest.raises(error) as raised:
        neuron(made_run("llama"), **{"stack": None, "layer": 0, "head": 0, "query": 0} | asked)
    assert raised.value.hint


@pytest.mark.parametrize("name", WEIGHTS_ONLY)
def test_a_model_that_gives_maps_only_is_refused_with_the_reason(name: str) -> None:
    with pytest.raises(NotApplicable, match="maps only") as raised:
        neuron(made_run(name), None, 0, 0, 0)
    assert "full" in raised.value.hint


def test_too_many_numbers_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.analyses.neuron.MOST_NEURON_NUMBERS", 100)
    with pytest.raises(Unprocessable, match="too many numbers"):
        neuron(made_run("llama"), None, 0, 0, 0)
    assert neuron(made_run("llama"), None, 0, 0, 0, keys=(0, 4)).k.shape == (4, 8)


def test_a_pass_that_went_wrong_fails_its_checks() -> None:
    run = made_run("llama")
    records = list(run.records("decoder"))
    own = records[1].own_z
    assert own is not None
    records[1] = replace(records[1], own_z=own + 1.0)
    layers = {**run.kept.layers, "decoder": tuple(records)}
    broken = replace(run, kept=replace(run.kept, layers=layers))
    failed = [check.name for check in neuron(broken, None, 1, 0, 3).checks if not check.ok]
    assert failed == ["z-equals-the-models"]
