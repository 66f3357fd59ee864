"""No-sink: the map of a head without its sink, the rest of each row renormalised.

    N[i,j] = A[i,j] / Σ_{k≠s} A[i,k],  N[i,s] = 0,  s the sink of the head

Many heads leave most of their attention on one token that means nothing, where it does no harm (Xiao et al. 2023), and
the rest of the map goes pale beside it. What counts as a sink stands in sinks.py; a text of fewer than 8 tokens has
none. A head without a sink stays as it is, but that its rows sum to 1 also where a learned sink (gpt-oss) takes a
share. A query that saw nothing else has nothing left to show: null. Applies to every model.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from app.analyses.lenses.lens import Asked, Shown
from app.analyses.sinks import SINK_THRESHOLD, most_attended
from app.attention.maps import blocks
from app.attention.recorder import LayerRecord


def no_sink(asked: Asked) -> Iterator[Shown]:
    """Each head without its own sink, which is named in `sinks`."""
    records = asked.records()
    for layer in asked.layers:
        asked.step("no-sink", layer, len(records), "Layer")
        record = records[layer]
        sinks = find_sinks(record, asked.heads, causal=asked.stack == "decoder")
        ones = torch.ones(len(sinks), record.shape[1])
        yield Shown(record, partial(without, sinks), ones, sinks=sinks)


def find_sinks(record: LayerRecord, heads: slice, causal: bool) -> list[int | None]:
    """The key that is the sink of each head; None where it has none."""
    all_heads, queries, keys = record.shape
    columns = torch.zeros(len(range(*heads.indices(all_heads))), keys, dtype=torch.float64)
    for _, probs in blocks(record, heads, range(queries)):
        columns += probs.nan_to_num(0.0).sum(1).cpu()
    shares, found = (each.tolist() for each in most_attended(columns, queries, causal))
    return [key if share > SINK_THRESHOLD else None for key, share in zip(found, shares, strict=True)]


def without(sinks: list[int | None], probs: Tensor, _: range) -> Tensor:
    """The block [heads, rows, K] without each head's sink; rows that have nothing left are NaN."""
    rest = probs.clone()
    for head, sink in enumerate(sinks):
        if sink is not None:
            rest[head, :, sink] = 0.0
    return rest / rest.sum(-1, keepdim=True)  # 0/0 is NaN
