"""The pass of a run made once more with edits, and what of it tells that it was the same before them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from app.attention.edits import Knockout, Mode, knock_out
from app.attention.recorder import LayerRecord
from app.models.forward import Network, Pass
from app.models.replay import Block, Tap, entering, replay


@dataclass(frozen=True, slots=True, eq=False)
class Edited:
    """`final` [N, W] of the edited pass. `difference`: how far the states that entered the blocks up to the first edit
    lie from those of the run, as a share of them; where nothing was changed yet, nothing may differ.
    """

    final: Tensor
    difference: float


def edited_pass(
    network: Network,
    inputs: Mapping[str, Tensor],
    kept: Pass,
    knockouts: tuple[Knockout, ...],
    mode: Mode,
    stopped: Callable[[], bool] = lambda: False,
) -> Edited:
    """Run the body with the knockouts. Raises PassStopped, asked before every block."""
    work = _Editing(kept, knockouts, mode, stopped)
    with torch.no_grad():
        final = replay(network, inputs, work.tap, work.around)
    return Edited(final, work.difference)


@dataclass(slots=True, eq=False)
class _Editing:
    kept: Pass
    knockouts: tuple[Knockout, ...]
    mode: Mode
    stopped: Callable[[], bool]
    difference: float = 0.0
    begun: bool = False
    blocks: dict[str, int] = field(default_factory=dict)
    tap: Tap = field(init=False)

    def __post_init__(self) -> None:
        edit = knock_out(self.knockouts, self.mode)

        def change(record: LayerRecord, z: Tensor) -> Tensor:
            changed = edit(record, z)
            self.begun = self.begun or changed is not z
            return changed

        self.tap = Tap(stopped=self.stopped, edit=change)

    def around(self, stack: str, block: Block, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """An Around: what enters a block is held against what did in the run, until something was changed."""
        place = self.blocks.get(stack, 0)
        self.blocks[stack] = place + 1
        if not self.begun:
            expected, given = self.kept.hidden[stack][place], entering(args, kwargs)
            off = float((given.reshape(expected.shape) - expected).abs().max() / expected.abs().max().clamp_min(1e-30))
            self.difference = off if off > self.difference or off != off else self.difference
        return block(*args, **kwargs)
