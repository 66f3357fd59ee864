"""Edits: what may be knocked out of a pass, to see what it caused.

    head    z of a head: zero, or its mean over the queries
    layer   the same of all heads of a layer
    edge    what a query takes from a key: its score −inf and softmax again (`resoftmax`: the others share what it had),
            or its probability 0 and the rest as it was (`drop`: what it carried is missing); two different questions
            (Geva et al. 2023)
    token   its key hidden from every other query, in every layer: the others share what it had

All of it happens to z [B, H, Q, Dv] before the output projection, which is the one place that every model has.
An edge of a hidden token is gone already. Where heads are knocked out too, that comes last.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor
from torch.nn.functional import scaled_dot_product_attention

from app.attention.core import attend, probabilities, softmax
from app.attention.recorder import Edit, LayerRecord
from app.attention.rules import Rules, added, visible

Kind = Literal["head", "layer", "edge", "token"]
Mode = Literal["zero", "mean"]
HowEdge = Literal["resoftmax", "drop"]

BLOCK_ROWS = 256
"""Queries that are computed at once without a hidden key; in causal attention later keys are left out of a block."""
BLOCK_CELLS = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Knockout:
    """One edit. `layer` None: every layer (edges, tokens); `head` None: every head; a token is named by its `key`."""

    kind: Kind
    stack: str
    layer: int | None = None
    head: int | None = None
    query: int | None = None
    key: int | None = None
    edge: HowEdge = "resoftmax"

    def touches(self, stack: str, layer: int) -> bool:
        """Does it change this layer? A token of an encoder is hidden from the decoder's cross attention too."""
        if self.kind == "token" and (self.stack, stack) == ("encoder", "cross"):
            return True
        return self.stack == stack and self.layer in (None, layer)

    def hides(self) -> bool:
        """Does it take keys out of a softmax?"""
        return self.kind == "token" or (self.kind == "edge" and self.edge == "resoftmax")


def knock_out(knockouts: Sequence[Knockout], mode: Mode = "zero") -> Edit:
    """The edits of a pass, for its recorder. `mode` is about heads and layers."""

    def edit(record: LayerRecord, z: Tensor) -> Tensor:
        here = [one for one in knockouts if one.touches(record.stack, record.layer)]
        return _changed(record, z, here, mode) if here else z

    return edit


def ablated(z: Tensor, mode: Mode) -> Tensor:
    """What stands in the place of z [..., Q, Dv]: zeros, or its mean over the queries.

    >>> ablated(torch.tensor([[1.0], [3.0]]), "mean").tolist()
    [[2.0], [2.0]]
    """
    return torch.zeros_like(z) if mode == "zero" else z.mean(-2, keepdim=True).expand_as(z)


def sees(record: LayerRecord, rows: slice) -> Tensor:
    """Which keys the queries of `rows` see: [1|H, rows, K] bool."""
    _, queries, keys = record.shape
    assert record.q is not None
    seen = visible(record.rules, rows, queries, keys, record.q.device)
    if seen is None:
        seen = torch.ones(1, 1, len(range(*rows.indices(queries))), keys, dtype=torch.bool, device=record.q.device)
    bias = added(record.rules, rows, queries, keys, record.q.device)
    if bias is not None:  # a mask that adds may also hide
        seen = seen & (bias > torch.finfo(bias.dtype).min / 2)
    return seen[0]


def hidden_keys(here: Sequence[Knockout], record: LayerRecord, query: int) -> Tensor:
    """The keys that `here` takes out of a query's softmax: [H, K] bool."""
    heads, _, keys = record.shape
    hidden = torch.zeros(heads, keys, dtype=torch.bool)
    for one in here:
        if one.kind == "token" and not (record.stack != "cross" and one.key == query):
            hidden[:, one.key] = True
        elif one.kind == "edge" and one.edge == "resoftmax" and one.query == query:
            hidden[_heads(one), one.key] = True
    return hidden


def _changed(record: LayerRecord, z: Tensor, here: Sequence[Knockout], mode: Mode) -> Tensor:
    """z of a layer with all of its edits."""
    tokens = sorted({one.key for one in here if one.kind == "token" and one.key is not None})
    edges = [one for one in here if one.kind == "edge"]
    z = _without(record, tokens) if tokens else z.clone()
    own = tokens if record.stack != "cross" else []  # a token goes on seeing itself
    for query in sorted({*own, *(one.query for one in edges if one.query is not None)}):
        row = _row(record, query, here)
        if tokens:
            z[:, :, query] = row
        for one in edges:
            if one.query == query:
                z[:, _heads(one), query] = row[:, _heads(one)]
    for one in here:
        if one.kind in ("head", "layer"):
            z[:, _heads(one)] = ablated(z[:, _heads(one)], mode)
    return z


def _heads(one: Knockout) -> slice:
    return slice(None) if one.head is None else slice(one.head, one.head + 1)


def _row(record: LayerRecord, query: int, here: Sequence[Knockout]) -> Tensor:
    """z of one query [B, H, Dv], by the formula."""
    q, k, v = _qkv(record)
    scores, _ = probabilities(q, k, record.rules, slice(query, query + 1))  # [B, H, 1, K]
    hidden = hidden_keys(here, record, query).to(scores.device)
    probs = softmax(scores.masked_fill(hidden[None, :, None], -torch.inf), record.rules.sinks)
    for one in here:
        if one.kind == "edge" and one.edge == "drop" and one.query == query:
            probs[:, _heads(one), :, one.key] = 0.0
    batch, heads, _, keys = probs.shape
    return (probs.to(v.dtype).reshape(batch, v.shape[1], -1, keys) @ v).reshape(batch, heads, -1)


def _without(record: LayerRecord, tokens: Sequence[int]) -> Tensor:
    """z [B, H, Q, Dv] where no query sees these keys, their own included; a query that sees nothing has anything."""
    q, k, v = _qkv(record)
    padding = torch.ones(1, k.shape[2], dtype=torch.bool, device=k.device)
    padding[:, list(tokens)] = False
    rules = record.rules
    rules = replace(rules, padding=padding if rules.padding is None else rules.padding & padding)
    if rules.softcap is not None or rules.sinks is not None:
        return torch.cat([attend(q, k, v, rules, rows).z for rows in _blocks(q, k)], dim=2).to(v.dtype)
    group = q.shape[1] // k.shape[1]
    if group > 1:
        k, v = k.repeat_interleave(group, dim=1), v.repeat_interleave(group, dim=1)
    parts = []
    for rows in _blocks(q, k):
        last = min(k.shape[2], rows.stop + rules.offset) if rules.causal else k.shape[2]
        mask = _mask(rules, rows, q, k)[..., :last]
        parts.append(
            scaled_dot_product_attention(q[:, :, rows], k[:, :, :last], v[:, :, :last], mask, scale=rules.scale)
        )
    return torch.cat(parts, dim=2)


def _mask(rules: Rules, rows: slice, q: Tensor, k: Tensor) -> Tensor:
    """What torch's attention takes: where a key is seen, or what is added to its score."""
    seen = visible(rules, rows, q.shape[2], k.shape[2], q.device)
    assert seen is not None
    bias = added(rules, rows, q.shape[2], k.shape[2], q.device)
    return seen if bias is None else bias.to(q.dtype).masked_fill(~seen, -torch.inf)


def _blocks(q: Tensor, k: Tensor) -> Iterator[slice]:
    step = max(1, min(BLOCK_ROWS, BLOCK_CELLS // (q.shape[0] * q.shape[1] * k.shape[2])))
    return (slice(i, min(i + step, q.shape[2])) for i in range(0, q.shape[2], step))


def _qkv(record: LayerRecord) -> tuple[Tensor, Tensor, Tensor]:
    assert record.q is not None
    assert record.k is not None
    assert record.v is not None
    return record.q, record.k, record.v
