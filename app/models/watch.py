"""Watch: what every module of a model is given and gives in one short pass, so that its parts can be made out.

No list of architectures says which module does what. The pass is over a few ids from all over the vocabulary, and
whoever reads the events tells the parts by their numbers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from app.models.forward import Network
from app.models.replay import Block, Tap, hidden_of, replay

TOKENS = 8
"""The length of the pass that is watched."""


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """A module was called: rows in [N, ...] and rows out. `layer` instead marks where a layer's z was made."""

    module: nn.Module | None
    given: Tensor
    made: Tensor
    layer: tuple[str, int] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """A block was run: what went in and came out, [N, W] each, and what happened inside, in order.

    `index` counts the blocks of the stack.
    """

    stack: str
    index: int
    given: Tensor
    made: Tensor
    events: Sequence[Event]


def watch(network: Network, see: Callable[[Seen], None]) -> tuple[Sequence[Event], Tensor]:
    """Run a few ids, and let `see` read each block. Leaves no trace in the model.

    Gives the events around the blocks, in order, and the final states [N, W] that a head is given.
    """
    eye = _Eye(see)
    hooks: list[RemovableHandle] = []
    try:
        for module in network.model.modules():
            hooks.append(module.register_forward_hook(eye.called, with_kwargs=True))
        with torch.no_grad():
            final = replay(network, few_tokens(network), Tap(see_z=eye.z), eye.around)
    finally:
        for hook in hooks:
            hook.remove()
    return eye.outside, rows(final)


@dataclass(slots=True, eq=False)
class _Eye:
    """What happens inside one block at a time, and around them."""

    see: Callable[[Seen], None]
    outside: list[Event] = field(default_factory=list)
    counts: dict[str, int] = field(default_factory=dict)
    inside: list[Event] | None = None

    def z(self, stack: str, layer: int, z: Tensor) -> Tensor:
        joined = rows(z[0].transpose(0, 1).flatten(1))
        (self.outside if self.inside is None else self.inside).append(Event(None, joined, joined, (stack, layer)))
        return z

    def called(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        made = output[0] if isinstance(output, tuple) and output else output
        given = next((t for t in (*args, *kwargs.values()) if _is_states(t)), None)
        if given is None and isinstance(module, nn.Embedding):
            given = made  # ids are no states; what was made of them is all that is asked for
        if given is not None and _is_states(made):
            events = self.outside if self.inside is None else self.inside
            events.append(Event(module, rows(given), rows(made)))

    def around(self, stack: str, block: Block, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.inside = []
        given = rows(args[0] if args else kwargs["hidden_states"])
        output = block(*args, **kwargs)
        index = self.counts.get(stack, 0)
        self.counts[stack] = index + 1
        events, self.inside = self.inside, None
        self.see(Seen(stack, index, given, rows(hidden_of(output)), events))
        return output


def few_tokens(network: Network) -> dict[str, Tensor]:
    """The inputs of a short pass: ids from all over the vocabulary."""
    size = int(network.model.get_input_embeddings().weight.shape[0])
    ids = torch.tensor([[(i + 1) * size // (TOKENS + 2) for i in range(TOKENS)]], device=network.device)
    both = {"input_ids": ids, "decoder_input_ids": ids.flip(1)}
    return both if network.layout.kind == "encoder-decoder" else {"input_ids": ids}


def close(a: Tensor, b: Tensor, limit: float) -> bool:
    """Are these the same but for a share `limit` of the largest of b?"""
    return a.shape == b.shape and float((a - b).abs().max()) <= limit * max(float(b.abs().max()), 1e-30)


def rows(states: Tensor) -> Tensor:
    """[1, N, W] -> [N, W] float32, a copy: modules may change what they were given in place."""
    return states.detach().reshape(-1, states.shape[-1]).float().clone()


def _is_states(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.dim() >= 2
