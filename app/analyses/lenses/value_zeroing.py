"""Value zeroing (Mohebbi et al. 2023): how a layer's output changes when a token's value is taken away.

    c_ij = 1 − cos(y_i, y_i without v_j),  rows normalised

y is the output of the whole block, feed-forward part and residual included; v_j is set to zero in all heads of the
layer, and attention stays what it was. The block is run once for every token, so the lens takes a while. A query that
no value moves has no row: null. Self-attention only; applies to every model that gives its values.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

import torch
from torch import Tensor
from torch.nn import functional

from app.analyses.lenses.lens import Asked, Shown, as_record, refuse_cross
from app.analyses.pace import pass_seconds
from app.attention.maps import blocks
from app.attention.recorder import LayerRecord, PassStopped
from app.errors import nobody_waits
from app.models.run import inputs_of
from app.models.zeroing import without_values


def value_zeroing(asked: Asked) -> Iterator[Shown]:
    """One map a layer."""
    refuse_cross(asked.stack, "Value zeroing compares a layer's outputs with its own tokens taken away.")
    asked.sites()
    run, records = asked.run, asked.records()
    tokens = records[0].shape[1]
    asked.afford(len(asked.layers) * tokens * pass_seconds(asked.run) / len(records))
    for place, layer in enumerate(asked.layers):
        moved = torch.zeros(tokens, tokens)

        take = partial(_take, asked, place, moved)
        try:
            without_values(
                run.model.network, inputs_of(run.model, run.tokens), asked.stack, layer, take, asked.cancelled
            )
        except PassStopped as exc:
            raise nobody_waits() from exc
        moved.masked_fill_(~_seen(records[layer]), 0.0)  # what a query does not see cannot move it, but for rounding
        yield Shown(as_record(asked.stack, layer, moved / moved.sum(-1, keepdim=True)))


def _take(asked: Asked, place: int, moved: Tensor, keys: range, plain: Tensor, changed: Tensor) -> None:
    """Write the columns of a batch of keys into `moved` [N, N], and say how far the work is."""
    moved[:, keys.start : keys.stop] = cosine_distance(plain, changed).T.cpu()
    tokens = len(moved)
    asked.step("value-zeroing", place * tokens + keys.stop - 1, len(asked.layers) * tokens, "Token")


def cosine_distance(a: Tensor, b: Tensor) -> Tensor:
    """1 − cos of vectors [..., W], as half the squared distance of the unit vectors: exact where it is nearly zero.

    >>> cosine_distance(torch.tensor([1.0, 0.0]), torch.tensor([1.0, 1e-4])).item()  # 1 - cos would round to 0
    4.999999969612645e-09
    """
    return (functional.normalize(a.float(), dim=-1) - functional.normalize(b.float(), dim=-1)).square().sum(-1) / 2


def _seen(record: LayerRecord) -> Tensor:
    """Where any head gives a key any attention [N, N]."""
    heads, rows, cols = record.shape
    seen = torch.zeros(rows, cols, dtype=torch.bool)
    for part, probs in blocks(record, slice(0, heads), range(rows)):
        seen[part.start : part.stop] = (probs.amax(0) > 0).cpu()
    return seen
