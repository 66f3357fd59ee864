"""The rows of a map over units of tokens instead of tokens, with one column for all that belongs to no unit."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.analyses.align import Alignment
from app.attention.maps import blocks
from app.attention.recorder import LayerRecord

PAIR_CELLS = 1024 * 1024
"""Cells of one block over its heads: 4 MB a side."""

Stretch = tuple[int, int]
"""Tokens [start, stop) of one run."""


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """Where the keys of a map go: `unit` [K] is the column of each, the last for those of no unit.

    Where every unit is one key, `chosen` [C] are these keys, and picking them is much faster than adding up.
    """

    unit: Tensor
    count: int
    chosen: Tensor | None
    others: Tensor

    def gather(self, probs: Tensor) -> Tensor:
        """[..., K] -> [..., C + 1], the keys of a unit summed."""
        summed = probs.new_zeros(*probs.shape[:-1], self.count + 1)
        if self.chosen is None:
            return summed.index_add_(-1, self.unit, probs)
        summed[..., :-1] = probs[..., self.chosen]
        summed[..., -1] = probs[..., self.others].sum(-1)
        return summed


def columns_of(keys: int, units: Sequence[Stretch]) -> Columns:
    """The columns of a map over `keys` keys."""
    unit = torch.full((keys,), len(units))
    for i, (start, stop) in enumerate(units):
        unit[start:stop] = i
    single = all(stop - start == 1 for start, stop in units)
    chosen = torch.tensor([start for start, _ in units]) if single else None
    return Columns(unit, len(units), chosen, (unit == len(units)).nonzero()[:, 0])


def distributions(
    records: tuple[LayerRecord, LayerRecord], heads: tuple[slice, slice], pairing: Alignment
) -> Iterator[tuple[range, Tensor, Tensor]]:
    """The paired rows of two maps, a block of pairs at a time: which pairs, p and q [H, pairs, C + 1] float32."""
    rows = [unit[:2] for unit in pairing.rows], [unit[2:] for unit in pairing.rows]
    cols = [unit[:2] for unit in pairing.cols], [unit[2:] for unit in pairing.cols]
    columns = [columns_of(record.shape[2], units) for record, units in zip(records, cols, strict=True)]
    count = max(len(range(*h.indices(r.shape[0]))) for h, r in zip(heads, records, strict=True))
    step = max(1, PAIR_CELLS // (count * (len(pairing.cols) + 1)))
    for start in range(0, len(pairing.rows), step):
        part = range(start, min(len(pairing.rows), start + step))
        p, q = (
            unit_rows(record, some, stretches[part.start : part.stop], own)
            for record, some, stretches, own in zip(records, heads, rows, columns, strict=True)
        )
        yield part, p, q


def unit_rows(record: LayerRecord, heads: slice, rows: Sequence[Stretch], columns: Columns) -> Tensor:
    """[heads, rows, C + 1]: queries of a unit averaged, its keys summed.

    The last column is what went to keys of no unit, and to a sink.
    """
    first, last = rows[0][0], rows[-1][1]
    unit = torch.full((last - first,), -1)
    share = torch.zeros(last - first)
    for i, (start, stop) in enumerate(rows):
        unit[start - first : stop - first] = i
        share[start - first : stop - first] = 1.0 / (stop - start)
    found = torch.zeros(len(range(*heads.indices(record.shape[0]))), len(rows), columns.count + 1)
    for part, block in blocks(record, heads, range(first, last)):
        inside = (unit[part.start - first : part.stop - first] >= 0).nonzero()[:, 0]
        at = inside + part.start - first
        own = block.cpu()[:, inside]
        summed = columns.gather(own)
        if record.rules.sinks is not None:
            summed[..., -1] += (1.0 - own.sum(-1)).clamp_min(0.0)
        found.index_add_(1, unit[at], summed * share[at][:, None])
    return found
