"""Ending: what a model does to the states of its last layer before its head reads them; found by watching one pass.

Pre-norm models end in a norm, OPT may project behind it, XLNet has a dropout there, BERT and BART have nothing. No list
of architectures says which: the modules that were called one after the other, from what came out of the last layer to
the final states of the body, are the ending. The states of any layer can then be read as if they were the last ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from app.models.anatomy import few_tokens
from app.models.forward import Network, forward


@dataclass(frozen=True, slots=True, eq=False)
class Ending:
    """`modules` are called one after the other; there may be none."""

    modules: tuple[nn.Module, ...]

    @property
    def has_norm(self) -> bool:
        """Does a layer that is not the last lack a norm that the ending gives it? So in pre-norm models."""
        return any(isinstance(getattr(module, "weight", None), Tensor) for module in self.modules)

    def __call__(self, hidden: Tensor) -> Tensor:
        """Final states [..., W] of the states [..., W] that came out of a layer."""
        with torch.no_grad():
            for module in self.modules:
                hidden = module(hidden)
        return hidden


def find_ending(network: Network) -> Ending | None:
    """The ending of the body whose final states the head reads; None where it is no chain of modules."""
    calls: list[tuple[nn.Module, Tensor, Tensor]] = []
    layers = [layer for stack in network.layout.layers.values() for layer in stack]
    inside = {id(module) for layer in layers for module in layer.modules()}
    hooks = [
        module.register_forward_hook(partial(_called, calls), with_kwargs=True)
        for module in network.model.modules()
        if id(module) not in inside
    ]
    try:
        done = forward(network, few_tokens(network))
    finally:
        for hook in hooks:
            hook.remove()
    state, chain = done.hidden[read_stack(network)][-1], []
    for module, given, made in calls:
        if torch.equal(state, done.final):
            break
        if given.shape == state.shape and torch.equal(given, state):
            state = made
            chain.append(module)
    return Ending(tuple(chain)) if torch.equal(state, done.final) else None


def read_stack(network: Network) -> str:
    """The stack whose last layer the head reads."""
    return "encoder" if network.layout.kind == "encoder" else "decoder"


def _called(
    calls: list[tuple[nn.Module, Tensor, Tensor]],
    module: nn.Module,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    output: Any,
) -> None:
    given = next((t for t in (*args, *kwargs.values()) if isinstance(t, Tensor) and t.is_floating_point()), None)
    if given is not None and isinstance(output, Tensor) and given.shape[-1:] and output.shape[-1:]:
        calls.append((module, _rows(given), _rows(output)))


def _rows(states: Tensor) -> Tensor:
    """[1, N, W] -> [N, W], a copy: modules may change what they were given in place."""
    return states.detach().reshape(-1, states.shape[-1]).clone()
