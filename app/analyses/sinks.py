"""What a sink is: the token on which a head parks the attention that it has no use for (Xiao et al. 2023).

A head's sink is the key with the largest mean attention over the queries that may see it, if that is above 0.3
(Gu et al. 2024). A mean over a few queries says little: keys that fewer than 8 queries may see are not asked, so that
a text of fewer than 8 tokens has no sinks.
"""

from __future__ import annotations

import torch
from torch import Tensor

SINK_THRESHOLD = 0.3
SINK_ROWS = 8
"""A key is a candidate for a sink when at least this many queries may look at it."""


def most_attended(columns: Tensor, queries: int, causal: bool) -> tuple[Tensor, Tensor]:
    """The largest mean over the keys that enough queries may see, and its key.

    `columns` [..., K] are the sums over all queries: [...] float64 and [...] int64. NaN and -1 where there is no such
    key. A causal query sees the keys up to itself, any other sees all.

    >>> [x.item() for x in most_attended(torch.tensor([8.0, 1.0, 1.0]), 10, causal=True)]
    [0.8, 0]
    """
    keys = columns.shape[-1]
    rows = queries - torch.arange(keys) if causal else torch.full((keys,), queries)
    means = columns.double()[..., rows >= SINK_ROWS] / rows[rows >= SINK_ROWS]  # these come first
    if means.shape[-1] == 0:
        nothing = torch.full(means.shape[:-1], -1)
        return torch.full(nothing.shape, torch.nan, dtype=torch.float64), nothing
    largest = means.max(-1)
    return largest.values, largest.indices
