"""Norm: attention times the length of what is brought (Kobayashi et al. 2020).

    A_h[i,j] ‖f_h(x_j)‖,  f_h(x_j) = v_h[j] W_O^h

The output of a layer's attention is Σ_h Σ_j A_h[i,j] f_h(x_j) + b: a head may look hard at a token whose value is
nearly nothing, as is usual for sinks and separators, and here that shows. Vectors may still cancel each other in the
sum, which lengths do not tell. Applies where z goes straight into one linear output projection; cross attention too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor

from app.analyses.lenses.lens import Asked, Shown, per_head
from app.attention.core import attend
from app.attention.maps import BLOCK_CELLS
from app.attention.recorder import LayerRecord
from app.checks import Check, at_most
from app.models.anatomy import Projection

LIMIT = 1e-4


def norm(asked: Asked) -> Iterator[Shown]:
    """Each head's attention in units of the model's hidden states."""
    asked.sites()
    records = asked.records()
    for layer in asked.layers:
        projection = asked.projection(layer)
        asked.step("norm", layer, len(records), "Layer")
        lengths, check = value_lengths(records[layer], projection, asked.heads)
        yield Shown(records[layer], partial(_times, lengths), checks=(check,))


def value_lengths(record: LayerRecord, projection: Projection, heads: slice) -> tuple[Tensor, Check]:
    """‖f_h(x_j)‖ [heads, K], and a check that the f_h sum to what the projection makes of the middle query's z.

    The f_h of a block of keys at a time: never heads x N x width at once.
    """
    assert record.v is not None
    count, queries, keys = record.shape
    v, weight = per_head(record.v, count), projection.of_heads(heads, count)  # [H, K, Dv], [heads, Dv, W]
    middle = slice(queries // 2, queries // 2 + 1)
    probs, z = _row(record, middle)
    lengths = v.new_empty(len(weight), keys)
    others = z.clone()
    others[heads] = 0.0
    total = projection(others)[0]  # the heads that were not asked for, and the bias
    step = max(1, BLOCK_CELLS // (weight.shape[0] * weight.shape[2]))
    for start in range(0, keys, step):
        part = slice(start, start + step)
        f = v[heads, part] @ weight  # [heads, keys, W]
        lengths[:, part] = f.norm(dim=-1)
        total = total + torch.einsum("hk,hkw->w", probs[heads, 0, part], f)
    true = projection(z)[0]
    error = float((total - true).abs().max() / true.abs().max().clamp_min(1e-30))
    return lengths, at_most("values-sum-to-the-output", error, LIMIT)


def _row(record: LayerRecord, row: slice) -> tuple[Tensor, Tensor]:
    """(probs [H, 1, K], z [H, 1, Dv]) of one query, in float32 whatever the model computes with."""
    assert record.q is not None
    assert record.k is not None
    assert record.v is not None
    seen = attend(record.q[:1], record.k[:1], record.v[:1].float(), record.rules, row)
    return seen.probs[0], seen.z[0]


def _times(lengths: Tensor, probs: Tensor, _: range) -> Tensor:
    return probs * lengths[:, None, :]
