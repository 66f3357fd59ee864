"""Distributions over the vocabulary, many at a time: log-probabilities, entropy, divergence. All in nats."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK_CELLS = 4 * 1024 * 1024
"""Logits held at once: 16 MB in float32, twice that as log-probabilities in float64."""


def log_probabilities(logits: Tensor) -> Tensor:
    """[..., V] -> [..., V] float64."""
    return logits.double().log_softmax(-1)


def entropies(log_p: Tensor) -> Tensor:
    """[..., V] -> [...]. What has no probability adds nothing.

    >>> entropies(torch.tensor([0.5, 0.5, 0.0]).log()).item()  # ln 2
    0.6931471824645996
    """
    return -_times(log_p.exp(), log_p).sum(-1)


def divergences(log_p: Tensor, log_q: Tensor) -> Tensor:
    """KL(p ‖ q): [..., V] -> [...].

    >>> round(divergences(torch.tensor([0.5, 0.5]).log(), torch.tensor([0.25, 0.75]).log()).item(), 6)
    0.143841
    """
    return _times(log_p.exp(), log_p - log_q).sum(-1)


def ranks(logits: Tensor, ids: Tensor) -> Tensor:
    """How many of the logits [R, V] lie above that of the row's id [R]: [R].

    >>> ranks(torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([2])).tolist()
    [1]
    """
    return (logits > logits.gather(-1, ids[:, None])).sum(-1)


def _times(p: Tensor, log: Tensor) -> Tensor:
    """p · log, 0 where p is 0. A log that is not a number stays one."""
    return torch.where(p == 0, torch.zeros_like(p), p * log)
