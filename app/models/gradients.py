"""Gradients of a prediction: dL/dz of each head, L the log-probability that the model gave its likeliest token.

Kept whole, the graph of a pass over 2,048 tokens would not fit. Each block is a checkpoint instead: the pass keeps
what went into it, and on the way back the block is run again to have its insides, one block at a time. Parameters
take no gradients, and blocks below the layers that are asked about take part in nothing.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from app.attention.recorder import PassStopped
from app.models.forward import Network, heard_by
from app.models.memory import trim_memory
from app.models.replay import Block, Tap, home, plainly, replay

Inputs = dict[str, Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class ZGradients:
    """Of the token `token`, predicted at `position` with this log-probability (nats).

    of[layer]    dL/dz [H, Q, Dv], float32
    dots[layer]  <dL/dz, z> [H, Q], which is what the attention times its gradient of a row sums to
    difference   how far the replayed final states lie from the `final` they were compared with, as a share of it
    """

    position: int
    token: int
    log_probability: float
    of: dict[int, Tensor]
    dots: dict[int, Tensor]
    difference: float


def z_gradients(
    network: Network,
    inputs: Inputs,
    stack: str,
    layers: Collection[int],
    position: int,
    final: Tensor,
    step: Callable[[int], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
) -> ZGradients:
    """The gradients for `layers` of the stack. `step` is told how many blocks are done. Raises PassStopped.

    `final` [N, W] is what the run kept: the replay must come to the same.
    """
    way = _Way(network, stack, frozenset(layers), step, stopped, trims=final.nbytes > TRIM_FROM)
    with torch.enable_grad():
        states = replay(network, inputs, way.tap, way.forward)
        scores = log_probabilities(network, states[position])
        token = int(scores.argmax())
        scores[token].backward()  # type: ignore[no-untyped-call]
    difference = float((states.detach() - final).abs().max() / final.abs().max())
    return ZGradients(position, token, float(scores[token].detach()), way.gradients, way.dots, difference)


def log_probabilities(network: Network, final: Tensor) -> Tensor:
    """Of every token [V], from the final hidden state [W] of a position. Gradients flow if they are switched on."""
    return network.family.unembed(network.model, final).double().log_softmax(-1)


def log_odds(scores: Tensor, token: int) -> float:
    """ln p / (1 - p) of a token, from log-probabilities [V], without the loss of digits of 1 - p."""
    rest = scores.clone()
    rest[token] = -torch.inf
    return float(scores[token] - rest.logsumexp(-1))


def directional_derivative(
    network: Network, inputs: Inputs, stack: str, layer: int, found: ZGradients
) -> tuple[float, float, float]:
    """(rise by the gradient, rise in truth, what rounding may hide): z of one layer moved along dL/dz.

    The truth takes two passes, z moved forth and back: a test of the gradient that knows nothing of how it was made.
    It is the log-odds that rise, by dL / (1 - p). L itself cannot be tried where the prediction is nearly certain: it
    ends at 0, so a step long enough to be seen is too long for L to be straight.
    """
    gradient = found.of[layer]
    length = float(gradient.norm())
    doubt = -math.expm1(found.log_probability)  # 1 - p
    if length == 0.0 or doubt == 0.0:
        return 0.0, 0.0, 1.0
    slope = length / doubt
    ends = []
    size = 0.0
    for sign in (1.0, -1.0):

        def moved(at: str, index: int, z: Tensor, sign: float = sign) -> Tensor:
            nonlocal size
            if (at, index) != (stack, layer):
                return z
            size = min(RISE / slope, FURTHEST * float(z.norm()))
            return z + (sign * size / length) * gradient.to(z.dtype)

        with torch.no_grad():
            states = replay(network, inputs, Tap(see_z=moved), plainly)
            ends.append(log_odds(log_probabilities(network, states[found.position]), found.token))
    rounding = 64 * torch.finfo(network.model.dtype).eps * max(1.0, *map(abs, ends))
    return 2 * size * slope, ends[0] - ends[1], rounding


TRIM_FROM = 1024 * 1024
"""Bytes of final states from which on freed memory goes back to the system block by block."""
RISE = 0.02
"""The rise of the log-odds that a step along the gradient is made for."""
FURTHEST = 0.01
"""How far z is moved at most, as a share of its length: beyond, nothing is straight any more."""


@dataclass(slots=True, eq=False)
class _Way:
    """The way there and back: checkpoints on the way there, gradients taken on the way back."""

    network: Network
    stack: str
    layers: frozenset[int]
    step: Callable[[int], None]
    stopped: Callable[[], bool]
    trims: bool
    gradients: dict[int, Tensor] = field(default_factory=dict)
    dots: dict[int, Tensor] = field(default_factory=dict)
    blocks: int = 0
    done: int = 0
    tap: Tap = field(init=False)

    def __post_init__(self) -> None:
        self.tap = Tap(see_z=self.see_z)

    def forward(self, stack: str, block: Block, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """An Around: from the first block that matters on, each is a checkpoint."""
        self.tick()
        if stack == home(self.stack):
            if self.blocks == self.first:
                args, kwargs = _with_gradient(args, kwargs)
            self.blocks += 1
        return sparing(self.network, block, args, kwargs, lambda _, __, z: z.view_as(z))

    @property
    def first(self) -> int:
        """The block from which on gradients are needed; the first of all where blocks are not layers."""
        blocks = len(self.network.layout.layers[home(self.stack)])
        return min(self.layers) if blocks > max(self.layers) else 0

    def see_z(self, stack: str, layer: int, z: Tensor) -> Tensor:
        z = z.view_as(z)
        if stack == self.stack and layer in self.layers:
            z.register_hook(partial(self.take, layer, z.detach()))  # type: ignore[no-untyped-call]
        return z

    def take(self, layer: int, z: Tensor, gradient: Tensor) -> None:
        """On the way back: dL/dz [1, H, Q, Dv] of a layer."""
        self.tick()
        self.gradients[layer] = gradient[0].float()
        self.dots[layer] = (gradient[0].float() * z[0].float()).sum(-1)

    def tick(self) -> None:
        if self.stopped():
            raise PassStopped
        if self.trims:
            trim_memory()
        self.step(self.done)
        self.done += 1


def sparing(
    network: Network,
    block: Block,
    args: tuple[Any, ...],
    kwargs: dict[str, Any],
    see_z: Callable[[str, int, Tensor], Tensor] = lambda _, __, z: z,
) -> Any:
    """The block as a checkpoint, or without a graph where nothing that it is given asks for a gradient.

    On the way back it is run again with the same operations, `see_z` among them, and nobody listens.
    """
    if not any(t.requires_grad for t in _tensors((args, kwargs))):
        with torch.no_grad():
            return block(*args, **kwargs)

    def contexts() -> tuple[AbstractContextManager[None], AbstractContextManager[None]]:
        again = Tap(see_z=see_z)
        again.stack_of = network.layout.stack_of
        return nullcontext(), heard_by(again)

    run = partial(checkpoint, use_reentrant=False, preserve_rng_state=False, context_fn=contexts)
    return run(block, *args, **kwargs)


def _with_gradient(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[tuple[Any, ...], dict[str, Any]]:
    """The same arguments, with hidden states that ask for their gradient."""
    if args:
        return (_leaf(args[0]), *args[1:]), kwargs
    return args, {**kwargs, "hidden_states": _leaf(kwargs["hidden_states"])}


def _leaf(hidden: Tensor) -> Tensor:
    """A copy, since a block may change what it is given in place, which a leaf does not allow."""
    return hidden if hidden.requires_grad else hidden.detach().requires_grad_().clone()


def _tensors(value: Any) -> Iterable[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, dict):
        for part in value.values():
            yield from _tensors(part)
    elif isinstance(value, tuple | list):
        for part in value:
            yield from _tensors(part)
