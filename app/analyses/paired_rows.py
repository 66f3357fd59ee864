"""The rows of a map over units of tokens instead of tokens, with one column for all that belongs to no unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from app.analyses.align import Alignment
from app.attention.maps import BLOCK_CELLS, blocks
from app.attention.recorder import LayerRecord

Stretch = tuple[int, int]
"""Tokens [start, stop) of one run."""


def distributions(
    records: tuple[LayerRecord, LayerRecord], heads: tuple[slice, slice], pairing: Alignment
) -> Iterator[tuple[range, Tensor, Tensor]]:
    """The paired rows of two maps, a block of pairs at a time: which pairs, p and q [H, pairs, C + 1] float32."""
    rows = [unit[:2] for unit in pairing.rows], [unit[2:] for unit in pairing.rows]
    cols = [unit[:2] for unit in pairing.cols], [unit[2:] for unit in pairing.cols]
    count = max(len(range(*h.indices(r.shape[0]))) for h, r in zip(heads, records, strict=True))
    step = max(1, BLOCK_CELLS // (count * (len(pairing.cols) + 1)))
    for start in range(0, len(pairing.rows), step):
        part = range(start, min(len(pairing.rows), start + step))
        p, q = (
            unit_rows(record, some, stretches[part.start : part.stop], columns)
            for record, some, stretches, columns in zip(records, heads, rows, cols, strict=True)
        )
        yield part, p, q


def unit_rows(record: LayerRecord, heads: slice, rows: Sequence[Stretch], cols: Sequence[Stretch]) -> Tensor:
    """[heads, rows, cols + 1]: queries of a unit averaged, its keys summed.

    The last column is what went to keys of no unit, and to a sink.
    """
    total_heads, _, keys = record.shape
    single = all(stop - start == 1 for start, stop in cols)
    column = torch.full((keys,), len(cols))
    for i, (start, stop) in enumerate(cols):
        column[start:stop] = i
    chosen = torch.tensor([start for start, _ in cols])
    others = (column == len(cols)).nonzero()[:, 0]
    first, last = rows[0][0], rows[-1][1]
    unit = torch.full((last - first,), -1)
    share = torch.zeros(last - first)
    for i, (start, stop) in enumerate(rows):
        unit[start - first : stop - first] = i
        share[start - first : stop - first] = 1.0 / (stop - start)
    found = torch.zeros(len(range(*heads.indices(total_heads))), len(rows), len(cols) + 1)
    for part, block in blocks(record, heads, range(first, last)):
        probs = block.cpu()
        inside = (unit[part.start - first : part.stop - first] >= 0).nonzero()[:, 0]
        at = inside + part.start - first
        own = probs[:, inside]
        summed = own.new_zeros(*own.shape[:2], len(cols) + 1)
        if single:  # most often: picking columns is much faster than adding them up
            summed[..., :-1] = own[..., chosen]
            summed[..., -1] = own[..., others].sum(-1)
        else:
            summed.index_add_(2, column, own)
        if record.rules.sinks is not None:
            summed[..., -1] += (1.0 - own.sum(-1)).clamp_min(0.0)
        found.index_add_(1, unit[at], summed * share[at][:, None])
    return found
