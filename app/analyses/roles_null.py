"""What the roles of heads are held against: how they would score if the text, or the place, did not matter.

Roles of identity: the run's own maps, scored with the identities of the tokens permuted (special tokens keep
theirs). No further pass is made. A head that attends by position keeps its score; one that looks for equal tokens
loses it. Shuffling the text instead would be wrong: a head that inducts does so on shuffled repeats too.

Roles of position: uniform attention over the visible keys gives the mean. For its spread, each row's own weights
are thought scattered at random over the keys that the row may see; the variance of such a sum is known in closed
form (Hoeffding 1951): Σ(A − Ā)² Σ(w − w̄)² / (n − 1).

Entropy, span and sink have the uniform mean and no spread.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from app.analyses.roles_cells import equal_before

PERMUTATIONS = 50
SEED = 0
SMALLEST_SD = 1e-6
"""A standard deviation below this is rounding: it counts as 0, and there is no effect size."""


def namings(ids: Tensor, fixed: Tensor, permutations: int, seed: int = SEED) -> Tensor:
    """The identities of the tokens [N], and below them permuted ones: [1 + permutations, N]. Fixed tokens keep theirs.

    >>> namings(torch.tensor([7, 8, 9]), torch.tensor([True, False, False]), 2)[:, 0].tolist()
    [7, 7, 7]
    """
    generator = torch.Generator().manual_seed(seed)
    named = ids.repeat(1 + permutations, 1)
    movable = (~fixed).nonzero()[:, 0]
    for row in named[1:]:
        row[movable] = ids[movable[torch.randperm(len(movable), generator=generator)]]
    return named


@dataclass(frozen=True, slots=True, eq=False)
class Targets:
    """The cells of the roles of identity in a block of rows, for each naming: 2 P lists of cells, end to end.

    `cells` [all] number the cells of the block, `starts` [2 P] say where each list begins; duplicate first, then
    induction. `rows` [2, P] counts the queries that have such a cell.
    """

    cells: Tensor
    starts: Tensor
    rows: Tensor

    def sums(self, probs: Tensor) -> Tensor:
        """What each list holds of the block's probabilities [H, rows, K]: [H, 2, P]."""
        by_cell = probs.flatten(1).T.contiguous()  # one row a cell, so that all heads are read at once
        found = torch.nn.functional.embedding_bag(self.cells, by_cell, self.starts, mode="sum")
        return found.T.reshape(len(probs), 2, -1)


def targets(named: Tensor, rows: range) -> Targets:
    """The cells in `rows`, for each naming [P, N]."""
    masks = equal_before(named, rows)
    with_target = masks.any(-1).sum(-1)
    lists = masks.flatten(2).flatten(0, 1)
    lengths = lists.sum(-1)
    return Targets(lists.nonzero()[:, 1], lengths.cumsum(0) - lengths, with_target)


def scatter_variance(weight: Tensor, seen: Tensor) -> Tensor:
    """The variance of a row's sum Σ_j w_j A_j over scatterings of A, for each unit of Σ(A − Ā)²: [rows].

    weight and seen [rows, K]; a row that sees one key can be scattered in one way only.
    """
    n = seen.sum(-1)
    shown = weight * seen
    spread = shown.square().sum(-1) - shown.sum(-1).square() / n.clamp_min(1)
    return torch.where(n > 1, spread / (n - 1).clamp_min(1), 0.0)


def effect(score: Tensor, mean: Tensor, sd: Tensor) -> Tensor:
    """How many standard deviations a score lies from the mean of its null; NaN where there is no spread."""
    return torch.where(sd >= SMALLEST_SD, (score - mean) / sd, torch.nan)
