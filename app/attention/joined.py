"""Small layers read together: one record that holds the heads of several, one layer after another.

What a look costs in a short text is not its arithmetic but the dozen calls that it makes for every layer. Layers whose
rules are the same, and the same for every head, make no difference to them: their heads can stand in one record.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor

from app.attention.recorder import LayerRecord
from app.attention.rules import Rules

JOINED_CELLS = 2 * 1024 * 1024
"""Cells of the maps that are read together: 8 MB in float32. More gains nothing, and leaves the processor's cache."""


def joined(records: Sequence[LayerRecord], cells: int = JOINED_CELLS) -> Iterator[tuple[int, LayerRecord]]:
    """(how many, their record) of the layers in their order: heads of layer i of one are [i * H, (i + 1) * H).

    A record is its own where nothing is joined; else it has copies of q and k, and no v.

    >>> [(count, record.shape[0]) for count, record in joined(twelve_layers_of_six_heads, cells=7 * 6 * 10 * 10)]
    [(7, 42), (5, 30)]
    """
    first = 0
    while first < len(records):
        heads, queries, keys = records[first].shape
        most = first + max(1, cells // max(1, heads * queries * keys))
        stop = first + 1
        while stop < min(most, len(records)) and _alike(records[first], records[stop]):
            stop += 1
        yield stop - first, records[first] if stop == first + 1 else _one(records[first:stop])
        first = stop


def _alike(a: LayerRecord, b: LayerRecord) -> bool:
    """Do both give q and k of one shape, and follow the same rules in every head?"""
    if a.q is None or a.k is None or b.q is None or b.k is None or a.q.shape != b.q.shape or a.k.shape != b.k.shape:
        return False
    return a.rules is b.rules and _same_for_heads(a.rules)


def _same_for_heads(rules: Rules) -> bool:
    by_head = rules.mask is not None and rules.mask.shape[1] > 1
    return rules.distance_bias is None and rules.sinks is None and not by_head


def _one(records: Sequence[LayerRecord]) -> LayerRecord:
    first = records[0]
    q, k = _side_by_side([r.q for r in records]), _side_by_side([r.k for r in records])
    return LayerRecord(first.stack, first.layer, q, k, None, first.rules)


def _side_by_side(parts: Sequence[Tensor | None]) -> Tensor:
    """[1, H, N, D] of each layer -> [1, layers * H, N, D]: query head h still has key head h // (H/G)."""
    return torch.cat([part[:1] for part in parts if part is not None], dim=1)
