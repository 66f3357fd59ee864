"""Maps on demand: the exact probabilities of the heads somebody looks at, in blocks of rows.

A map of N queries is computed from the kept q and k, `BLOCK_CELLS` cells at a time, so the memory of a look is
bounded by the block and not by N². Every reading of a map (a window of it, its pooled picture, a score of the
head) is a loop over `blocks`.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from app.attention.core import probabilities
from app.attention.recorder import LayerRecord
from app.attention.rules import visible

BLOCK_CELLS = 4 * 1024 * 1024
"""Cells of one block over all its heads: 16 MB in float32."""

Pool = Literal["max", "magnitude", "mean", "words"]
"""The value of a bin: its largest, the one furthest from zero (with its sign), its mean, or (its keys summed, its
queries averaged) what a word gives a word."""

Change = Callable[[Tensor, range], Tensor]
"""Given the probabilities [heads, rows, K] of some rows, and which rows they are: what is shown instead of them. A row
that has no value is all NaN."""


def blocks(record: LayerRecord, heads: slice, rows: range, cells: int | None = None) -> Iterator[tuple[range, Tensor]]:
    """The probabilities of `rows` for `heads` (batch row 0), a block of rows at a time: [heads, rows, K] float32.

    A block has at most `cells`, BLOCK_CELLS unless told: fewer where much is made of each.
    """
    total_heads, _, keys = record.shape
    count = len(range(*heads.indices(total_heads)))
    step = max(1, (cells or BLOCK_CELLS) // max(1, count * keys))
    for start in range(rows.start, rows.stop, step):
        part = range(start, min(rows.stop, start + step))
        yield part, _block(record, heads, slice(part.start, part.stop))


def _block(record: LayerRecord, heads: slice, rows: slice) -> Tensor:
    if record.maps is not None:
        return record.maps[0, heads, rows].float()
    assert record.q is not None
    assert record.k is not None
    group = record.q.shape[1] // record.k.shape[1]  # query heads that share a key head
    first, stop, _ = heads.indices(record.q.shape[1])
    first_key, stop_key = first // group, (stop - 1) // group + 1
    whole = slice(first_key * group, stop_key * group)  # the smallest run of whole groups around `heads`
    q, k = record.q[:1, whole], record.k[:1, first_key:stop_key]
    if first_key + 1 == stop_key:  # one key head serves all of them: only those asked for are needed
        whole, q = heads, record.q[:1, heads]
    _, probs = probabilities(q, k, record.rules.for_heads(whole), rows)
    return probs[0, first - (whole.start or 0) : stop - (whole.start or 0)]


@dataclass(frozen=True, slots=True, eq=False)
class Hidden:
    """What a look leaves out: keys [heads, K] and queries [Q], True where hidden."""

    keys: Tensor
    queries: Tensor


@dataclass(frozen=True, slots=True)
class Look:
    """What was seen of some heads. values [heads, R, C] float32; edges are of the bins, R+1 and C+1 positions.

    A bin whose rows have no value at all, or that is hidden whole, is NaN; rows without a value and what is hidden
    count for nothing in the others.
    Measured on the exact values before pooling: `row_sum_error`, the largest distance of a row's sum from 1 (rows
    that see nothing left out; where a sink takes a share, how far a sum exceeds 1), `above_diagonal`, the
    largest probability given to a key after its query (where that was asked), and `changed_sum_error`, the largest
    distance of a changed row's sum from the one it must have, as a share of the largest of those.
    """

    values: Tensor
    row_edges: list[int]
    col_edges: list[int]
    row_sum_error: float
    above_diagonal: float | None
    changed_sum_error: float | None = None


def look(
    record: LayerRecord,
    heads: slice,
    row_edges: list[int],
    col_edges: list[int],
    pool: Pool = "max",
    change: Change | None = None,
    sums: Tensor | None = None,
    hidden: Hidden | None = None,
    causal: bool = False,
) -> Look:
    """The maps of `heads` between the edges, one value a bin; bins of one position each give the exact map.

    `change` makes of each block what is shown instead of it; `sums` [heads, Q] are what its rows must then sum to.
    `hidden` is left out after that: nothing is renormalised. `causal` asks how much goes to keys after their query.

    >>> look(record, slice(3, 4), bin_edges(range(2048), 256), bin_edges(range(2048), 256)).values.shape
    torch.Size([1, 256, 256])
    """
    rows, cols = range(row_edges[0], row_edges[-1]), slice(col_edges[0], col_edges[-1])
    count = len(range(*heads.indices(record.shape[0])))
    values = torch.zeros(count, len(row_edges) - 1, len(col_edges) - 1)
    may_be_null = change is not None or record.maps is not None or hidden is not None
    filled = torch.zeros(count, len(row_edges) - 1)  # rows of each bin that have a value, where some may have none
    sum_error = above = changed_error = 0.0
    for part, probs in blocks(record, heads, rows):
        sum_error = worse(sum_error, _row_sum_error(record, probs, part))
        above = worse(above, _above_diagonal(probs, part, record.rules.offset)) if causal else 0.0
        shown = probs if change is None else change(probs, part)
        if sums is not None:
            changed_error = worse(changed_error, _changed_sum_error(shown, sums[:, part.start : part.stop]))
        first = bisect_right(row_edges, part.start) - 1
        last = bisect_left(row_edges, part.stop)
        edges = [min(max(e, part.start), part.stop) for e in row_edges[first : last + 1]]
        if may_be_null:
            null = shown.isnan().any(-1)
            if hidden is not None:
                null = null | hidden.queries[part.start : part.stop].to(null.device)
                shown = shown.masked_fill(hidden.keys[:, None, :].to(null.device), 0.0)
            shown = shown.masked_fill(null[..., None], 0.0)
            filled[:, first:last] += _pooled((~null).float(), edges, "mean", dim=1).cpu()
        # rows before columns: whole rows are taken together, and what is left for the columns is small
        pooled = _pooled(_pooled(shown[:, :, cols], edges, pool, dim=1), col_edges, pool, dim=2).cpu()
        values[:, first:last] = _join(values[:, first:last], pooled, pool)  # a bin may go on in the next block
    if pool in ("mean", "words"):
        values /= (filled if may_be_null else _widths(row_edges))[..., None]
    keys = None
    if hidden is not None:
        keys = _pooled((~hidden.keys[:, cols]).float(), col_edges, "mean", dim=1)  # of each bin, those that are shown
        values.masked_fill_((keys == 0)[:, None, :], torch.nan)
    if pool == "mean":
        values /= _widths(col_edges) if keys is None else keys[:, None, :]
    if may_be_null:
        values.masked_fill_((filled == 0)[..., None], torch.nan)
    if sums is not None:
        changed_error /= max(float(sums.nan_to_num(0.0).abs().max()), 1e-30)
    return Look(
        values, row_edges, col_edges, sum_error,
        above_diagonal=above if causal else None,
        changed_sum_error=changed_error if sums is not None else None,
    )  # fmt: skip


def shrink(values: Tensor, edges: list[int], size: int, pool: Pool, dim: int) -> tuple[Tensor, list[int]]:
    """At most `size` bins along `dim` of what was looked at, and their edges; values that are NaN count for nothing."""
    bins = bin_edges(range(values.shape[dim]), size)
    parts = torch.split(values, [b - a for a, b in pairwise(bins)], dim)
    if pool == "mean":
        found = [part.nanmean(dim) for part in parts]
    else:
        ranks = [part.abs() if pool == "magnitude" else part for part in parts]
        best = [rank.nan_to_num(-torch.inf).argmax(dim, keepdim=True) for rank in ranks]
        found = [part.gather(dim, place).squeeze(dim) for part, place in zip(parts, best, strict=True)]
    return torch.stack(found, dim), [edges[i] for i in bins]


def bin_edges(span: range, size: int | None = None) -> list[int]:
    """Edges of at most `size` bins over the span, as equal as can be; one position a bin when they fit or size is None.

    >>> bin_edges(range(0, 5), 2)
    [0, 2, 5]
    """
    count = len(span) if size is None else min(size, len(span))
    return [span.start + i * len(span) // max(1, count) for i in range(count + 1)]


def _pooled(x: Tensor, edges: list[int], pool: Pool, dim: int) -> Tensor:
    """Each bin of `dim` as one value, its sum where means are wanted: [..., C, ...] -> [..., bins, ...].

    Edges may start anywhere.
    """
    if pool == "magnitude":
        return _further(_pooled(x, edges, "max", dim), -_pooled(-x, edges, "max", dim))
    widths = {b - a for a, b in pairwise(edges)}
    bins, start = len(edges) - 1, edges[0]
    if widths == {1}:
        return x
    if len(widths) == 1:
        equal = _split(x, dim, bins)
        return equal.amax(dim + 1) if pool == "max" else equal.sum(dim + 1)
    if pool == "max":  # bins of unequal width, filled up by repeating their last position
        widest = max(widths)
        index = [min(a + i, b - 1) - start for a, b in pairwise(edges) for i in range(widest)]
        return _split(x.index_select(dim, torch.tensor(index, device=x.device)), dim, bins).amax(dim + 1)
    member = torch.zeros(x.shape[dim], bins, device=x.device)
    for i, (a, b) in enumerate(pairwise(edges)):
        member[a - start : b - start, i] = 1.0
    return (x.movedim(dim, -1) @ member).movedim(-1, dim)


def _split(x: Tensor, dim: int, bins: int) -> Tensor:
    """[..., bins * width, ...] -> [..., bins, width, ...]."""
    return x.reshape(*x.shape[:dim], bins, -1, *x.shape[dim + 1 :])


def _join(kept: Tensor, more: Tensor, pool: Pool) -> Tensor:
    """A bin's value from those of its parts; `kept` begins at zero."""
    if pool == "max":
        return torch.maximum(kept, more)
    return _further(kept, more) if pool == "magnitude" else kept + more


def _further(a: Tensor, b: Tensor) -> Tensor:
    """The one further from zero, with its sign."""
    return torch.where(a.abs() >= b.abs(), a, b)


def worse(a: float, b: float) -> float:
    """The larger, and NaN when either is: max() would lose it."""
    return b if b != b or b > a else a


def _widths(edges: list[int]) -> Tensor:
    return torch.tensor([b - a for a, b in pairwise(edges)], dtype=torch.float32)


def _row_sum_error(record: LayerRecord, probs: Tensor, rows: range) -> float:
    """Largest distance of a row's sum from 1. Only rows that the rules let see nothing may be empty."""
    sums = probs.sum(-1)  # [heads, rows]
    if not sums.numel():
        return 0.0
    error = (sums - 1.0).clamp_min(0.0) if record.rules.sinks is not None else (sums - 1.0).abs()
    if record.maps is not None:
        error = error.masked_fill(sums.isnan(), 0.0)  # a lens has no value there
    if bool((sums == 0).any()):
        _, queries, keys = record.shape
        seen = visible(record.rules, slice(rows.start, rows.stop), queries, keys, sums.device)
        if seen is not None:
            error = error.masked_fill(~seen[0].any(-1), 0.0)
    return float(error.max())


def _changed_sum_error(shown: Tensor, expected: Tensor) -> float:
    """Largest distance of a row's sum from the expected one; rows without a value left out."""
    sums = shown.sum(-1)
    return float((sums - expected.to(sums.device)).abs().masked_fill(sums.isnan(), 0.0).max())


def _above_diagonal(probs: Tensor, rows: range, offset: int) -> float:
    """Largest probability of a key after its query, in the block that starts at query `rows.start`."""
    later = torch.triu(probs, diagonal=1 + rows.start + offset)
    largest = float(later.max()) if later.numel() else 0.0
    return largest if largest == largest else float(later.nan_to_num(0.0).max())
