"""Norms and heads as the linear maps that they are at one row: how a direction of the output reads in the input.

A norm divides by the size of its row, γ ⊙ (x − mean x) / σ + β, without the mean in an RMS norm. With σ held at what
it was, it is linear. γ and β are taken from what the module does to chosen rows, not from its class: Gemma's γ is
1 + weight, and some have no β. What it then makes of the real row is held against what the module makes of it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from app.models.forward import Network

LARGE = 1e3
"""The size of rows on which the ε of a norm is nothing."""


@dataclass(frozen=True, slots=True, eq=False)
class Straight:
    """x ↦ gain ⊙ (x − mean x) + shift, without the mean unless `centred`; or matrix x + shift, where there is one.

    gain and shift [W], float64. `error` is how far that lies from what the module makes of the row, as a share of it.
    """

    gain: Tensor | None
    centred: bool
    matrix: Tensor | None
    shift: Tensor
    error: float

    def back(self, direction: Tensor) -> Tensor:
        """The u [W] with <direction, this(x)> = <u, x> + <direction, shift>."""
        if self.matrix is not None:
            return self.matrix.T @ direction
        assert self.gain is not None
        u = self.gain * direction
        return u - u.mean() if self.centred else u


def straight(module: nn.Module, row: Tensor) -> Straight | None:
    """The module as a linear map at `row` [W], the model's own number type; None where it is none that is known.

    What changes nothing (a dropout) is linear too.
    """
    given, made = row.double().cpu(), _of(module, row)
    if made.shape != given.shape or isinstance(module, nn.Linear):
        return _matrix(module, given, made)
    zero, ones = torch.zeros_like(given), torch.ones_like(given)
    if torch.equal(made, given):
        return Straight(ones, False, None, zero, 0.0)
    weight = getattr(module, "weight", None)
    if not isinstance(weight, Tensor) or weight.dim() != 1 or len(given) < 2:
        return None
    shift = _of(module, zero.to(row))
    gain = _gain(module, row, shift)
    centred = bool((_of(module, (LARGE * ones).to(row)) - shift).abs().max() <= 1e-2 * gain.abs().max())
    shape = gain * (given - given.mean() if centred else given)
    scale = (made - shift) @ shape / (shape @ shape).clamp_min(1e-300)
    error = float((shape * scale + shift - made).abs().max() / made.abs().max().clamp_min(1e-300))
    return Straight(gain * scale, centred, None, shift, error)


def _gain(module: nn.Module, row: Tensor, shift: Tensor) -> Tensor:
    """γ [W], from rows of which half the numbers are above 0 and half below: their mean is 0, their size is known."""
    turned = torch.ones(len(row), dtype=torch.float64)
    turned[1::2] = -1.0
    if len(row) % 2:
        turned[-1] = 0.0
    size = turned.pow(2).mean().sqrt()
    gain = torch.zeros_like(turned)
    for probe in (turned, turned.roll(1)):  # of an odd width, one number of each row is 0
        seen = probe != 0
        gain[seen] = ((_of(module, (LARGE * probe).to(row)) - shift) * size / probe)[seen]
    return gain


def _matrix(module: nn.Module, given: Tensor, made: Tensor) -> Straight | None:
    """A Linear of the model, such as OPT's behind its last norm."""
    if not isinstance(module, nn.Linear):
        return None
    matrix = module.weight.detach().double().cpu()
    shift = torch.zeros_like(made) if module.bias is None else module.bias.detach().double().cpu()
    error = float((matrix @ given + shift - made).abs().max() / made.abs().max().clamp_min(1e-300))
    return Straight(None, False, matrix, shift, error)


def _of(module: Any, row: Tensor) -> Tensor:
    with torch.no_grad():
        made: Tensor = module(row[None, None])
    return made.reshape(-1).double().cpu()


def read_direction(network: Network, final: Tensor, token: int) -> tuple[Tensor, float, float]:
    """(w [W], b, curvature): the logit of `token` is <w, final> + b, if the head is linear; float64.

    `curvature` is how far w differs at another row, as a share of it: not 0 where the head is not linear (BERT's
    transform, Gemma's softcap).
    """
    found = []
    for row in (final, torch.zeros_like(final)):
        with torch.enable_grad():
            leaf = row.detach().clone().requires_grad_()
            logit = network.family.unembed(network.model, leaf[None])[0, token]
            (slope,) = torch.autograd.grad(logit, leaf)
        found.append((slope.double().cpu(), float(logit.detach())))
    (w, _), (other, b) = found
    return w, b, float((w - other).abs().max() / w.abs().max().clamp_min(1e-300))
