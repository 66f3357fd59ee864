"""Distributions over the vocabulary, many at a time: probabilities, entropy, divergence. All in nats."""

from __future__ import annotations

import torch
from torch import Tensor

BLOCK_CELLS = 4 * 1024 * 1024
"""Logits held at once: 16 MB in float32, four times that as a distribution."""
NOWHERE = -1e300
"""Stands for the logarithm of 0, times which it is 0 and not a NaN."""


class Distributions:
    """Of logits [..., V]: `p` and its logarithm `log_p`, float64."""

    def __init__(self, logits: Tensor) -> None:
        self.log_p = logits.double().log_softmax(-1)
        self.p = self.log_p.exp()
        self.log_p.clamp_(min=NOWHERE)

    def entropies(self) -> Tensor:
        """[..., V] -> [...].

        >>> Distributions(torch.tensor([0.0, 0.0, -torch.inf])).entropies().item()  # ln 2
        0.6931471805599453
        """
        return -_dot(self.p, self.log_p)

    def divergences(self, log_q: Tensor) -> Tensor:
        """KL(p ‖ q) of q's logarithms [..., V] -> [...].

        >>> one, two = Distributions(torch.zeros(2)), Distributions(torch.tensor([0.25, 0.75]).log())
        >>> round(one.divergences(two.log_p).item(), 6)
        0.143841
        """
        return _dot(self.p, self.log_p - log_q)

    def sum_error(self) -> float:
        """How far any of them is from summing to 1."""
        return float((self.p.sum(-1) - 1.0).abs().max())


def _dot(a: Tensor, b: Tensor) -> Tensor:
    product: Tensor = torch.linalg.vecdot(a, b)
    return product


def ranks(logits: Tensor, ids: Tensor) -> Tensor:
    """How many of the logits [R, V] lie above that of the row's id [R]: [R].

    >>> ranks(torch.tensor([[3.0, 1.0, 2.0]]), torch.tensor([2])).tolist()
    [1]
    """
    return (logits > logits.gather(-1, ids[:, None])).sum(-1)
