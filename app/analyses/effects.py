"""The effect map: every head of a stack knocked out in turn, and what that does to one prediction.

For each head KL(before ‖ after) in nats, the change of the predicted token's logit, and, against another token, of the
difference of the two. Attention says where a head looks; this says whether it mattered.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from app.analyses.distributions import BLOCK_CELLS, Distributions
from app.analyses.edits import KL_LIMIT, pair_of, refuse_weights
from app.analyses.position import predicted_position
from app.analyses.words import ScoredWord
from app.attention.edits import Knockout, Mode
from app.attention.recorder import PassStopped
from app.checks import Check, at_most
from app.errors import nobody_waits
from app.models.edited import edited_pass
from app.models.effects import Batch, without_heads
from app.models.forward import unembed, z_limit
from app.models.progress import Cancelled, Progress, Stage, never, silent
from app.models.run import Run, Stack, inputs_of
from app.tokens.vocabulary import readable


@dataclass(frozen=True, slots=True)
class LayerStage(Stage):
    """A layer is done: what each of its heads did, as in the answer."""

    layer: int
    kl: list[float]
    change: list[float]
    difference: list[float] | None


@dataclass(frozen=True, slots=True)
class EffectsAnswer:
    """Numbers by [layer][head]. `change`: of the logit of `token`, after minus before. `difference`: of `token`'s logit
    minus that of `against`. `predicted`: the likeliest token's id without the head, `flips` counts where that is new.
    """

    run: str
    stack: str
    position: int
    mode: Mode
    layers: list[int]
    heads: list[int]
    token: ScoredWord
    against: ScoredWord | None
    kl: list[list[float]]
    change: list[list[float]]
    difference: list[list[float]] | None
    predicted: list[list[int]]
    flips: int
    checks: tuple[Check, ...]


def effects(
    run: Run,
    stack: str | None = None,
    mode: Mode = "zero",
    position: int | None = None,
    token: int | None = None,
    against: int | None = None,
    progress: Progress = silent,
    cancelled: Cancelled = never,
) -> EffectsAnswer:
    """Knock out every head of the stack, one at a time. Reports a `LayerStage` after each layer.

    Raises NotApplicable, NoLanguageHead, OutOfRange, StackUnknown, and Cancelled, asked before every block.
    """
    refuse_weights(run)
    chosen = run.stack(stack)
    position = predicted_position(run, position)
    before = unembed(run.model.network, run.kept.final[position]).cpu().double()
    found = _Found(run, chosen, position, before, *pair_of(before, token, against))
    try:
        same = _measure(found, mode, progress, cancelled)
        checks = _checks(found, same, mode, cancelled)
    except PassStopped as exc:
        raise nobody_waits() from exc
    likeliest = int(before.argmax())
    return EffectsAnswer(
        run=run.id,
        stack=chosen.name,
        position=position,
        mode=mode,
        layers=list(range(chosen.layers)),
        heads=list(range(chosen.heads)),
        token=_named(run, before, found.token),
        against=None if found.against is None else _named(run, before, found.against),
        kl=found.kl.clamp_min(0.0).tolist(),
        change=found.change.tolist(),
        difference=None if found.against is None else found.difference.tolist(),
        predicted=found.predicted.tolist(),
        flips=int((found.predicted != likeliest).sum()),
        checks=checks,
    )


class _Found:
    """What is known so far, [layers, heads] each."""

    def __init__(self, run: Run, stack: Stack, position: int, before: Tensor, token: int, against: int | None) -> None:
        self.run, self.stack, self.position, self.token, self.against = run, stack, position, token, against
        self.before, self.distribution = before, Distributions(before)
        self.kl, self.change, self.difference = torch.zeros(3, stack.layers, stack.heads, dtype=torch.float64)
        self.predicted = torch.zeros(stack.layers, stack.heads, dtype=torch.long)

    def take(self, batch: Batch) -> None:
        """Read a batch of final states, some heads at a time."""
        step = max(1, BLOCK_CELLS // len(self.before))
        for first in range(0, len(batch.heads), step):
            heads = batch.heads[first : first + step]
            self._read(batch.layer, heads, batch.final[first : first + len(heads), self.position])

    def _read(self, layer: int, heads: range, final: Tensor) -> None:
        """`final` [heads, W] at the position."""
        after = unembed(self.run.model.network, final).cpu().double()  # [heads, V]
        part = layer, slice(heads.start, heads.stop)
        moved = after - self.before
        self.kl[part] = self.distribution.divergences(Distributions(after).log_p)
        self.change[part] = moved[:, self.token]
        self.difference[part] = moved[:, self.token] - (0.0 if self.against is None else moved[:, self.against])
        self.predicted[part] = after.argmax(-1)


def _measure(found: _Found, mode: Mode, progress: Progress, cancelled: Cancelled) -> float:
    """All heads; how far the pass that the layers start from lies from the run's."""
    run, stack = found.run, found.stack
    final, batches = without_heads(
        run.model.network, inputs_of(run.model, run.tokens), stack.name, stack.layers, stack.heads, mode, cancelled
    )
    same = float((final - run.kept.final).abs().max() / run.kept.final.abs().max().clamp_min(1e-30))
    for batch in batches:
        found.take(batch)
        done, heads = batch.layer, batch.heads.stop
        if heads == stack.heads:
            progress(_stage(found, batch.layer))
        else:  # a long text: its heads come one by one
            message = f"Layer {done + 1} of {stack.layers}, head {heads} of {stack.heads}"
            progress(Stage("effects", done, stack.layers, message))
    return same


def _stage(found: _Found, layer: int) -> LayerStage:
    layers = found.stack.layers
    return LayerStage(
        "effects",
        layer + 1,
        layers,
        f"Layer {layer + 1} of {layers}",
        layer=layer,
        kl=found.kl[layer].clamp_min(0.0).tolist(),
        change=found.change[layer].tolist(),
        difference=None if found.against is None else found.difference[layer].tolist(),
    )


def _named(run: Run, before: Tensor, token: int) -> ScoredWord:
    return ScoredWord(token, readable(run.model.tokenizer, [token])[0], float(before[token]))


def _checks(found: _Found, same: float, mode: Mode, cancelled: Cancelled) -> tuple[Check, ...]:
    """The layers start from the run; the strongest head alone, in a pass of its own, does what it did in the batch."""
    run, limit = found.run, z_limit(found.run.kept.final.dtype)
    layer, head = divmod(int(found.kl.argmax()), found.stack.heads)
    alone = edited_pass(
        run.model.network,
        inputs_of(run.model, run.tokens),
        run.kept,
        (Knockout("head", found.stack.name, layer, head),),
        mode,
        cancelled,
    )
    after = unembed(run.model.network, alone.final[found.position]).cpu().double()
    off = float(after[found.token] - found.before[found.token] - found.change[layer, head])
    return (
        at_most("pass-equals-the-run", same, limit),
        at_most("one-head-alone-equals-the-batch", abs(off) / max(float(found.before.abs().max()), 1e-30), limit),
        at_most("kl-is-not-negative", -min(float(found.kl.min()), 0.0), KL_LIMIT),
        at_most("largest-kl", float(found.kl.max()), torch.finfo(torch.float32).max),
    )
