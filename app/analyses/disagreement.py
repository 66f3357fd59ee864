"""Disagreement: where lenses with heads tell different stories of the same head, by head and by pair of tokens.

What a lens shows of a query is made a distribution over keys, its values by size: p_l[j] = |V_l[i,j]| / Σ_k |V_l[i,k]|.
A head's disagreement is the Jensen-Shannon divergence of these, in bits, averaged over the queries that every lens has
a row for: H(mean_l p_l) − mean_l H(p_l), from 0 (the same) to log2 of the number of lenses (nothing in common). A
pair's is the largest difference of its shares between two lenses.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.analyses.lenses import LENSES, Asked, Shown
from app.analyses.ranges import index
from app.attention.maps import blocks, worse
from app.checks import Check, at_most, worst
from app.errors import OutOfRange, Unprocessable
from app.limits import MOST_PAIRS
from app.models.progress import Cancelled, Progress, never, silent
from app.models.run import Run, Stack

LIMIT = 1e-4
CELLS = 1024 * 1024
"""Cells of one lens in a block: of each some ten more are made, two lenses are 40 MB."""
MEANING = (
    "How differently the lenses share out each query’s attention among the keys: in bits for each head, "
    "and the pairs of tokens whose share differs most."
)


@dataclass(frozen=True, slots=True)
class HeadDisagreement:
    """`divergence` in bits, a mean over `queries` of them; None where no query has a row in every lens."""

    layer: int
    head: int
    divergence: float | None
    queries: int


@dataclass(frozen=True, slots=True)
class PairDisagreement:
    """`shares` of the key in the query's row, by lens; `difference` is the largest between two of them."""

    layer: int
    head: int
    query: int
    key: int
    shares: dict[str, float]
    difference: float


@dataclass(frozen=True, slots=True)
class DisagreementAnswer:
    """`heads` in the order of the model, `pairs` from the largest difference down."""

    run: str
    stack: str
    lenses: list[str]
    layers: list[int]
    heads: list[HeadDisagreement]
    pairs: list[PairDisagreement]
    most: float
    meaning: str
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]


def disagreement(
    run: Run,
    stack: str | None = None,
    layer: int | None = None,
    lenses: Sequence[str] | None = None,
    position: int | None = None,
    limit: int = 20,
    budget: float | None = None,
    progress: Progress = silent,
    cancelled: Cancelled = never,
) -> DisagreementAnswer:
    """Where `lenses` differ in a layer, or in all; raw and norm unless told (no-sink for a model of weights only).

    Raises OutOfRange, StackUnknown, Unprocessable for lenses that cannot be compared head by head, and whatever a
    lens raises where it does not apply or takes longer than the `budget`.
    """
    chosen = run.stack(stack)
    names = _names(run, lenses)
    if not 1 <= limit <= MOST_PAIRS:
        raise OutOfRange(f"`limit` must lie between 1 and {MOST_PAIRS}.", "Ask for 20, say.")
    layers = list(range(chosen.layers)) if layer is None else [index(layer, chosen.layers, "layer")]
    asked = Asked(run, chosen.name, layers, slice(0, chosen.heads), position, budget, progress, cancelled)
    heads: list[HeadDisagreement] = []
    pairs: list[PairDisagreement] = []
    checks: list[Check] = []
    for number, shown in zip(layers, zip(*(LENSES[name].show(asked) for name in names), strict=True), strict=True):
        found = _layer(number, names, shown, chosen, limit)
        heads += found[0]
        pairs = sorted([*pairs, *found[1]], key=lambda pair: -pair.difference)[:limit]
        checks += [*found[2], *(check for one in shown for check in one.checks)]
    lost = any(head.queries < chosen.rows for head in heads)
    return DisagreementAnswer(
        run=run.id,
        stack=chosen.name,
        lenses=names,
        layers=layers,
        heads=heads,
        pairs=pairs,
        most=math.log2(len(names)),
        meaning=MEANING,
        checks=worst(checks),
        warnings=("Queries that a lens has no row for are left out of the mean.",) if lost else (),
    )


def _names(run: Run, lenses: Sequence[str] | None) -> list[str]:
    """The lenses to compare: at least two, each once, each with heads."""
    if lenses is None:
        return ["raw", "no-sink" if run.model.info.capture == "weights" else "norm"]
    with_heads = [name for name, lens in LENSES.items() if lens.heads]
    if len(set(lenses)) != len(lenses) or len(lenses) < 2 or not set(lenses) <= set(with_heads):
        raise Unprocessable(
            "At least two different lenses that show each head are compared.",
            f"Name two or more of: {', '.join(with_heads)}.",
        )
    return list(lenses)


def _layer(
    number: int, names: list[str], shown: Sequence[Shown], stack: Stack, limit: int
) -> tuple[list[HeadDisagreement], list[PairDisagreement], list[Check]]:
    """One layer, a block of rows at a time."""
    total = torch.zeros(stack.heads, dtype=torch.float64)
    queries = torch.zeros(stack.heads, dtype=torch.long)
    pairs: list[PairDisagreement] = []
    sums = outside = 0.0
    most = math.log2(len(names))
    for rows, shares, empty in _shares(shown, stack):  # [lenses, H, rows, K], [lenses, H, rows]
        there = ~shares.isnan().any(dim=-1).any(dim=0)  # [H, rows]
        sums = worse(sums, float((shares.sum(-1) - 1.0).abs().masked_fill(empty, 0.0).max()))
        bits = (_entropy(shares.mean(0)) - _entropy(shares).mean(0)).masked_fill(~there, 0.0)
        outside = worse(worse(outside, -float(bits.min())), float(bits.max()) - most)
        total += bits.clamp_min(0.0).sum(-1).double().cpu()  # rounding may leave less than nothing
        queries += there.sum(-1).cpu()
        pairs += _pairs(number, names, rows, shares.masked_fill(~there[..., None], 0.0), limit)
    heads = [
        HeadDisagreement(number, head, float(total[head] / n) if n else None, n)
        for head, n in enumerate(queries.tolist())
    ]
    return heads, pairs, [at_most("shares-sum-to-1", sums, LIMIT), at_most("divergence-in-its-range", outside, LIMIT)]


def _shares(shown: Sequence[Shown], stack: Stack) -> Iterator[tuple[range, Tensor, Tensor]]:
    """The distributions of every lens over the same rows, in blocks: [lenses, H, rows, K]. They share one record.

    With them, the rows that may be NaN: all is 0 there, or the sink that was taken out was all there was.
    """
    for rows, probs in blocks(shown[0].record, slice(0, stack.heads), range(stack.rows), CELLS):
        values = torch.stack([(probs if one.change is None else one.change(probs, rows)).abs() for one in shown])
        sums = values.sum(-1)
        without_sink = torch.tensor([one.sinks is not None for one in shown], device=probs.device)[:, None, None]
        gone = without_sink & values.isnan().all(-1) & ~probs.isnan().any(-1)
        yield rows, values / sums[..., None], (sums == 0) | gone


def _entropy(shares: Tensor) -> Tensor:
    """In bits, over the last axis; 0 log 0 is 0."""
    nats: Tensor = torch.special.xlogy(shares, shares).sum(-1)
    return -nats / math.log(2)


def _pairs(number: int, names: list[str], rows: range, shares: Tensor, limit: int) -> list[PairDisagreement]:
    """The pairs of a block whose shares [lenses, H, rows, K] differ most between two lenses."""
    difference = shares.amax(0) - shares.amin(0)
    _, count, keys = difference.shape
    largest = difference.flatten().topk(min(limit, difference.numel()))
    found = []
    for value, place in zip(largest.values.tolist(), largest.indices.tolist(), strict=True):
        head, row, key = place // (count * keys), place // keys % count, place % keys
        by_lens = dict(zip(names, shares[:, head, row, key].tolist(), strict=True))
        if value > 0:
            found.append(PairDisagreement(number, head, rows.start + row, key, by_lens, value))
    return found
