"""The effect map against transformers' own models, one edited pass for every head."""

from __future__ import annotations

import pytest
import torch

from app.analyses.edits import edits
from app.analyses.effects import LayerStage, effects
from app.attention.edits import Knockout
from app.errors import Cancelled, NotApplicable, OutOfRange, StackUnknown
from app.models.progress import Stage
from tests.analyses.edited_eager import logits_of
from tests.analyses.test_edits import TEXT, run_of
from tests.made import made_run
from tests.models.tiny import EXACT

TOKEN, AGAINST = 7, 12


@pytest.mark.parametrize("name", EXACT)
def test_every_head_does_what_it_does_alone(name: str) -> None:
    run = run_of(name)
    plain = logits_of(run)
    for stack in run.stacks:
        mode = "mean" if stack.name == "cross" or name in ("gemma2", "albert") else "zero"
        stages: list[Stage] = []
        found = effects(run, stack.name, mode, token=TOKEN, against=AGAINST, progress=stages.append)
        before = plain[found.position]
        p = before.double().log_softmax(-1)
        assert (len(found.kl), len(found.kl[0])) == (stack.layers, stack.heads)
        flips = 0
        for layer in range(stack.layers):
            for head in range(stack.heads):
                after = logits_of(run, [Knockout("head", stack.name, layer, head)], mode)[found.position]
                moved = (after - before).double()
                off = abs(found.change[layer][head] - float(moved[TOKEN]))
                where, scale = f"{name} {stack.name} {layer}.{head}", float(before.abs().max())
                assert off <= 2e-5 * scale, f"{where}: {off}"
                kl = float((p.exp() * (p - after.double().log_softmax(-1))).sum())
                assert found.kl[layer][head] == pytest.approx(kl, abs=1e-6, rel=1e-3), where
                assert found.difference is not None
                off = abs(found.difference[layer][head] - float(moved[TOKEN] - moved[AGAINST]))
                assert off <= 4e-5 * scale, f"{where}: {off}"
                flips += found.predicted[layer][head] != int(before.argmax())
        assert found.flips == flips
        assert found.token.logit == pytest.approx(float(before[TOKEN]), abs=1e-4)
        assert all(check.ok for check in found.checks), found.checks
        layers = [stage for stage in stages if isinstance(stage, LayerStage)]
        assert [(stage.layer, stage.done, stage.total) for stage in layers] == [
            (i, i + 1, stack.layers) for i in range(stack.layers)
        ]
        assert [stage.kl for stage in layers] == found.kl
        assert [stage.change for stage in layers] == found.change
        assert [stage.difference for stage in layers] == found.difference


def test_small_batches_come_to_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = effects(run_of("llama"))
    monkeypatch.setattr("app.models.replay.BATCH_CELLS", 1)
    single = effects(run_of("llama"))
    assert torch.allclose(torch.tensor(whole.kl), torch.tensor(single.kl), atol=1e-6)
    assert torch.allclose(torch.tensor(whole.change), torch.tensor(single.change), atol=1e-5)


def test_the_likeliest_token_unless_told_and_at_any_position() -> None:
    run = run_of("gpt2")
    found = effects(run, position=4)
    one = edits(run, [Knockout("head", "decoder", 2, 3)], position=4)
    assert found.token.id == one.before[0].id
    assert (found.against, found.difference) == (None, None)
    assert found.kl[2][3] == pytest.approx(one.kl, abs=1e-6)


def test_what_cannot_be_measured_is_refused() -> None:
    for wrong, error in (
        ({"position": 10}, OutOfRange), ({"token": 99}, OutOfRange), ({"against": 99}, OutOfRange),
        ({"stack": "cross"}, StackUnknown),
    ):  # fmt: skip
        with pytest.raises(error):
            effects(run_of("llama"), **wrong)
    with pytest.raises(StackUnknown):
        effects(run_of("t5"))
    with pytest.raises(NotApplicable):
        effects(made_run("bloom", TEXT))


def test_it_stops_within_a_layer() -> None:
    """Between two blocks: nobody waits after the fifth, and nothing more is asked."""
    asks, stages = 0, []

    def stopped() -> bool:
        nonlocal asks
        asks += 1
        return asks > 8  # three blocks of the pass, three from layer 0 up, two of the next round

    with pytest.raises(Cancelled):
        effects(run_of("llama"), progress=stages.append, cancelled=stopped)
    assert asks == 9
    assert [stage.done for stage in stages] == [1]


def test_passes_let_in_between_change_nothing() -> None:
    """Long work gives way to looks and passes, on the same model, in the middle of its own."""
    alone = effects(run_of("llama"), token=TOKEN)
    asks = 0

    def gives_way() -> bool:
        nonlocal asks
        asks += 1
        if asks % 5 == 0:
            other = made_run("llama", "w30 w31 w32 w33")
            edits(other, [Knockout("token", "decoder", key=0)])
        return False

    between = effects(run_of("llama"), token=TOKEN, cancelled=gives_way)
    assert asks == 5 * 3  # blocks: the pass, three layers, the strongest head alone
    assert between.kl == alone.kl
    assert between.change == alone.change


def test_layers_below_are_not_run_again() -> None:
    run = run_of("llama")
    calls = 0

    def count(*_: object) -> None:
        nonlocal calls
        calls += 1

    hooks = [layer.mlp.register_forward_hook(count) for layer in run.model.network.model.model.layers]
    try:
        effects(run)
    finally:
        for hook in hooks:
            hook.remove()
    assert calls == 3 + (3 + 2 + 1) + 3  # the pass, each layer and those above it, the strongest head alone
