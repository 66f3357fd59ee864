"""The position whose prediction was asked about last, so that a slider does not ask for the same logits again."""

from __future__ import annotations

from typing import TYPE_CHECKING
from weakref import ref

import torch
from torch import Tensor

if TYPE_CHECKING:
    from app.models.run import Run


class Lately:
    """Holds one position's logits and their order, V x 12 bytes; used on the model's own thread only."""

    def __init__(self) -> None:
        self._of: tuple[ref[Tensor], int] | None = None
        self._found: tuple[Tensor, Tensor] | None = None

    def scores(self, run: Run, position: int) -> tuple[Tensor, Tensor]:
        """The logits [V] at a position, and all ids [V], the likeliest first."""
        if self._of is None or self._found is None or self._of[0]() is not run.kept.final or self._of[1] != position:
            scores = run.logits(torch.tensor([position], device=run.kept.final.device))[0]
            self._found = scores, scores.argsort(descending=True, stable=True).int()
            self._of = ref(run.kept.final), position
        return self._found
