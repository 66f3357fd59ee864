"""Blocks run again without one token's value: what comes out of a layer when v_j is zero in all its heads."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from app.attention.recorder import PassStopped
from app.models.forward import Network
from app.models.replay import Block, Tap, batch_size, hidden_of, repeated, replay


class _Done(Exception):
    """The layer has been answered: the rest of the pass is not needed."""


Take = Callable[[range, Tensor, Tensor], None]
"""Given the tokens j of a batch, the block's output [N, W], and its outputs without each v_j [B, N, W]."""


def without_values(
    network: Network,
    inputs: Mapping[str, Tensor],
    stack: str,
    layer: int,
    take: Take,
    stopped: Callable[[], bool] = lambda: False,
) -> None:
    """Run the layer's block once for every token, in batches. Raises PassStopped, asked before every batch."""
    work = _Zeroing(stack, layer, take, stopped)
    try:
        with torch.no_grad():
            replay(network, inputs, work.tap, work.around)
    except _Done:
        pass


class _Zeroing:
    """`keys` are those whose values are zero now, one in each row of the batch; None while the pass itself runs."""

    def __init__(self, stack: str, layer: int, take: Take, stopped: Callable[[], bool]) -> None:
        self.stack, self.layer, self.take, self.stopped = stack, layer, take, stopped
        self.tap = Tap(stopped=stopped, see_v=self.zero)
        self.keys: range | None = None

    def zero(self, stack: str, layer: int, v: Tensor) -> Tensor:
        if self.keys is None or (stack, layer) != (self.stack, self.layer):
            return v
        v = v.clone()  # [B, G, K, Dv]
        v[torch.arange(len(self.keys)), :, torch.arange(self.keys.start, self.keys.stop)] = 0.0
        return v

    def around(self, stack: str, block: Block, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """An Around: the block that the layer's attention turns out to lie in is run again and again."""
        before = dict(self.tap.calls)
        output = block(*args, **kwargs)
        if stack != self.stack or self.layer >= self.tap.calls.get(stack, 0):
            return output
        plain = hidden_of(output)[0]  # [N, W]
        count, width = plain.shape
        size = batch_size(count, width)
        for start in range(0, count, size):
            if self.stopped():
                raise PassStopped
            self.keys = range(start, min(count, start + size))
            self.tap.calls = dict(before)
            batch = len(self.keys)
            self.take(self.keys, plain, hidden_of(block(*repeated(args, batch), **repeated(kwargs, batch))))
        raise _Done
