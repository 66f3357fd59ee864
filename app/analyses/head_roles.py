"""What every head does on this text: previous, next, first, separator, duplicate, induction, sink, and how widely.

    previous    mean of A[i, i-1]               next        mean of A[i, i+1] (encoders)
    first       mean of A[i, 0], i > 0          separator   mean mass on the separator tokens a query may see
    duplicate   mass on earlier equal tokens    induction   mass on the tokens behind those, j + 1 < i
                                                            (means over the queries that have one)
    sink        the largest mean that a key with at least 8 queries is given (Gu et al. 2024); above 0.3 it is one
    entropy     −Σ A ln A over ln(visible keys) span        e^(−Σ A ln A): how many keys, in effect
                                                            (means over the queries that see at least two keys)
    distance    mean of Σ_j A[i, j] |i − j|

Each score stands beside its null (roles_null.py) and the effect size, (score − mean of the null) / its standard
deviation. Maps are read in blocks, never all at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from app.analyses.roles_cells import IDENTITY, ROLES, Role, Scene, scene_of
from app.analyses.roles_null import PERMUTATIONS, SEED, effect, namings
from app.analyses.roles_scan import Scan, scan
from app.analyses.sinks import SINK_THRESHOLD, most_attended
from app.checks import Check, at_most
from app.errors import NeedsStream
from app.models.progress import Cancelled, Progress, never, silent
from app.models.run import Run, Stack

SUM_LIMIT = 1e-4
CELLS_PER_SECOND = 8e7
"""Cells of maps read in a second by a modest machine; only for telling short work from long."""
PAIRS_PER_SECOND = 2e8
"""Cells of permuted identities summed in a second, of one head."""

Numbers = Mapping[Role, float | None]


@dataclass(frozen=True, slots=True)
class HeadScores:
    """One head. `sink_key` is the key of its sink score; `effect` by role, `None` where the null has no spread."""

    layer: int
    head: int
    previous: float | None
    next: float | None
    first: float | None
    separator: float | None
    duplicate: float | None
    induction: float | None
    sink: float | None
    sink_key: int | None
    entropy: float | None
    span: float | None
    distance: float | None
    effect: Numbers


@dataclass(frozen=True, slots=True)
class RoleNull:
    """The null of one role, for each head in the order of the answer. `sd` 0: it has no spread."""

    kind: Literal["permuted", "uniform"]
    mean: list[float | None]
    sd: list[float | None]


@dataclass(frozen=True, slots=True)
class NullAnswer:
    """How the nulls were made, and what they are."""

    permutations: int
    seed: int
    roles: Mapping[Role, RoleNull]


@dataclass(frozen=True, slots=True)
class RolesAnswer:
    """`null` is None when it was not asked for. A role that no query can have is None for all heads, with a warning."""

    run: str
    stack: str
    heads: list[HeadScores]
    null: NullAnswer | None
    sink_threshold: float
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]


def head_roles(
    run: Run,
    stack: str | None = None,
    null: bool = True,
    budget: float | None = None,
    progress: Progress = silent,
    cancelled: Cancelled = never,
) -> RolesAnswer:
    """The roles of all heads of a stack. `budget` is the seconds it may take.

    Raises StackUnknown, Cancelled, and NeedsStream for what would take longer.
    """
    chosen = run.stack(stack)
    scene = scene_of(run, chosen)
    if budget is not None and seconds(scene, chosen, null) > budget:
        raise NeedsStream(
            f"The roles of {chosen.layers * chosen.heads} heads over {chosen.rows} tokens take a while.",
            "POST to the same address to follow it, or leave the null out (null=false).",
        )
    named = namings(scene.ids, scene.fixed, PERMUTATIONS if null else 0)
    seen = scan(scene, run.records(chosen.name), named, progress, cancelled)
    parts = _parts(scene, seen)
    scores = {role: numbers(score) for role, (score, _, _) in parts.items()}
    effects = {role: numbers(effect(*part)) for role, part in parts.items()} if null else {}
    sink_keys = most_attended(seen.columns, scene.queries, scene.causal)[1].flatten().tolist()
    heads = [
        HeadScores(
            layer=i // chosen.heads,
            head=i % chosen.heads,
            sink_key=None if scores["sink"][i] is None else sink_keys[i],
            effect={role: values[i] for role, values in effects.items()},
            **{role: values[i] for role, values in scores.items()},
        )
        for i in range(chosen.layers * chosen.heads)
    ]
    return RolesAnswer(
        run=run.id,
        stack=chosen.name,
        heads=heads,
        null=_null(parts) if null else None,
        sink_threshold=SINK_THRESHOLD,
        checks=_checks(scene, seen, named, run, chosen),
        warnings=_warnings(scores, effects),
    )


def seconds(scene: Scene, stack: Stack, null: bool) -> float:
    """About how long the roles take, from the number of cells and, for the null, of equal pairs."""
    heads = stack.layers * stack.heads
    time = heads * scene.queries * scene.keys / CELLS_PER_SECOND
    if null and not scene.cross:
        pairs = sum(times * (times - 1) for times in Counter(scene.ids.tolist()).values())
        time += heads * PERMUTATIONS * pairs / PAIRS_PER_SECOND
    return time


def _parts(scene: Scene, seen: Scan) -> dict[Role, tuple[Tensor, Tensor, Tensor]]:
    """(score, mean of the null, its standard deviation) of each role [L, H]; NaN where the role does not apply."""
    layers, heads = seen.entropy.shape
    nothing = torch.full((layers, heads), torch.nan, dtype=torch.float64)
    still = torch.zeros_like(nothing)
    parts = dict.fromkeys(ROLES, (nothing, nothing, nothing))
    for i, role in enumerate(seen.roles):
        rows = seen.rows[:, None, i]  # [L, 1]; 0 / 0 is NaN: no query can have the role
        mean = (seen.uniform[:, None, i] / rows).expand(layers, heads)
        parts[role] = (seen.position[..., i] / rows, mean, seen.variance[..., i].sqrt() / rows)
    if not scene.cross:
        each = seen.identity / seen.identity_rows  # [L, H, 2, P]
        for i, role in enumerate(IDENTITY):
            told = seen.identity_rows[i, 1:] > 0  # a naming under which no query has such a cell says nothing
            permuted = each[:, :, i, 1:][..., told]
            parts[role] = (each[:, :, i, 0], permuted.mean(-1), permuted.std(-1) if permuted.shape[-1] > 1 else nothing)
    wide = seen.wide_rows[:, None]
    one = (wide / wide).expand(layers, heads)
    parts["entropy"] = (seen.entropy / wide, one, still)
    parts["span"] = (seen.span / wide, (seen.uniform_span[:, None] / wide).expand(layers, heads), still)
    sink, even = (
        most_attended(columns, scene.queries, scene.causal)[0] for columns in (seen.columns, seen.uniform_columns)
    )
    parts["sink"] = (sink, even[:, None].expand(layers, heads), still)
    return parts


def _warnings(scores: Mapping[Role, list[float | None]], effects: Mapping[Role, list[float | None]]) -> tuple[str, ...]:
    """What is null, and why."""
    absent = [role for role, values in scores.items() if None in values]
    still = [role for role, values in effects.items() if None in values and role not in absent]
    warnings = []
    if absent:
        warnings.append(f"No query of this text can show: {', '.join(absent)}. These are null.")
    if still:
        warnings.append(f"The null has no spread, and there is no effect size, for: {', '.join(still)}.")
    return tuple(warnings)


def _null(parts: Mapping[Role, tuple[Tensor, Tensor, Tensor]]) -> NullAnswer:
    roles = {}
    for role, (_, mean, sd) in parts.items():
        roles[role] = RoleNull(
            kind="permuted" if role in IDENTITY else "uniform",
            mean=numbers(mean),
            sd=numbers(sd),
        )
    return NullAnswer(PERMUTATIONS, SEED, roles)


def numbers(values: Tensor) -> list[float | None]:
    """[L, H] as a list, head by head: None for NaN, which stands for what does not apply."""
    return [None if value != value else value for value in values.flatten().tolist()]


def _checks(scene: Scene, seen: Scan, named: Tensor, run: Run, stack: Stack) -> tuple[Check, ...]:
    """Rows sum to 1, a causal map is causal, and renaming the tokens keeps how many are repeated."""
    sinks = any(record.rules.sinks is not None for record in run.records(stack.name))
    name = "rows-sum-to-at-most-1" if sinks else "rows-sum-to-1"
    checks = [at_most(name, float(seen.row_sum_error), SUM_LIMIT)]
    if scene.causal:
        checks.append(at_most("nothing-above-the-diagonal", float(seen.above_diagonal), 0.0))
    if len(named) > 1 and not scene.cross:
        moved = float((seen.identity_rows[0] - seen.identity_rows[0, 0]).abs().max())
        checks.append(at_most("permuting-keeps-the-number-of-duplicates", moved, 0.0))
    return tuple(checks)
