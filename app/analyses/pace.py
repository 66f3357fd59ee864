"""About how long work takes on a modest machine; only for telling short work from long, never measured."""

from __future__ import annotations

from app.errors import NeedsStream
from app.models.run import Run

FLOPS = 2e10
"""Multiply-adds a second in float32."""
SCORES_PER_SECOND = 6e7
"""Logits a second that are made into a distribution and read: exponentials, sums and a sort of the largest."""


def pass_seconds(run: Run) -> float:
    """What a forward pass of this run takes: as measured, unless that was a model's slow first one."""
    tokens = sum(len(part) for part in run.tokens.values())
    return min(run.milliseconds.forward / 1e3, run.model.bytes / 4 * tokens / FLOPS)


def reading_seconds(run: Run, rows: int) -> float:
    """What it takes to unembed so many states and to read the distributions."""
    vocab = run.model.info.vocab or 0
    return rows * vocab * (run.model.shapes.width / FLOPS + 1 / SCORES_PER_SECOND)


def afford(seconds: float, budget: float | None, what: str) -> None:
    """Raises NeedsStream for work that takes longer than it may. `what` begins the sentence that says so."""
    if budget is not None and seconds > budget:
        raise NeedsStream(
            f"{what} takes about {seconds:.0f} seconds here." if seconds >= 1 else f"{what} takes a while.",
            "POST to the same address to follow its progress.",
        )
