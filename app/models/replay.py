"""Replay: the pass of a run made once more, with each attention and each block of layers in the caller's hands.

A stored run says what a pass came to, not how to make a part of it again: a block wants its mask, its rotary
embeddings and whatever else its architecture passes along. So the body runs again, and where a block would be called
the caller is asked instead, with the block and its arguments: it may run the block several times on changed values
(value zeroing), checkpoint it (gradients), or watch what happens inside (anatomy).
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from torch import Tensor, nn
from torch.utils._pytree import tree_map_only

from app.attention.recorder import LayerRecord, PassStopped, Recorder, current
from app.attention.rules import Rules
from app.models.forward import Network, heard_by, run_body
from app.models.layout import Layout

MASKS_HELD = 4
"""Readings of a mask that are remembered: models alternate between few."""
BATCH_CELLS = 4 * 1024 * 1024
"""Numbers of the widest states of a batch of variants: 16 MB in float32."""
WIDENING = 4
"""How much wider a feed-forward part is than its model, about."""

Block = Callable[..., Any]
Around = Callable[[str, Block, tuple[Any, ...], dict[str, Any]], Any]
"""Given a block's stack, the block, and its arguments: what the block is to give."""


@dataclass(slots=True, eq=False)
class Tap(Recorder):
    """A recorder that keeps nothing. `calls[stack]` counts its attentions so far: the layer of the next one.

    `edit` changes z as in any recorder. After that `see_z` is given the stack, the layer and z [B, H, Q, Dv] and
    returns the z that goes on; `see_v` likewise with v [B, G, K, Dv], before the attention is computed.
    """

    see_z: Callable[[str, int, Tensor], Tensor] = lambda _, __, z: z
    see_v: Callable[[str, int, Tensor], Tensor] = lambda _, __, v: v
    calls: dict[str, int] = field(default_factory=dict)

    def enter(self, stack: str, hidden: Tensor) -> None:  # noqa: ARG002
        if self.stopped():
            raise PassStopped

    def leave(self, stack: str, hidden: Tensor) -> None:
        pass

    def values(self, stack: str, v: Tensor) -> Tensor:
        return self.see_v(stack, self.calls.get(stack, 0), v)

    def keep(self, stack: str, q: Tensor, k: Tensor, v: Tensor, rules: Rules, z: Tensor) -> Tensor:
        layer = self.calls.get(stack, 0)
        self.calls[stack] = layer + 1
        if self.edit is not None:
            z = self.edit(LayerRecord(stack, layer, q, k, v, rules), z)
        return self.see_z(stack, layer, z)

    def rules_once(self, key: Hashable, source: object, make: Callable[[], Rules]) -> Rules:
        if key not in self._rules:
            while len(self._rules) >= MASKS_HELD:
                del self._rules[next(iter(self._rules))]
            self._rules[key] = (source, make())
        return self._rules[key][1]


def replay(network: Network, inputs: Mapping[str, Tensor], tap: Tap, around: Around) -> Tensor:
    """The final hidden states [N, W] of the body over `inputs`. Gradients flow if they are switched on."""
    tap.stack_of = network.layout.stack_of
    with _around_blocks(network.layout, tap, around), heard_by(tap):
        return run_body(network, inputs)[0]


def plainly(_: str, block: Block, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """An Around that lets every block run as it is."""
    return block(*args, **kwargs)


def home(stack: str) -> str:
    """The stack whose blocks a stack's attention lies in: cross attention is a part of the decoder's."""
    return "decoder" if stack == "cross" else stack


def hidden_of(output: Any) -> Tensor:
    """The hidden states among what a block gives."""
    hidden: Tensor = output if isinstance(output, Tensor) else output[0]
    return hidden


def entering(args: tuple[Any, ...], kwargs: Mapping[str, Any]) -> Tensor:
    """The hidden states among what a block is given."""
    hidden: Tensor = args[0] if args else kwargs["hidden_states"]
    return hidden


def batch_size(tokens: int, width: int) -> int:
    """How many variants of the states [tokens, width] run through a block at once."""
    return max(1, BATCH_CELLS // (tokens * width * WIDENING))


def repeated(arguments: Any, count: int) -> Any:
    """The same arguments for a batch of `count`: states, positions and embeddings [1, N, ..] repeated, not copied.

    What has more axes is a mask or a bias [1, H, Q, K], which fits every batch as it is.
    """
    return tree_map_only(
        Tensor, lambda t: t.expand(count, *t.shape[1:]) if t.dim() in (2, 3) and t.shape[0] == 1 else t, arguments
    )


@contextmanager
def _around_blocks(layout: Layout, tap: Tap, around: Around) -> Iterator[None]:
    """Let `around` be called instead of the blocks, in passes that the tap listens to and in no others."""
    before: list[tuple[nn.Module, Any]] = []
    try:
        for stack, layers in layout.layers.items():
            for layer in dict.fromkeys(layers):
                before.append((layer, layer.__dict__.get("forward")))
                layer.forward = partial(_call, tap, around, stack, layer.forward)
        yield
    finally:
        for layer, forward in before:
            if forward is None:
                del layer.forward
            else:
                layer.forward = forward


def _call(tap: Tap, around: Around, stack: str, block: Block, *args: Any, **kwargs: Any) -> Any:
    return around(stack, block, args, kwargs) if current.get() is tap else block(*args, **kwargs)
