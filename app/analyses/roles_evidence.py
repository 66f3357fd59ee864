"""The evidence for a role of one head: the cells of its map that made its score, the strongest first."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from app.analyses.head_roles import SUM_LIMIT
from app.analyses.ranges import index
from app.analyses.roles_cells import (
    IDENTITY,
    POSITION,
    ROLES,
    Role,
    Scene,
    equal_before,
    scene_of,
    seen_keys,
    weights,
)
from app.analyses.sinks import SINK_ROWS, most_attended
from app.attention.maps import BLOCK_CELLS, blocks, worse
from app.attention.recorder import LayerRecord
from app.checks import Check, at_most
from app.errors import NotApplicable, OutOfRange, TextTooShort, Unprocessable
from app.limits import MOST_EVIDENCE
from app.models.run import Run


@dataclass(frozen=True, slots=True)
class Cell:
    """`weight` is the probability; `share` what the cell adds to the score, before the mean over queries."""

    query: int
    key: int
    weight: float
    share: float


@dataclass(frozen=True, slots=True)
class EvidenceAnswer:
    """`cells`, by share, the largest first, are at most `limit` of `total` cells with a share."""

    run: str
    stack: str
    layer: int
    head: int
    role: Role
    total: int
    cells: list[Cell]
    checks: tuple[Check, ...]


def evidence(run: Run, stack: str | None, layer: int, head: int, role: str, limit: int = 20) -> EvidenceAnswer:
    """The strongest cells of a head for a role: its own cells of previous, next, first, separator, duplicate and
    induction; the column of its sink; weight x |i - j| for distance; -A ln A for entropy and span.

    Raises OutOfRange, StackUnknown, Unprocessable for what is no role, NotApplicable for one that this stack
    cannot have, TextTooShort for one that this text cannot.
    """
    found = next((known for known in ROLES if known == role), None)
    if found is None:
        raise Unprocessable("There is no such role.", f"The roles are: {', '.join(ROLES)}.")
    if not 1 <= limit <= MOST_EVIDENCE:
        raise OutOfRange(f"`limit` must lie between 1 and {MOST_EVIDENCE}.", "Choose a value in that range.")
    chosen = run.stack(stack)
    scene = scene_of(run, chosen)
    record = run.records(chosen.name)[index(layer, chosen.layers, "layer")]
    only = slice(index(head, chosen.heads, "head"), head + 1)
    if not scene.applies(found):
        raise NotApplicable(f"Heads of this kind of attention have no role {found}.", "Choose another role.")
    column = _sink_key(scene, record, only) if found == "sink" else None
    best = torch.zeros(0, 3, dtype=torch.float64)  # share, weight, number of the cell
    total, sums = 0, 0.0
    step = max(1, BLOCK_CELLS // scene.keys)
    for start in range(0, scene.queries, step):
        rows = range(start, min(scene.queries, start + step))
        for part, probs in blocks(record, only, rows):
            assert part == rows
            weight = probs[0].cpu()  # [rows, K]
            sums = worse(sums, float((weight.sum(-1) - 1.0).max()))
            share = _share(scene, found, rows, weight, seen_keys(record, rows, probs), column).double()
            total += int((share > 0).sum())
            top = share.flatten().topk(min(limit, share.numel()))
            cells = torch.stack(
                [top.values, weight.flatten()[top.indices].double(), top.indices.double() + start * scene.keys], dim=-1
            )
            best = torch.cat([best, cells])
            best = best[best[:, 0].argsort(descending=True, stable=True)][:limit]
    return EvidenceAnswer(
        run=run.id,
        stack=chosen.name,
        layer=layer,
        head=head,
        role=found,
        total=total,
        cells=[
            Cell(int(at) // scene.keys, int(at) % scene.keys, weight, share)
            for share, weight, at in best.tolist()
            if share > 0
        ],
        checks=(at_most("rows-sum-to-at-most-1", sums, SUM_LIMIT),),
    )


def _share(scene: Scene, role: Role, rows: range, weight: Tensor, seen: Tensor, column: int | None) -> Tensor:
    """What each cell [rows, K] adds to the sum of the role."""
    if role in POSITION:
        return weight * weights(scene, role, rows)
    if role in IDENTITY:
        return weight * equal_before(scene.ids[None], rows)[IDENTITY.index(role), 0]
    if role == "sink":
        return weight * (torch.arange(scene.keys) == column)
    nats: Tensor = torch.special.entr(weight)
    return nats * (seen.sum(-1, keepdim=True) >= 2)


def _sink_key(scene: Scene, record: LayerRecord, only: slice) -> int:
    """The key with the largest mean among those with enough queries. Raises TextTooShort where there is none."""
    columns = torch.zeros(scene.keys, dtype=torch.float64)
    for _, probs in blocks(record, only, range(scene.queries)):
        columns += probs[0].sum(0).cpu()
    key = int(most_attended(columns, scene.queries, scene.causal)[1])
    if key < 0:
        raise TextTooShort(
            f"A sink is a token that at least {SINK_ROWS} others look at, and this text has fewer.", "Add some words."
        )
    return key
