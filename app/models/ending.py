"""Ending: what a model does to the states of its last layer before its head reads them; found by watching one pass.

Pre-norm models end in a norm, OPT may project behind it, XLNet has a dropout there, BERT and BART have nothing. No list
of architectures says which: the modules that were called one after the other, from what came out of the last layer to
the final states of the body, are the ending. The states of any layer can then be read as if they were the last ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from app.models.forward import Network
from app.models.watch import Seen, watch


@dataclass(frozen=True, slots=True, eq=False)
class Ending:
    """`modules` are called one after the other; there may be none."""

    modules: tuple[nn.Module, ...]

    @property
    def has_norm(self) -> bool:
        """Does a layer that is not the last lack a norm that the ending gives it? So in pre-norm models."""
        return any(_is_norm(module) for module in self.modules)

    def __call__(self, hidden: Tensor) -> Tensor:
        """Final states [..., W] of the states [..., W] that came out of a layer."""
        with torch.no_grad():
            for module in self.modules:
                hidden = module(hidden)
        return hidden


def _is_norm(module: nn.Module) -> bool:
    """A norm has one weight for each number, or none at all; what projects has a matrix."""
    weight = getattr(module, "weight", None)
    return isinstance(module, nn.LayerNorm) or (isinstance(weight, Tensor) and weight.dim() == 1)


def find_ending(network: Network) -> Ending | None:
    """The ending of the body whose final states the head reads; None where it is no chain of modules."""
    last: dict[str, Tensor] = {}

    def see(block: Seen) -> None:
        last[block.stack] = block.made

    outside, final = watch(network, see)
    state, chain = last[read_stack(network)], []
    for event in outside:
        if torch.equal(state, final):
            break
        if event.module is not None and event.given.shape == state.shape and torch.equal(event.given, state):
            state = event.made
            chain.append(event.module)
    return Ending(tuple(chain)) if torch.equal(state, final) else None


def read_stack(network: Network) -> str:
    """The stack whose last layer the head reads."""
    return "encoder" if network.layout.kind == "encoder" else "decoder"
