"""Rollout (Abnar & Zuidema 2020): how much of each input token has reached each position by a layer.

    A'_l = rownorm(mean_h A_l + I),  R_l = A'_l R_{l-1},  R = I before the first layer

Each layer's maps are averaged over the heads and given the identity for the residual stream, and the layers are
multiplied, the later from the left. It takes attention for the whole of a layer: values, the feed-forward part and
the differences between heads are left out. Self-attention only.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from app.analyses.lenses.lens import Asked, Shown, as_record, chain, refuse_cross
from app.analyses.pace import FLOPS
from app.attention.maps import blocks
from app.attention.recorder import LayerRecord


def rollout(asked: Asked) -> Iterator[Shown]:
    """One map a layer: the rollout up to and with it."""
    refuse_cross(asked.stack, "Rollout multiplies maps of the same tokens; cross attention has two kinds.")
    records, last = asked.records(), asked.layers[-1]
    tokens = records[0].shape[1]
    asked.afford(last * tokens**3 / FLOPS)
    reached: Tensor | None = None
    for layer in range(last + 1):
        asked.step("rollout", layer, last + 1, "Layer")
        reached = chain(_with_residual(records[layer]), reached)
        if layer in asked.layers:
            yield Shown(as_record(asked.stack, layer, reached))


def _with_residual(record: LayerRecord) -> Tensor:
    """rownorm(mean_h A + I) of one layer: [N, N]."""
    heads, rows, cols = record.shape
    mean = torch.empty(rows, cols)
    for part, probs in blocks(record, slice(0, heads), range(rows)):
        mean[part.start : part.stop] = probs.mean(0).cpu()
    mean.diagonal().add_(1.0)
    return mean / mean.sum(-1, keepdim=True)
