"""Attention rollout (Abnar & Zuidema 2020): how much of each input token has reached each position by a layer.

Each layer's maps are averaged over its heads and given the identity for the residual stream, and the layers are
multiplied, the later from the left: A'_l = rownorm(mean_h A_l + I), R_l = A'_l R_{l-1}, R_0 = I before the first.
It takes attention for the whole of a layer: values, the feed-forward part and head differences are left out.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from app.attention.maps import blocks
from app.attention.recorder import LayerRecord
from app.attention.rules import Rules
from app.errors import Cancelled as WasCancelled
from app.errors import NeedsStream, NotApplicable
from app.models.progress import Cancelled, Progress, Stage
from app.models.run import Run

FLOPS = 2e10
"""Multiply-adds a second of a modest machine in float32; only for telling short work from long."""


def rollout(
    run: Run, stack: str, layers: Sequence[int], budget: float | None, progress: Progress, cancelled: Cancelled
) -> list[LayerRecord]:
    """The rollout up to and with each of `layers` (ascending), as records of one map [1, 1, N, N] each."""
    if stack == "cross":
        raise NotApplicable(
            "Rollout multiplies maps of the same tokens; cross attention has two kinds.",
            "Choose stack encoder or decoder.",
        )
    records = run.records(stack)
    tokens = records[0].shape[1]
    last = layers[-1]
    if budget is not None and last * 2.0 * tokens**3 / FLOPS > budget:
        raise NeedsStream(f"The rollout of {tokens} tokens takes a while.", "POST to the same address to follow it.")
    reached: Tensor | None = None
    found = []
    for i in range(last + 1):
        if cancelled():
            raise WasCancelled("Nobody waits for the answer any more.", "Ask again.")
        progress(Stage("rollout", i, last + 1, f"Layer {i + 1} of {last + 1}"))
        mixed = _with_residual(records[i])
        reached = mixed if reached is None else mixed @ reached
        if i in layers:
            found.append(LayerRecord(stack, i, None, None, None, Rules(scale=1.0), maps=reached[None, None]))
    return found


def _with_residual(record: LayerRecord) -> Tensor:
    """rownorm(mean_h A + I) of one layer: [N, N]."""
    heads, rows, cols = record.shape
    mean = torch.empty(rows, cols)
    for part, probs in blocks(record, slice(0, heads), range(rows)):
        mean[part.start : part.stop] = probs.mean(0).cpu()
    mean.diagonal().add_(1.0)
    return mean / mean.sum(-1, keepdim=True)
