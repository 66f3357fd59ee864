"""Two runs side by side: which heads differ most, and where a head differs.

Rows are paired (align.py), and so are columns; what a row gives to columns without a partner, and to a sink, goes
into one rest column. Each pair of rows then holds two distributions over the same columns, and their distance is
the Jensen-Shannon divergence in bits, JSD = H((p + q) / 2) − (H(p) + H(q)) / 2: 0 where they are equal, 1 where they
share nothing. A head's divergence is the mean over its pairs of rows. Heads can be ranked between models of equal
shape only. Everything is read in blocks.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import torch
from torch import Tensor

from app.analyses.align import Alignment, By, Unit, align
from app.analyses.paired_rows import distributions
from app.analyses.ranges import index
from app.attention.maps import bin_edges, worse
from app.checks import Check, at_most
from app.errors import OutOfRange, Unprocessable, nobody_waits
from app.limits import MOST_DIFFERENCE_CELLS
from app.models.progress import Cancelled, Progress, Stage, never, silent
from app.models.run import Run, Stack

SUM_LIMIT = 1e-4
BITS_LIMIT = 1e-5
CELLS_PER_SECOND = 4e7
"""Cells compared in a second by a modest machine; only for telling short work from long."""


@dataclass(frozen=True, slots=True)
class HeadDivergence:
    """`divergence` in bits, 0 to 1."""

    layer: int
    head: int
    divergence: float


@dataclass(frozen=True, slots=True)
class CompareAnswer:
    """`pairs` are the first tokens of each paired row, `units` the tokens [a0, a1, b0, b1) of it; columns likewise.

    `heads`, the most different first; empty for models of different shapes.
    """

    a: str
    b: str
    stack: str
    stack_b: str
    by: By
    pairs: list[tuple[int, int]]
    units: list[Unit]
    col_pairs: list[tuple[int, int]]
    col_units: list[Unit]
    heads: list[HeadDivergence]
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class DifferenceAnswer:
    """values [1, 1, R, C] float32: b minus a, over the paired rows and columns `units` and `col_units`.

    Pooled to `size`, each bin has its largest difference, its sign kept; the edges count pairs. `divergence` in bits.
    """

    a: str
    b: str
    stack: str
    stack_b: str
    layers: list[int]
    heads: list[int]
    layer_b: int
    head_b: int
    by: By
    units: list[Unit]
    col_units: list[Unit]
    size: int | None
    row_edges: list[int] | None
    col_edges: list[int] | None
    signed: bool
    bounded: bool
    divergence: float
    values: Tensor
    checks: tuple[Check, ...]


def compare(
    a: Run, b: Run, stack: str | None = None, progress: Progress = silent, cancelled: Cancelled = never
) -> CompareAnswer:
    """The heads of two runs, ranked by their divergence. Raises StackUnknown, NotApplicable, Cancelled."""
    first, second = stacks_of(a, b, stack)
    pairing = align(a, b, first.name, second.name)
    alike = (first.layers, first.heads) == (second.layers, second.heads)
    error = 0.0
    heads: list[HeadDivergence] = []
    for layer in range(first.layers if alike else 0):
        progress(Stage("compare", layer, first.layers, f"Layer {layer + 1} of {first.layers}"))
        records = a.records(first.name)[layer], b.records(second.name)[layer]
        total = torch.zeros(first.heads, dtype=torch.float64)
        for _, p, q in distributions(records, (slice(0, first.heads),) * 2, pairing):
            if cancelled():
                raise nobody_waits()
            total += divergence(p, q).sum(-1)
            error = reduce(worse, (_sum_error(p), _sum_error(q)), error)
        bits = (total / len(pairing.rows)).tolist()
        heads += [HeadDivergence(layer, head, value) for head, value in enumerate(bits)]
    warnings = []
    if not alike:
        warnings.append("These models differ in layers or heads: heads have no counterparts to be ranked by.")
    return CompareAnswer(
        a=a.id,
        b=b.id,
        stack=first.name,
        stack_b=second.name,
        by=pairing.by,
        pairs=[(unit[0], unit[2]) for unit in pairing.rows],
        units=pairing.rows,
        col_pairs=[(unit[0], unit[2]) for unit in pairing.cols],
        col_units=pairing.cols,
        heads=sorted(heads, key=_from_the_largest),
        checks=_checks(error, reduce(worse, (head.divergence for head in heads), 0.0), pairing, a, b),
        warnings=tuple(warnings),
    )


def difference(
    a: Run,
    b: Run,
    stack: str | None,
    layer: int,
    head: int,
    layer_b: int | None = None,
    head_b: int | None = None,
    size: int | None = None,
) -> DifferenceAnswer:
    """What a head of `b` gives more (or less, below zero) than a head of `a`; the same layer and head unless told.

    Raises OutOfRange, StackUnknown, NotApplicable, and Unprocessable for a map too large to give whole.
    """
    first, second = stacks_of(a, b, stack)
    layer_b = layer if layer_b is None else layer_b
    head_b = head if head_b is None else head_b
    if size is not None and size < 1:
        raise OutOfRange("`size` must be at least 1.", "Ask for 256, say.")
    records = (
        a.records(first.name)[index(layer, first.layers, "layer")],
        b.records(second.name)[index(layer_b, second.layers, "layer")],
    )
    index(head, first.heads, "head")
    index(head_b, second.heads, "head")
    pairing = align(a, b, first.name, second.name)
    edges = bin_edges(range(len(pairing.rows)), size), bin_edges(range(len(pairing.cols)), size)
    if (len(edges[0]) - 1) * (len(edges[1]) - 1) > MOST_DIFFERENCE_CELLS:
        raise Unprocessable("That is too many numbers for one answer.", "Add size=256.")
    high = torch.zeros(len(edges[0]) - 1, len(edges[1]) - 1)
    low = torch.zeros_like(high)
    error = bits = 0.0
    for part, p, q in distributions(records, (slice(head, head + 1), slice(head_b, head_b + 1)), pairing):
        bits += float(divergence(p, q).sum())
        error = reduce(worse, (_sum_error(p), _sum_error(q)), error)
        _pool(q[0, :, :-1] - p[0, :, :-1], part, edges, high, low)
    bits /= len(pairing.rows)
    pooled = (len(edges[0]) - 1, len(edges[1]) - 1) != (len(pairing.rows), len(pairing.cols))
    return DifferenceAnswer(
        a=a.id,
        b=b.id,
        stack=first.name,
        stack_b=second.name,
        layers=[layer],
        heads=[head],
        layer_b=layer_b,
        head_b=head_b,
        by=pairing.by,
        units=pairing.rows,
        col_units=pairing.cols,
        size=size,
        row_edges=edges[0] if pooled else None,
        col_edges=edges[1] if pooled else None,
        signed=True,
        bounded=False,
        divergence=bits,
        values=torch.where(high >= -low, high, low)[None, None],
        checks=_checks(error, bits, pairing, a, b),
    )


def _from_the_largest(head: HeadDivergence) -> float:
    """What heads are sorted by; a divergence that is no number comes last."""
    return math.inf if math.isnan(head.divergence) else -head.divergence


def stacks_of(a: Run, b: Run, stack: str | None) -> tuple[Stack, Stack]:
    """The stack of that name in both; a model with a single kind of attention takes part with that one."""
    first = a.stack(stack)
    return first, b.stacks[0] if len(b.stacks) == 1 else b.stack(first.name if stack is None else stack)


def seconds(a: Run, b: Run, stack: str | None) -> float:
    """About how long `compare` takes, from the number of cells."""
    return sum(s.layers * s.heads * s.rows * s.cols for s in stacks_of(a, b, stack)) / CELLS_PER_SECOND


def divergence(p: Tensor, q: Tensor) -> Tensor:
    """Jensen-Shannon divergence in bits over the last axis: [..., C] -> [...] float64.

    >>> divergence(torch.tensor([1.0, 0.0]), torch.tensor([0.0, 1.0]))
    tensor(1., dtype=torch.float64)
    """
    nats = _entropy((p + q) / 2) - (_entropy(p) + _entropy(q)) / 2
    return (nats / math.log(2)).clamp_min(0.0)


def _entropy(p: Tensor) -> Tensor:
    nats: Tensor = torch.special.entr(p).sum(-1, dtype=torch.float64)
    return nats


def _sum_error(p: Tensor) -> float:
    """The largest distance of a row's sum from 1, over all columns and the rest."""
    return float((p.sum(-1) - 1.0).abs().max())


def _pool(block: Tensor, part: range, edges: tuple[list[int], list[int]], high: Tensor, low: Tensor) -> None:
    """Take a block of differences [r, C] into the largest above and below zero of each bin [R', C']."""
    rows = torch.tensor([bisect_right(edges[0], i) - 1 for i in part])
    cols = torch.tensor([bisect_right(edges[1], j) - 1 for j in range(block.shape[1])])
    for kept, values, how in ((high, block, "amax"), (low, block, "amin")):
        narrow = values.new_zeros(len(values), kept.shape[1])
        narrow.scatter_reduce_(1, cols.expand_as(values), values, how)
        kept.scatter_reduce_(0, rows[:, None].expand_as(narrow), narrow, how)


def _checks(error: float, bits: float, pairing: Alignment, a: Run, b: Run) -> tuple[Check, ...]:
    """Rows sum to 1 with the rest; a divergence is at most one bit; tokens paired by id have one id, in order."""
    checks = [
        at_most("paired-rows-sum-to-1", error, SUM_LIMIT),
        at_most("divergence-at-most-1-bit", bits, 1.0 + BITS_LIMIT),
        at_most("pairs-out-of-order", sum(x[1] > y[0] or x[3] > y[2] for x, y in pairwise(pairing.rows)), 0),
    ]
    if pairing.by == "token":
        tokens = a.tokens_of(pairing.stacks[0]), b.tokens_of(pairing.stacks[1])
        axes = (pairing.rows, pairing.cols)
        unequal = sum(
            one.ids[i] != two.ids[j] for units, one, two in zip(axes, *tokens, strict=True) for i, _, j, _ in units
        )
        checks.append(at_most("paired-tokens-that-differ", unequal, 0))
    return tuple(checks)
