"""Every head knocked out in turn: the blocks from its layer up, run for a batch of heads at once.

What lies below a layer is the same whichever of its heads is missing. So the pass is made once and what each block
gave is kept; then, for each layer, the body runs again, where the blocks below only hand over what they gave, and the
layer's own block and those above it run for all of its heads together, one in each row of the batch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor
from torch.utils._pytree import tree_map_only

from app.attention.edits import Mode, ablated
from app.models.forward import Network
from app.models.replay import Block, Tap, batch_size, repeated, replay


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """Some heads of a layer, and the final states [heads, N, W] of the passes without each."""

    layer: int
    heads: range
    final: Tensor


def without_heads(
    network: Network,
    inputs: Mapping[str, Tensor],
    stack: str,
    layers: int,
    heads: int,
    mode: Mode,
    stopped: Callable[[], bool] = lambda: False,
) -> tuple[Tensor, Iterator[Batch]]:
    """The final states [N, W] of the pass as it is; then its layers, from the first up, in batches of heads.

    Raises PassStopped, asked before every block of every batch.
    """
    first = _First(stopped)
    with torch.no_grad():
        final = replay(network, inputs, first.tap, first.around)
    size = batch_size(max(ids.shape[-1] for ids in inputs.values()), final.shape[-1])

    def batches() -> Iterator[Batch]:
        for layer in range(layers):
            place = first.place_of(stack, layer)
            for start in range(0, heads, size):
                some = range(start, min(heads, start + size))
                work = _Again(stack, layer, some, mode, first.calls, place, stopped)
                with torch.no_grad():
                    states = replay(network, inputs, work.tap, work.around)
                yield Batch(layer, some, states.reshape(len(some), -1, states.shape[-1]))

    return final, batches()


@dataclass(frozen=True, slots=True, eq=False)
class _Call:
    """A block was called: what it gave, and how many attentions of each stack were done then."""

    given: Any
    after: Mapping[str, int]


class _First:
    """The pass as it is, remembered block by block."""

    def __init__(self, stopped: Callable[[], bool]) -> None:
        self.tap = Tap(stopped=stopped)
        self.calls: list[_Call] = []

    def around(self, _: str, block: Block, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        given = block(*args, **kwargs)
        self.calls.append(_Call(_copied(given), dict(self.tap.calls)))
        return given

    def place_of(self, stack: str, layer: int) -> int:
        """The call of the block that the layer's attention lies in."""
        return next(i for i, call in enumerate(self.calls) if layer < call.after.get(stack, 0))


@dataclass(slots=True, eq=False)
class _Again:
    """The body once more: handed over below `place`, in a batch from there on."""

    stack: str
    layer: int
    heads: range
    mode: Mode
    calls: list[_Call]
    place: int
    stopped: Callable[[], bool]
    at: int = 0
    tap: Tap = field(init=False)

    def __post_init__(self) -> None:
        self.tap = Tap(stopped=self.stopped, see_z=self.without)

    def around(self, _: str, block: Block, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        self.at += 1
        if self.at <= self.place:
            call = self.calls[self.at - 1]
            self.tap.calls = dict(call.after)
            return _copied(call.given)  # blocks may change what they are given in place
        batch = len(self.heads)
        return block(*repeated(args, batch), **repeated(kwargs, batch))

    def without(self, stack: str, layer: int, z: Tensor) -> Tensor:
        """z [B, H, Q, Dv] where each row of the batch is without its own head."""
        if (stack, layer) != (self.stack, self.layer):
            return z
        z = z.clone()
        rows = torch.arange(len(self.heads))
        heads = torch.arange(self.heads.start, self.heads.stop)
        z[rows, heads] = ablated(z[rows, heads], self.mode)
        return z


def _copied(given: Any) -> Any:
    """States copied, so that no later block changes them; masks and biases, which have more axes, as they are."""
    return tree_map_only(Tensor, lambda t: t.clone() if t.dim() <= 3 else t, given)
