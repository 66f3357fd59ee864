"""The logit lens (logit_lens.py) over layers and positions: each cell's likeliest token, its entropy and divergence.

Distributions are made for a few positions of all layers at a time and never kept: a cell leaves four numbers behind.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from app.analyses.distributions import BLOCK_CELLS, Distributions
from app.analyses.logit_lens import distribution_checks, final_check, is_approximate, lens_states, read, settled
from app.analyses.pace import afford, reading_seconds
from app.analyses.ranges import Span, span
from app.checks import Check, worst
from app.errors import OutOfRange, nobody_waits
from app.limits import MOST_LENS_CELLS
from app.models.ending import read_stack
from app.models.progress import Cancelled, Progress, Stage, never, silent
from app.models.run import Run
from app.tokens.vocabulary import readable


@dataclass(frozen=True, slots=True)
class LensGridAnswer:
    """Rows are layers 0 (the embeddings) to L (the final states), columns the positions [a, b).

    `top` holds the ids of the likeliest tokens, `texts` and `softmax` theirs. `settled`: see LensAnswer, by position.
    """

    run: str
    stack: str
    positions: Span
    approximate: bool
    layers: list[int]
    top: list[list[int]]
    texts: list[list[str]]
    softmax: Tensor
    entropy: Tensor
    kl_to_final: Tensor
    settled: list[int]
    checks: tuple[Check, ...]


def lens_grid(
    run: Run,
    positions: Span | None = None,
    budget: float | None = None,
    progress: Progress = silent,
    cancelled: Cancelled = never,
) -> LensGridAnswer:
    """The lens at `positions` [a, b), all if None. `budget` is the seconds it may take.

    Raises as `lens`, Cancelled, OutOfRange where there is more than one answer holds, NeedsStream for what would take
    longer than the budget.
    """
    states, ending = lens_states(run)
    stack = read_stack(run.model.network)
    asked = span(positions, len(run.tokens[stack]), "positions")
    count = len(states) * len(asked)
    if count > MOST_LENS_CELLS:
        raise OutOfRange(
            f"{len(states)} layers at {len(asked)} positions are more than {MOST_LENS_CELLS} cells.",
            f"Ask for at most {MOST_LENS_CELLS // len(states)} positions at once, as positions=a:b.",
        )
    afford(reading_seconds(run, count), budget, f"The lens at {len(asked)} positions")
    top = torch.empty(len(states), len(asked), dtype=torch.long)
    softmax, entropy, kl = (torch.empty(top.shape, dtype=torch.float64) for _ in range(3))
    checks: list[Check] = [final_check(run, ending)]
    step = max(1, BLOCK_CELLS // (len(states) * (run.model.info.vocab or 1)))
    for first in range(0, len(asked), step):
        if cancelled():
            raise nobody_waits()
        progress(Stage("lens", first, len(asked), f"Position {first + 1} of {len(asked)}"))
        here = slice(first, min(first + step, len(asked)))
        rows = slice(asked.start + here.start, asked.start + here.stop)
        part = torch.stack([state[rows] for state in states])  # [L+1, positions, W]
        found = Distributions(read(run, ending, part.flatten(0, 1)).reshape(*part.shape[:2], -1))
        best = found.p.max(-1)
        top[:, here], softmax[:, here] = best.indices, best.values
        entropy[:, here], kl[:, here] = found.entropies(), found.divergences(found.log_p[-1])
        checks += distribution_checks(found, kl[:, here])
    ids = sorted(set(top.flatten().tolist()))
    texts = dict(zip(ids, readable(run.model.tokenizer, ids), strict=True))
    return LensGridAnswer(
        run=run.id,
        stack=stack,
        positions=(asked.start, asked.stop),
        approximate=is_approximate(run, ending),
        layers=list(range(len(states))),
        top=top.tolist(),
        texts=[[texts[i] for i in row] for row in top.tolist()],
        softmax=softmax,
        entropy=entropy,
        kl_to_final=kl,
        settled=settled(top),
        checks=worst(checks),
    )
