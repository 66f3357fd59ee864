"""Saliency: how much each input token's embedding had to do with a prediction, by gradients.

L is log p of the token at the position, in nats, or how far it lies above that of `against`.

    gradient x input        <∂L/∂x_j, x_j>: L's slope towards a zero embedding, times the whole way there.
                            It is first order: nothing says that the sum is L's change, and what it is off by is told
    integrated gradients    (Sundararajan 2017) ∫ <∂L/∂x_j, x_j - m> along the straight way to the real embeddings from
                            m, the vocabulary's mean, at every place. The sum is L's change along that way
                            (completeness), which is checked. Not from zero, where a norm has no direction to keep

Positions stay as they are. A model jumps along that way in some places and hardly moves in others, so the integral
takes its steps where they are needed: what L gains over a stretch is known from its ends, and where a stretch's
gradient says something else by most, it is halved.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

import torch
from torch import Tensor

from app.analyses.position import predicted_position
from app.analyses.ranges import index
from app.attention.recorder import PassStopped
from app.checks import Check, at_most
from app.errors import OutOfRange, nobody_waits
from app.limits import MOST_SALIENCY_STEPS
from app.models.forward import z_limit
from app.models.input_gradients import Aim, Way, embeddings
from app.models.progress import Cancelled, Progress, Stage, never, silent
from app.models.run import Run, inputs_of
from app.tokens.vocabulary import readable

Method = Literal["gradient-x-input", "integrated-gradients"]
FIRST = 8
"""The stretches that an integral begins with."""
ENOUGH = 0.005
"""Stretches are halved until their errors come to this share of L's change, or the steps are spent."""
COMPLETE = 0.05
"""How far the sum may lie from L's change, as a share of it, or of LEAST nats where L hardly changes."""
LEAST = 0.5
SLOPE_LIMIT = 0.05
SHORT = 1e-3
"""The way on which the gradient is held against a difference."""


@dataclass(frozen=True, slots=True, eq=False)
class SaliencyAnswer:
    """`tokens`: the scores [N] of each input, "encoder" and "decoder", in nats.

    `value` is L as it is and `baseline` where the way begins; `total` is the sum of the scores and `gap` what it is
    off: total - (value - baseline). `steps` gradients were taken.
    """

    run: str
    method: Method
    position: int
    token: int
    text: str
    against: int | None
    against_text: str | None
    tokens: Mapping[str, Tensor]
    value: float
    baseline: float
    total: float
    gap: float
    steps: int
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]


def saliency(
    run: Run,
    method: Method,
    position: int | None = None,
    token: int | None = None,
    against: int | None = None,
    steps: int = 128,
    progress: Progress = silent,
    cancelled: Cancelled = never,
) -> SaliencyAnswer:
    """The scores of all input tokens for `token`, the likeliest unless told, at `position`.

    `steps` bounds how many gradients an integral takes. Raises NoLanguageHead, OutOfRange, NotApplicable, Cancelled.
    """
    position = predicted_position(run, position)
    if not FIRST <= steps <= MOST_SALIENCY_STEPS:
        raise OutOfRange(
            f"`steps` must lie between {FIRST} and {MOST_SALIENCY_STEPS}.", "Choose a number in that range."
        )
    logits = run.logits(torch.tensor([position], device=run.kept.final.device))[0]
    token = int(logits.argmax()) if token is None else index(token, len(logits), "token")
    against = None if against is None else index(against, len(logits), "token")
    network, inputs = run.model.network, inputs_of(run.model, run.tokens)
    real = embeddings(network, inputs)
    plain = method == "gradient-x-input"
    counter = _Counter(1 + (1 if plain else steps), progress)
    try:
        zeros = {name: torch.zeros_like(t) for name, t in real.items()}
        start = zeros if plain else run.model.means.of(network, real, cancelled)
        way = _Measured(Way(network, inputs, Aim(position, token, against), start, real, stopped=cancelled), counter)
        ends, final = way.way.values([0.0, 1.0])
        baseline, value = ends.tolist()
        scores, taken = way.slope() if plain else way.integral(baseline, value, steps)
        expected, true = way.short_way()
    except PassStopped as exc:
        raise nobody_waits() from exc
    total = float(scores.sum())
    gap = total - (value - baseline)
    kept = run.kept.final[position]
    off = float((final[1] - kept).abs().max() / kept.abs().max())
    size = max(abs(expected), abs(true), 64 * torch.finfo(network.model.dtype).eps * max(1.0, abs(value)) / SLOPE_LIMIT)
    checks = [
        at_most("replay-equals-the-run", off, z_limit(run.kept.final.dtype)),
        at_most("derivative-equals-a-difference", abs(expected - true) / size, SLOPE_LIMIT),
    ]
    warnings: list[str] = []
    if not plain:
        share = abs(gap) / max(abs(value - baseline), LEAST)
        checks.append(at_most("scores-sum-to-the-change", share, COMPLETE))
        if share > COMPLETE:
            warnings.append(
                f"{taken} steps were not enough: the scores sum to {total:.3f} and not to {value - baseline:.3f}. "
                "Take more steps, or read them as a rough guide only."
            )
    names = readable(run.model.tokenizer, [token] if against is None else [token, against])
    sizes = [len(t) for t in real.values()]
    return SaliencyAnswer(
        run=run.id,
        method=method,
        position=position,
        token=token,
        text=names[0],
        against=against,
        against_text=None if against is None else names[1],
        tokens={name: part.float() for name, part in zip(real, torch.split(scores, sizes), strict=True)},
        value=value,
        baseline=baseline,
        total=total,
        gap=gap,
        steps=taken,
        checks=tuple(checks),
        warnings=tuple(warnings),
    )


@dataclass(slots=True)
class _Counter:
    """Says how many gradients are taken."""

    total: int
    progress: Progress
    done: int = 0

    def add(self, count: int) -> None:
        self.done += count
        self.progress(Stage("saliency", self.done, self.total, f"{self.done} of at most {self.total} gradients"))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """From `start` to `end` of the way, where L is `low` and `high`; the gradient was taken in the middle.

    `middle` is L there, `slope` [all tokens] <∂L/∂x_j, end_j - start_j> there, float64.
    """

    start: float
    end: float
    low: float
    high: float
    middle: float
    slope: Tensor = field(compare=False)

    @property
    def part(self) -> Tensor:
        return self.slope * (self.end - self.start)

    @property
    def error(self) -> float:
        return abs(float(self.part.sum()) - (self.high - self.low))

    def halves(self) -> tuple[tuple[float, float, float, float], ...]:
        between = (self.start + self.end) / 2
        return (self.start, between, self.low, self.middle), (between, self.end, self.middle, self.high)


@dataclass(frozen=True, slots=True)
class _Measured:
    """A way whose gradients are counted."""

    way: Way
    counter: _Counter

    def slopes(self, points: Sequence[float]) -> list[tuple[float, Tensor]]:
        """(L, <∂L/∂x_j, the whole way of x_j> [all tokens] float64) at each point."""
        found: list[tuple[float, Tensor]] = []
        size = self.way.batch(len(points))
        for i in range(0, len(points), size):
            values, gradients = self.way.gradients(points[i : i + size])
            parts = [
                (gradient.double() * (self.way.end[name] - self.way.start[name]).double()).sum(-1)
                for name, gradient in gradients.items()
            ]
            found += zip(values.tolist(), torch.cat(parts, dim=1).cpu(), strict=True)
            self.counter.add(len(values))
        return found

    def slope(self) -> tuple[Tensor, int]:
        """Gradient x input, since the way begins at zero."""
        return self.slopes([1.0])[0][1], 1

    def integral(self, low: float, high: float, steps: int) -> tuple[Tensor, int]:
        """(the integral [all tokens], how many gradients it took)."""
        edges = [i / FIRST for i in range(FIRST + 1)]
        between: list[float] = []
        size = self.way.batch(FIRST - 1)
        for i in range(1, FIRST, size):
            between += self.way.values(edges[i : min(i + size, FIRST)])[0].tolist()
        values = [low, *between, high]
        done = self.measure([(*edges[i : i + 2], *values[i : i + 2]) for i in range(FIRST)])  # type: ignore[misc]
        taken, enough = FIRST, ENOUGH * max(abs(high - low), LEAST)
        while taken + 2 <= steps and sum(stretch.error for stretch in done) > enough:
            done.sort(key=lambda stretch: stretch.error)
            worst = max(1, min(FIRST // 2, (steps - taken) // 2, len(done)))
            chosen, done = done[-worst:], done[:-worst]
            done += self.measure([half for stretch in chosen for half in stretch.halves()])
            taken += 2 * worst
        return torch.stack([stretch.part for stretch in done]).sum(0), taken

    def measure(self, stretches: Sequence[tuple[float, float, float, float]]) -> list[_Stretch]:
        found = self.slopes([(start + end) / 2 for start, end, _, _ in stretches])
        return [_Stretch(*stretch, *each) for stretch, each in zip(stretches, found, strict=True)]

    def short_way(self) -> tuple[float, float]:
        """(L's rise over the last short stretch of the way by the gradient, and in truth)."""
        (_, slope), (low, high) = self.slopes([1.0 - SHORT / 2])[0], self.way.values([1.0 - SHORT, 1.0])[0].tolist()
        return float(slope.sum()) * SHORT, high - low
