"""Roles of one map, a line for each formula, from what transformers' eager attention says."""

from __future__ import annotations

import torch
from torch import Tensor


def by_hand(a: Tensor, ids: list[int], ends: list[int], causal: bool) -> dict[str, float]:
    """The scores of a map [N, N]. `ends` are the positions of separators."""
    n = len(a)
    rows, keys = torch.arange(n)[:, None], torch.arange(n)[None, :]
    seen = torch.arange(1, n + 1) if causal else torch.full((n,), n)
    wide = seen >= 2
    nats = torch.special.entr(a.double()).sum(-1)
    queries = n - torch.arange(n) if causal else torch.full((n,), n)
    scores = {
        "previous": a.diagonal(-1).mean(),
        "first": a[1:, 0].mean(),
        "sink": (a.sum(0) / queries)[queries >= 8].max(),
        "entropy": (nats[wide] / seen[wide].log()).mean(),
        "span": nats[wide].exp().mean(),
        "distance": (a * (rows - keys).abs()).sum(-1).mean(),
    }
    if not causal:
        scores["next"] = a.diagonal(1).mean()
    if ends:
        scores["separator"] = a[:, ends].sum(-1).mean()
    found = {role: float(score) for role, score in scores.items()}
    for role, shift in (("duplicate", 0), ("induction", 1)):
        sums = identity(a, ids, shift)
        if sums:
            found[role] = sum(sums) / len(sums)
    return found


def identity(a: Tensor, ids: list[int], shift: int) -> list[float]:
    """What each query gives to its earlier equals (shift 0) or to what came behind them (1), where there is any."""
    sums = []
    for i in range(len(ids)):
        keys = [j + shift for j in range(i) if ids[j] == ids[i] and j + shift < i]
        if keys:
            sums.append(float(a[i, keys].sum()))
    return sums
