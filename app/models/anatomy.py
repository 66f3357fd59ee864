"""Anatomy: how each layer's attention is joined to the rest of its model, found by watching one short pass.

No list of architectures says it: the output projection is the linear map that is given the heads' z, and the block
is pre-norm or post-norm by what its numbers do. With x what comes into the block, p the projected z, s = x + p:

    pre-norm    s itself is what the next part is added to          (GPT-2, Llama, T5)
    post-norm   norm(s) is what the next part is added to           (BERT, BART)

Everything is verified on the numbers of the pass, and what does not fit says why: Gemma 2 norms p before it is added,
GPT-NeoX adds attention and feed-forward to the same x at once. No analysis then pretends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from app.models.forward import Network, z_limit
from app.models.replay import Block, Tap, hidden_of, replay

TOKENS = 8
"""The length of the pass that is watched."""
NO_PROJECTION = "the heads' outputs do not go straight into one plain linear projection"
NO_SUM = "attention is not simply added to what came into the block"


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """The map from the heads' z, joined, to the model's width: z W + b. `weight` [H * Dv, W] is the model's own."""

    weight: Tensor
    bias: Tensor | None

    def __call__(self, z: Tensor) -> Tensor:
        """[H, rows, Dv] -> [rows, W], float32."""
        joined = z.float().transpose(0, 1).flatten(1) @ self.weight.float()
        return joined if self.bias is None else joined + self.bias.float()

    def of_heads(self, heads: slice, count: int) -> Tensor:
        """Each head's own part of the weight, of `count` heads in all: [heads, Dv, W], float32."""
        return self.weight.reshape(count, -1, self.weight.shape[1])[heads].float()


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """Where one layer's attention sits.

    output  the output projection, or None (`NO_PROJECTION`)
    block   the index of its block among its stack's: hidden state `block` is what went in
    added   whether its output is added to the residual stream as s = x + p; cross attention is not asked
    norm    the LayerNorm that s goes through before anything else is added (post-norm), None for pre-norm
    why     what does not hold where `added` is False
    """

    output: Projection | None
    block: int
    added: bool = False
    norm: nn.LayerNorm | None = None
    why: str = ""


Anatomy = Mapping[str, tuple[Site, ...]]
"""The sites of each stack, by layer."""


@dataclass(frozen=True, slots=True, eq=False)
class _Event:
    """A module was called: rows in [N, ...] and rows out. `layer` instead marks where a layer's z was made."""

    module: nn.Module | None
    given: Tensor
    made: Tensor
    layer: tuple[str, int] | None = None


@dataclass(slots=True, eq=False)
class _Watch:
    """What happens inside one block at a time."""

    close: Callable[[Tensor, Tensor], bool]
    sites: dict[str, list[Site]] = field(default_factory=dict)
    blocks: dict[str, int] = field(default_factory=dict)
    events: list[_Event] = field(default_factory=list)

    def z(self, stack: str, layer: int, z: Tensor) -> Tensor:
        joined = _rows(z[0].transpose(0, 1).flatten(1))
        self.events.append(_Event(None, joined, joined, (stack, layer)))
        return z

    def called(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        given = next((t for t in (*args, *kwargs.values()) if _is_states(t)), None)
        made = output[0] if isinstance(output, tuple) and output else output
        if given is not None and _is_states(made):
            self.events.append(_Event(module, _rows(given), _rows(made)))

    def around(self, stack: str, block: Block, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.events = []
        given = _rows(args[0] if args else kwargs["hidden_states"])
        output = block(*args, **kwargs)
        index = self.blocks.get(stack, 0)
        self.blocks[stack] = index + 1
        marks = [(i, event.layer[0]) for i, event in enumerate(self.events) if event.layer is not None]
        alone = sum(owner == stack for _, owner in marks) == 1
        for i, owner in marks:
            x = given if owner == stack and alone else None
            site = _site(self.events[i], self.events[i + 1 :], x, _rows(hidden_of(output)), index, self.close)
            self.sites.setdefault(owner, []).append(site)
        return output


def find_anatomy(network: Network) -> Anatomy:
    """Watch a pass over a few ids from all over the vocabulary. Empty for a model that gives no q, k and v."""
    if network.capture == "weights":
        return {}
    watch = _Watch(partial(_close, limit=z_limit(network.model.dtype)))
    layers = [layer for stack in network.layout.layers.values() for layer in stack]
    inside = {id(module): module for layer in layers for module in layer.modules() if module is not layer}
    hooks: list[RemovableHandle] = []
    try:
        for module in inside.values():
            hooks.append(module.register_forward_hook(watch.called, with_kwargs=True))
        with torch.no_grad():
            replay(network, few_tokens(network), Tap(see_z=watch.z), watch.around)
    finally:
        for hook in hooks:
            hook.remove()
    return {stack: tuple(sites) for stack, sites in watch.sites.items()}


def few_tokens(network: Network) -> dict[str, Tensor]:
    """Inputs of the pass that is watched: ids from all over the vocabulary."""
    size = int(network.model.get_input_embeddings().weight.shape[0])
    ids = torch.tensor([[(i + 1) * size // (TOKENS + 2) for i in range(TOKENS)]], device=network.device)
    both = {"input_ids": ids, "decoder_input_ids": ids.flip(1)}
    return both if network.layout.kind == "encoder-decoder" else {"input_ids": ids}


def _site(
    z: _Event, after: list[_Event], x: Tensor | None, out: Tensor, block: int, close: Callable[[Tensor, Tensor], bool]
) -> Site:
    """Read one layer's place from what was called after its z was made; x [N, W] went into the block, out came."""
    for i, event in enumerate(after):
        if event.given.shape != z.given.shape or not close(event.given, z.given):
            continue
        output = _projection(event, close)
        if output is None:
            break
        if x is None:
            return Site(output, block, why=NO_SUM)
        added, norm = _join(after[i + 1 :], x + event.made, out, close)
        return Site(output, block, added, norm, "" if added else NO_SUM)
    return Site(None, block, why=NO_PROJECTION)


def _projection(event: _Event, close: Callable[[Tensor, Tensor], bool]) -> Projection | None:
    """The module as z W + b, if it is that: Linear keeps its weight [out, in], GPT-2's Conv1D [in, out]."""
    weight, bias = getattr(event.module, "weight", None), getattr(event.module, "bias", None)
    if not isinstance(weight, Tensor) or weight.dim() != 2 or not weight.is_floating_point():
        return None
    for turned in (weight.T, weight):
        found = Projection(turned, bias)
        if turned.shape[0] == event.given.shape[1] and close(found(event.given[None]), event.made):
            return found
    return None


def _join(
    after: list[_Event], s: Tensor, out: Tensor, close: Callable[[Tensor, Tensor], bool]
) -> tuple[bool, nn.LayerNorm | None]:
    """(is s the stream, or its norm?; the norm): by what the next part of the block is added to."""
    for i, event in enumerate(after):
        weight = getattr(event.module, "weight", None)
        if not isinstance(weight, Tensor) or weight.dim() != 1 or not close(event.given, s):
            continue
        made = [later.made for later in after[i + 1 :] if later.module is not None]
        arrived = [out, *(later.given for later in after[i + 1 :] if later.module is not None)]
        if _is_added_to(s, made, arrived, close):
            return True, None
        if isinstance(event.module, nn.LayerNorm) and _is_added_to(event.made, made, arrived, close):
            return True, event.module
        return False, None
    return False, None


def _is_added_to(
    stream: Tensor, made: list[Tensor], arrived: list[Tensor], close: Callable[[Tensor, Tensor], bool]
) -> bool:
    """Is anything that arrives later the stream with something added that was made meanwhile?"""
    return any(
        close(a - stream, m) for a in arrived if a.shape == stream.shape for m in made if m.shape == stream.shape
    )


def _close(a: Tensor, b: Tensor, limit: float) -> bool:
    return a.shape == b.shape and float((a - b).abs().max()) <= limit * max(float(b.abs().max()), 1e-30)


def _is_states(value: Any) -> bool:
    return isinstance(value, Tensor) and value.is_floating_point() and value.dim() >= 2


def _rows(states: Tensor) -> Tensor:
    """[1, N, W] -> [N, W] float32, a copy: modules may change what they were given in place."""
    return states.detach().reshape(-1, states.shape[-1]).float().clone()
