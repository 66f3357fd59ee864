"""Recorder: what one forward pass keeps, layer by layer.

The pass itself runs fused attention. Beside it the recorder keeps each layer's q, k and v with the rules by
which scores become probabilities, so that any map can be computed later (maps.py), and the hidden states that
went in and came out. The same place reports progress, stops a pass that nobody waits for, and lets a pass be
edited: one mechanism, four uses.

What is kept is not copied, unless a view pins a much larger storage than itself: then the copy is the smaller.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from contextvars import ContextVar
from dataclasses import dataclass, field

import torch
from torch import Tensor

from app.attention.core import attend
from app.attention.rules import Rules

Edit = Callable[["LayerRecord", Tensor], Tensor]
"""Given a layer and its z [B, H, Q, Dv], the z that goes on to the output projection."""


class PassStopped(Exception):
    """Raised inside a forward pass whose listener said to stop."""


@dataclass(frozen=True, slots=True, eq=False)
class LayerRecord:
    """One layer's attention. q [B, H, Q, D], k [B, G, K, D], v [B, G, K, Dv] after position encoding, and its rules.

    Where a model gives no q and k, `maps` [B, H, Q, K] holds its probabilities instead.
    `own_z` [B, H, 1, Dv] is the model's own z of the middle query, to hold attend()'s against: there a mask that is
    missing shows.
    """

    stack: str
    layer: int
    q: Tensor | None
    k: Tensor | None
    v: Tensor | None
    rules: Rules
    maps: Tensor | None = None
    own_z: Tensor | None = None

    @property
    def shape(self) -> tuple[int, int, int]:
        """(heads, queries, keys)."""
        if self.maps is not None:
            return self.maps.shape[1], self.maps.shape[2], self.maps.shape[3]
        assert self.q is not None
        assert self.k is not None
        return self.q.shape[1], self.q.shape[2], self.k.shape[2]

    @property
    def z_difference(self) -> float | None:
        """How far attend()'s z of the middle query lies from the model's own; None without q, k and v."""
        if self.own_z is None or self.q is None or self.k is None or self.v is None:
            return None
        return float((attend(self.q, self.k, self.v, self.rules, middle(self.q)).z - self.own_z).abs().max())

    def tensors(self) -> tuple[Tensor, ...]:
        """Everything the record holds in memory."""
        held = (self.q, self.k, self.v, self.maps, self.own_z)
        return tuple(t for t in held if t is not None) + self.rules.tensors()


@dataclass(slots=True, eq=False)
class Recorder:
    """Listens to one pass. `layers[stack]` are in the order in which the pass ran them.

    `hidden[stack]` are the states [N, W] that went into each layer, and last the one that came out, before any
    final norm. `stack_of` names the stack of an attention module. Whenever a layer begins, `stopped` is asked and
    `progress` is told how many are done.
    """

    stack_of: Callable[[object], str] = lambda _: "self"
    progress: Callable[[int], None] = lambda _: None
    stopped: Callable[[], bool] = lambda: False
    edit: Edit | None = None
    layers: dict[str, list[LayerRecord]] = field(default_factory=dict)
    hidden: dict[str, list[Tensor]] = field(default_factory=dict)
    done: int = 0
    _out: dict[str, Tensor] = field(default_factory=dict)
    _rules: dict[Hashable, tuple[object, Rules]] = field(default_factory=dict)

    def enter(self, stack: str, hidden: Tensor) -> None:
        """A layer of the stack begins with these hidden states [1, N, W]. Stop here if nobody waits any more."""
        if self.stopped():
            raise PassStopped
        self.hidden.setdefault(stack, []).append(_rows(hidden))
        self.progress(self.done)
        self.done += 1

    def leave(self, stack: str, hidden: Tensor) -> None:
        """What came out of the stack's last layer; a layer that is run again (ALBERT) comes out again."""
        self._out[stack] = _rows(hidden)

    def values(self, stack: str, v: Tensor) -> Tensor:  # noqa: ARG002
        """The values [B, G, K, Dv] that an attention is to use: its own, unless a kind of recorder changes them."""
        return v

    def keep(self, stack: str, q: Tensor, k: Tensor, v: Tensor, rules: Rules, z: Tensor) -> Tensor:
        """Record one layer's attention; z [B, H, Q, Dv] is the model's own. Returns the z that goes on."""
        layers = self.layers.setdefault(stack, [])
        own = z[:, :, middle(q)].clone()
        q, k, v = compact(q, k, v)
        record = LayerRecord(stack, len(layers), q, k, v, rules, own_z=own)
        layers.append(record)
        return z if self.edit is None else self.edit(record, z)

    def rules_once(self, key: Hashable, source: object, make: Callable[[], Rules]) -> Rules:
        """Layers share one mask and one bias: read each once. `source` is held so that its id stays its own."""
        if key not in self._rules:
            self._rules[key] = (source, make())
        return self._rules[key][1]

    def finish(self) -> None:
        """The pass is over: complete the hidden states, and let go of the masks the rules were read from."""
        for stack, hidden in self._out.items():
            self.hidden[stack].append(hidden)
        self._out.clear()
        self._rules.clear()


current: ContextVar[Recorder | None] = ContextVar("recorder", default=None)
"""The recorder of the pass that runs in this context, if it has one."""


def middle(q: Tensor) -> slice:
    """The middle query of q [B, H, Q, D]."""
    at = q.shape[2] // 2
    return slice(at, at + 1)


def _rows(hidden: Tensor) -> Tensor:
    """[1, N, W] (or [N, 1, W], as XLNet has it) -> [N, W]."""
    return hidden.detach().reshape(-1, hidden.shape[-1])


def compact(*tensors: Tensor) -> tuple[Tensor, ...]:
    """The same tensors, copied where together they use less than the storage they pin.

    q, k and v that are views of one fused projection use all of it and stay; a v that alone remains of it
    (q and k were rotated into new storages) pins three times what it needs and is copied.
    """
    used: dict[int, int] = {}
    for t in tensors:
        key = t.untyped_storage().data_ptr()
        used[key] = used.get(key, 0) + t.numel() * t.element_size()
    return tuple(
        t.contiguous().clone() if t.untyped_storage().nbytes() > used[t.untyped_storage().data_ptr()] else t
        for t in tensors
    )


def storage_bytes(tensors: Iterable[Tensor]) -> int:
    """Bytes that the tensors keep alive, each storage once."""
    sizes = {
        t.untyped_storage().data_ptr(): t.untyped_storage().nbytes() for t in tensors if isinstance(t, torch.Tensor)
    }
    return sum(sizes.values())
