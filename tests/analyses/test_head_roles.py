"""Roles of heads and their null, against the formulas written out cell by cell."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from app.analyses.head_roles import RolesAnswer, head_roles
from app.analyses.roles_cells import ROLES, scene_of
from app.analyses.roles_evidence import evidence
from app.analyses.roles_null import namings
from app.attention.maps import blocks
from app.errors import (
    Cancelled,
    HeadlightError,
    NeedsStream,
    NotApplicable,
    OutOfRange,
    StackUnknown,
    TextTooShort,
    Unprocessable,
)
from app.models.run import Run
from tests.made import made_run
from tests.models.tiny import EXACT, WEIGHTS_ONLY

BOTH = ("t5", "bart", "marian")
REPEATED = "w7 w8 w9 w10 w11 w7 w8 w9 w30 w31 w7 w8 w12 w12 w9 w10"


def mean(values: list[float]) -> float | None:
    return sum(values) / len(values) if values else None


def by_hand(a: Tensor, ids: list[int], separators: list[bool], seen: Tensor, stack: str) -> dict[str, float | None]:
    """Every role of one map [Q, K], a loop for each formula."""
    queries, keys = a.shape
    causal, cross = stack == "decoder", stack == "cross"
    cell = a.tolist()
    rows = range(queries)
    count = seen.sum(-1).tolist()
    found: dict[str, float | None] = dict.fromkeys(ROLES)
    found["first"] = mean([cell[i][0] for i in rows if i > 0])
    sep = [j for j in range(keys) if separators[j]]
    found["separator"] = mean([sum(cell[i][j] for j in sep) for i in rows if any(seen[i, j] for j in sep)])
    nats = [-sum(p * math.log(p) for p in cell[i] if p > 0) for i in rows]
    found["entropy"] = mean([nats[i] / math.log(count[i]) for i in rows if count[i] >= 2])
    found["span"] = mean([math.exp(nats[i]) for i in rows if count[i] >= 2])
    means = [
        (sum(cell[i][k] for i in rows if not causal or i >= k), queries - k if causal else queries) for k in range(keys)
    ]
    found["sink"] = max((total / n for total, n in means if n >= 8), default=None)
    if cross:
        return found
    found["previous"] = mean([cell[i][i - 1] for i in rows if i > 0])
    found["distance"] = mean([sum(cell[i][j] * abs(i - j) for j in range(keys)) for i in rows])
    if not causal:
        found["next"] = mean([cell[i][i + 1] for i in rows if i + 1 < queries])
    found |= identity_by_hand(cell, ids)
    return found


def identity_by_hand(cell: list[list[float]], ids: list[int]) -> dict[str, float | None]:
    earlier = [[j for j in range(i) if ids[j] == ids[i]] for i in range(len(ids))]
    behind = [[j + 1 for j in js if j + 1 < i] for i, js in enumerate(earlier)]
    return {
        role: mean([sum(cell[i][j] for j in js) for i, js in enumerate(lists) if js])
        for role, lists in (("duplicate", earlier), ("induction", behind))
    }


def maps_of(run: Run, stack: str, layer: int) -> Tensor:
    """All maps of a layer [H, Q, K], which other tests hold against transformers' own."""
    record = run.records(stack)[layer]
    return torch.cat([probs for _, probs in blocks(record, slice(0, None), range(record.shape[1]))], dim=1)


def visible(run: Run, stack: str, layer: int) -> Tensor:
    """Which keys each query may see, by trying: those that any head gives anything."""
    return maps_of(run, stack, layer).sum(0) > 0


@pytest.mark.parametrize("name", [*EXACT, *WEIGHTS_ONLY])
def test_every_role_of_every_architecture(name: str) -> None:
    run = made_run(name, REPEATED, target="w20 w21 w22 w20 w21 w23 w24 w25 w20 w26" if name in BOTH else None)
    for stack in run.stacks:
        answer = head_roles(run, stack.name)
        scene = scene_of(run, stack)
        uniform = {}
        for layer in range(stack.layers):
            maps = maps_of(run, stack.name, layer)
            seen = visible(run, stack.name, layer)
            given = (scene.ids.tolist(), scene.separators.tolist(), seen, stack.name)
            uniform = by_hand(seen / seen.sum(-1, keepdim=True), *given)
            for head in range(stack.heads):
                at = layer * stack.heads + head
                ours, expected = answer.heads[at], by_hand(maps[head].double(), *given)
                assert (ours.layer, ours.head) == (layer, head)
                for role in ROLES:
                    assert getattr(ours, role) == pytest.approx(expected[role], abs=1e-5), (role, layer, head)
                    if role not in ("duplicate", "induction") and expected[role] is not None:
                        assert answer.null.roles[role].mean[at] == pytest.approx(uniform[role], abs=1e-5), role
        assert [check.name for check in answer.checks if not check.ok] == []
        assert answer.checks
        assert stack.heads * stack.layers == len(answer.heads)


@pytest.mark.parametrize("name", ["llama", "bert"])
def test_the_null_of_identity_is_the_runs_own_maps_with_the_tokens_renamed(name: str) -> None:
    run = made_run(name, REPEATED)
    tokens = next(iter(run.tokens.values()))
    answer = head_roles(run)
    fixed = torch.tensor([token.special for token in tokens.items])
    named = namings(torch.tensor(tokens.ids), fixed, 50)
    assert named.shape == (51, len(tokens))
    assert bool((named[:, fixed] == named[0, fixed]).all())
    assert bool((named.sort(-1).values == named[0].sort().values).all())
    assert len({tuple(row) for row in named.tolist()}) > 45
    for layer, head in ((0, 0), (2, 3)):
        cell = maps_of(run, run.stacks[0].name, layer)[head].tolist()
        each = [identity_by_hand(cell, row) for row in named[1:].tolist()]
        for role in ("duplicate", "induction"):
            scores = torch.tensor([scores[role] for scores in each], dtype=torch.float64)
            at = layer * 4 + head
            null, head_scores = answer.null.roles[role], answer.heads[at]
            assert null.kind == "permuted"
            assert null.mean[at] == pytest.approx(float(scores.mean()), abs=1e-5)
            assert null.sd[at] == pytest.approx(float(scores.std()), abs=1e-5)
            effect = (getattr(head_scores, role) - float(scores.mean())) / float(scores.std())
            assert head_scores.effect[role] == pytest.approx(effect, rel=1e-3, abs=1e-3)


def test_a_renaming_under_which_no_query_has_the_role_does_not_count() -> None:
    run = made_run("llama", "w7 w8 w9 w10 w7 w11")
    tokens = next(iter(run.tokens.values()))
    named = namings(torch.tensor(tokens.ids), torch.tensor([token.special for token in tokens.items]), 50)[1:]
    cell = maps_of(run, run.stacks[0].name, 1)[2].tolist()
    each = [identity_by_hand(cell, row)["induction"] for row in named.tolist()]
    told = torch.tensor([score for score in each if score is not None], dtype=torch.float64)
    assert 10 < len(told) < 50
    answer = head_roles(run)
    at = 1 * 4 + 2
    score = answer.heads[at].induction
    assert score is not None
    assert answer.null is not None
    assert answer.null.roles["induction"].mean[at] == pytest.approx(float(told.mean()), abs=1e-5)
    assert answer.heads[at].effect["induction"] == pytest.approx(
        (score - float(told.mean())) / float(told.std()), rel=1e-3
    )


@pytest.mark.parametrize("name", ["llama", "bert", "gemma2"])
def test_the_spread_of_position_is_that_of_weights_scattered_over_what_a_row_sees(name: str) -> None:
    run = made_run(name, REPEATED)
    answer = head_roles(run)
    layer, head, rounds = 1, 2, 4000
    a = maps_of(run, run.stacks[0].name, layer)[head]
    seen = visible(run, run.stacks[0].name, layer)
    generator = torch.Generator().manual_seed(3)
    n = len(a)
    draws = torch.zeros(rounds, n, n)
    for i in range(n):
        keys = seen[i].nonzero()[:, 0]
        order = torch.rand(rounds, len(keys), generator=generator).argsort(-1)
        draws[:, i, keys] = a[i, keys][order]
    distance = (torch.arange(n)[:, None] - torch.arange(n)).abs().float()
    drawn = {
        "previous": draws.diagonal(-1, 1, 2).mean(-1),
        "first": draws[:, 1:, 0].mean(-1),
        "distance": (draws * distance).sum(-1).mean(-1),
    }
    at = layer * 4 + head
    for role, scores in drawn.items():
        assert answer.null.roles[role].sd[at] == pytest.approx(float(scores.std()), rel=0.06), role
        assert answer.null.roles[role].mean[at] == pytest.approx(float(scores.mean()), abs=0.05), role
    assert answer.heads[at].effect["entropy"] is None
    assert any("no effect size" in warning for warning in answer.warnings)


def test_blocks_of_rows_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_run("gemma2", REPEATED)
    whole = head_roles(run)
    monkeypatch.setattr("app.analyses.roles_scan.SCAN_CELLS", 4 * 16 * 3)
    assert_same(head_roles(run), whole)


def assert_same(ours: RolesAnswer, other: RolesAnswer) -> None:
    for one, two in zip(ours.heads, other.heads, strict=True):
        for role in ROLES:
            near(getattr(one, role), getattr(two, role), 1e-5)
            near(one.effect[role], two.effect[role], 1e-3)


def near(one: float | None, two: float | None, tolerance: float) -> None:
    assert (one is None) == (two is None)
    assert one is None or one == pytest.approx(two, rel=tolerance, abs=10 * tolerance)


def test_without_the_null() -> None:
    run = made_run("llama", REPEATED)
    plain, full = head_roles(run, null=False), head_roles(run)
    assert plain.null is None
    assert [head.effect for head in plain.heads] == [{}] * 12
    assert [head.induction for head in plain.heads] == pytest.approx([head.induction for head in full.heads], abs=1e-6)


def test_what_a_text_cannot_show_is_null_with_a_warning() -> None:
    answer = head_roles(made_run("llama", "w7 w8 w9"))
    for role in ("next", "duplicate", "induction", "separator", "sink"):
        assert {getattr(head, role) for head in answer.heads} == {None}
        assert role in answer.warnings[0]
    assert {head.sink_key for head in answer.heads} == {None}
    assert answer.heads[0].previous is not None
    one = head_roles(made_run("llama", "w7"))
    assert one.heads[0].previous is None
    assert one.heads[0].distance == 0.0
    cross = head_roles(made_run("bart", target="w20 w21 w22"), "cross")
    assert cross.heads[0].previous is None
    assert cross.heads[0].entropy is not None


def test_long_work_is_left_to_a_stream_and_can_be_stopped() -> None:
    run = made_run("llama", REPEATED)
    with pytest.raises(NeedsStream):
        head_roles(run, budget=1e-12)
    stages = []
    head_roles(run, progress=stages.append)
    assert [(stage.done, stage.total) for stage in stages] == [(0, 3), (1, 3), (2, 3)]
    with pytest.raises(Cancelled):
        head_roles(run, cancelled=lambda: True)


def test_a_wrong_map_fails_its_checks() -> None:
    run = made_run("gptj")
    maps = run.records("decoder")[0].maps
    assert maps is not None
    kept = maps.clone()
    maps[0, 1, 2, 5] = 0.5
    try:
        failed = [check.name for check in head_roles(run).checks if not check.ok]
    finally:
        maps.copy_(kept)
    assert failed == ["rows-sum-to-1", "nothing-above-the-diagonal"]


# -- evidence -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["llama", "bert", "gptj"])
@pytest.mark.parametrize("role", ROLES)
def test_the_evidence_is_what_the_score_is_made_of(name: str, role: str) -> None:
    run = made_run(name, REPEATED)
    if role == "next" and name != "bert":
        with pytest.raises(NotApplicable):
            evidence(run, None, 1, 2, role)
        return
    found = evidence(run, None, 1, 2, role, limit=1000)
    head = head_roles(run, null=False).heads[6]
    a = maps_of(run, found.stack, 1)[2]
    assert found.total == len(found.cells)
    assert [c.share for c in found.cells] == sorted((c.share for c in found.cells), reverse=True)
    assert all(c.weight == pytest.approx(float(a[c.query, c.key])) for c in found.cells)
    total, rows = sum(c.share for c in found.cells), len(a)
    if role in ("previous", "next", "first"):
        assert total / (rows - 1) == pytest.approx(getattr(head, role), abs=1e-6)
    if role == "distance":
        assert total / rows == pytest.approx(head.distance, abs=1e-5)
    if role in ("duplicate", "induction"):
        ids = run.tokens_of(found.stack)[0].ids
        behind = role == "induction"
        assert all(ids[c.key - behind] == ids[c.query] and c.key < c.query for c in found.cells)
    if role == "sink":
        assert {c.key for c in found.cells} == {head.sink_key}
    few = evidence(run, None, 1, 2, role, limit=3)
    assert few.cells == found.cells[:3]
    assert few.total == found.total


def test_evidence_in_blocks_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    run = made_run("llama", REPEATED)
    whole = evidence(run, None, 0, 0, "distance", limit=5)
    monkeypatch.setattr("app.analyses.roles_evidence.BLOCK_CELLS", 40)
    parts = evidence(run, None, 0, 0, "distance", limit=5)
    assert [(c.query, c.key) for c in parts.cells] == [(c.query, c.key) for c in whole.cells]
    assert [c.share for c in parts.cells] == pytest.approx([c.share for c in whole.cells])
    assert parts.total == whole.total


WRONG: list[tuple[dict[str, Any], type[HeadlightError]]] = [
    ({"layer": 3}, OutOfRange),
    ({"head": 4}, OutOfRange),
    ({"head": -1}, OutOfRange),
    ({"limit": 0}, OutOfRange),
    ({"limit": 1001}, OutOfRange),
    ({"role": "nothing"}, Unprocessable),
    ({"role": "sink"}, TextTooShort),
    ({"stack": "cross"}, StackUnknown),
]


@pytest.mark.parametrize(("asked", "error"), WRONG, ids=str)
def test_what_cannot_be_is_refused(asked: dict[str, Any], error: type[HeadlightError]) -> None:
    run = made_run("llama", "w7 w8 w9")
    with pytest.raises(error) as raised:
        evidence(run, **{"stack": None, "layer": 0, "head": 0, "role": "previous"} | asked)
    assert raised.value.hint
