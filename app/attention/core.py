"""attend(): attention on one screen, and the reference that everything else here is held against.

    scores = scale * q kᵀ                 how well each query matches each key
    probs  = softmax(rules(scores))       which share of its attention each query gives each key
    z      = probs v                      what each query takes home

It is written to be read and to be exact. The forward pass of a model runs torch's fused attention instead,
which gives z but no probs; maps.py computes the probs of one head when somebody looks.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from app.attention.rules import Rules, added, visible


class Attention(NamedTuple):
    """scores [B, H, Q, K] as they enter the softmax (-inf where a key is hidden), probs likewise, z [B, H, Q, Dv]."""

    scores: Tensor
    probs: Tensor
    z: Tensor


def attend(q: Tensor, k: Tensor, v: Tensor, rules: Rules, rows: slice | None = None) -> Attention:
    """Attention of the queries of `rows` (all of them unless told) over all keys.

    q [B, H, Q, D], k [B, G, K, D], v [B, G, K, Dv], where each of G key/value heads serves H/G query heads.
    A query that may see no key at all gets probabilities of zero, where eager implementations spread them evenly.

    >>> q = k = v = torch.eye(2)[None, None]
    >>> attend(q, k, v, Rules(scale=1.0, causal=True)).probs[0, 0].tolist()  # softmax(0, 1) = 0.2689, 0.7311
    [[1.0, 0.0], [0.2689414322376251, 0.7310585975646973]]
    """
    scores, probs = probabilities(q, k, rules, rows)
    batch, heads, block, keys = probs.shape
    grouped = probs.to(v.dtype).reshape(batch, v.shape[1], -1, keys)  # [B, G, H/G * rows, K]
    return Attention(scores, probs, (grouped @ v).reshape(batch, heads, block, -1))


def probabilities(q: Tensor, k: Tensor, rules: Rules, rows: slice | None = None) -> tuple[Tensor, Tensor]:
    """(scores, probs) of attend(), in float32 whatever q and k are (float64 for float64): [B, H, rows, K] each."""
    return ruled(products(q, k, rules.scale, rows), rules, rows, q.shape[2])


def products(q: Tensor, k: Tensor, scale: float, rows: slice | None = None) -> Tensor:
    """scale * q kᵀ of the queries of `rows`, before any rule: [B, H, rows, K], float32 (float64 for float64)."""
    dtype = torch.float64 if q.dtype == torch.float64 else torch.float32
    q_rows, k = q[:, :, rows or slice(None)].to(dtype) * scale, k.to(dtype)  # scaled where there are least numbers
    batch, heads, block, width = q_rows.shape
    grouped = q_rows.reshape(batch, k.shape[1], -1, width)  # [B, G, H/G * rows, D]: one key head, many query heads
    return (grouped @ k.transpose(-1, -2)).reshape(batch, heads, block, k.shape[2])


def ruled(scores: Tensor, rules: Rules, rows: slice | None, queries: int) -> tuple[Tensor, Tensor]:
    """(scores, probs) of `products` [B, H, rows, K], of which there are `queries` in all."""
    rows, keys, device = rows or slice(None), scores.shape[-1], scores.device
    if rules.softcap is not None:
        scores = torch.tanh(scores / rules.softcap) * rules.softcap
    bias = added(rules, rows, queries, keys, device)
    if bias is not None:
        scores = scores + bias
    seen = visible(rules, rows, queries, keys, device)
    if seen is not None:
        scores = scores.masked_fill(~seen, -torch.inf)
    return scores, softmax(scores, rules.sinks)


def softmax(scores: Tensor, sinks: Tensor | None = None) -> Tensor:
    """Softmax over keys [B, H, Q, K]. A sink [H] takes its share and is dropped; a row of -inf becomes zeros."""
    if sinks is not None:
        column = sinks.to(scores.dtype)[None, :, None, None].expand(*scores.shape[:-1], 1)
        return torch.softmax(torch.cat([scores, column], dim=-1), dim=-1)[..., :-1]
    probs = torch.softmax(scores, dim=-1)
    if bool(torch.isneginf(scores[..., 0]).any()):  # a row that sees nothing does not see key 0
        probs = probs.masked_fill(torch.isneginf(scores).all(dim=-1, keepdim=True), 0.0)
    return probs
