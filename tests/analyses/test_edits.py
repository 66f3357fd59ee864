"""Knockouts against transformers' own models with an attention of plain torch, edited inside; and what is refused."""

from __future__ import annotations

from dataclasses import replace
from functools import cache
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.analyses import edits_asked
from app.analyses.edits import EditsAnswer, edits
from app.attention.edits import Knockout
from app.errors import Cancelled, HeadlightError, NoLanguageHead, NotApplicable, OutOfRange, StackUnknown, Unprocessable
from app.models.run import Run
from tests.analyses.edited_eager import logits_of
from tests.made import made_model, made_run
from tests.models.tiny import EXACT

TEXT = "w7 w8 w9 [MASK] w7 w8 w9 w11 w12 w7"
LIMIT = 1e-5


@cache
def run_of(name: str) -> Run:
    return made_run(name, TEXT, target="w20 w21 w22 w23 w24" if name in ("t5", "bart", "marian") else None)


def asked(stack: str) -> dict[str, list[Knockout]]:
    """What is taken away in turn from a stack of at least two layers, four heads and five queries."""
    return {
        "head": [Knockout("head", stack, 1, 2)],
        "layer": [Knockout("layer", stack, 0)],
        "edge": [Knockout("edge", stack, 1, 3, query=4, key=2)],
        "edge of all heads, dropped": [Knockout("edge", stack, 0, query=3, key=1, edge="drop")],
        "edge of all layers": [Knockout("edge", stack, query=4, key=3)],
        "token": [Knockout("token", stack, key=2)],
        "first token": [Knockout("token", stack, key=0)],
        "two edges of a row": [
            Knockout("edge", stack, 1, 0, query=4, key=0),
            Knockout("edge", stack, 1, 0, query=4, key=2, edge="drop"),
        ],
        "everything at once": [
            Knockout("token", stack, key=1),
            Knockout("token", stack, key=2),
            Knockout("edge", stack, 1, 1, query=4, key=3),
            Knockout("edge", stack, 0, 2, query=2, key=0, edge="drop"),
            Knockout("head", stack, 1, 0),
            Knockout("layer", stack, 0),
        ],
    }


@pytest.mark.parametrize("mode", ["zero", "mean"])
@pytest.mark.parametrize("name", EXACT)
def test_every_logit_is_that_of_the_edited_model(name: str, mode: str) -> None:
    run = run_of(name)
    before = logits_of(run)
    moves: dict[str, float] = {}
    for stack in run.stacks:
        for what, knockouts in asked(stack.name).items():
            if mode == "mean" and what not in ("head", "layer", "everything at once"):
                continue
            found = edits(run, knockouts, mode, limit=99)
            after = logits_of(run, knockouts, mode)
            p, q = (logits[found.position].double().log_softmax(-1) for logits in (before, after))
            scale = float(after.abs().max())
            off = max(
                max(abs(one.logit_after - float(after[found.position, one.id])) for one in found.changes),
                max(abs(one.logit_before - float(before[found.position, one.id])) for one in found.changes),
            )
            assert off <= LIMIT * scale, f"{name} {stack.name} {what} {mode}: {off} of {scale}"
            assert len(found.changes) == 99
            kl = float((p.exp() * (p - q)).sum())
            assert found.kl == pytest.approx(kl, abs=1e-6), f"{name} {stack.name} {what}"
            assert found.flips == bool(p.argmax() != q.argmax())
            assert all(check.ok for check in found.checks), found.checks
            moves[f"{stack.name} {what}"] = max(abs(one.change) for one in found.changes)
    assert moves[f"{run.stacks[0].name} layer"] > 1e-5
    assert sum(move > 1e-6 for move in moves.values()) > len(moves) / 2, moves  # the edits really did something


def test_what_is_said_of_a_candidate() -> None:
    run = run_of("llama")
    found = edits(run, [Knockout("layer", "", 1)], token=7, against=9, limit=3)
    assert found.edits == [Knockout("layer", "decoder", 1)]
    assert [one.rank for one in found.before] == [0, 1, 2]
    assert {7, 9} <= {one.id for one in found.changes}
    by_id = {one.id: one for one in found.changes}
    for one in found.before:
        moved = by_id[one.id]
        assert (moved.logit_before, moved.softmax_before, moved.rank_before) == (one.logit, one.softmax, one.rank)
        assert moved.change == pytest.approx(moved.logit_after - moved.logit_before)
    assert found.difference is not None
    assert found.difference.before == pytest.approx(by_id[7].logit_before - by_id[9].logit_before)
    assert found.difference.change == pytest.approx(by_id[7].change - by_id[9].change)
    assert found.flips == (found.before[0].id != found.after[0].id)


def test_edits_that_are_the_same_count_once_and_a_head_of_an_edited_layer_changes_nothing_more() -> None:
    run = run_of("gpt2")
    layer = Knockout("layer", "decoder", 1)
    once = edits(run, [layer])
    assert edits(run, [layer, replace(layer, stack="")]).edits == [layer]
    assert edits(run, [layer, Knockout("head", "decoder", 1, 0)]).kl == once.kl


def test_an_edge_dropped_takes_less_than_one_shared_out() -> None:
    """The two questions are different: the numbers are, too."""
    run = run_of("llama")
    edge = Knockout("edge", "decoder", 1, 1, query=9, key=4)
    assert edits(run, [edge]).kl != edits(run, [replace(edge, edge="drop")]).kl


def test_only_what_reads_an_edge_is_moved() -> None:
    """In a decoder what an earlier query lost in the last layer cannot reach a later prediction."""
    run = run_of("llama")
    found = edits(run, [Knockout("edge", "decoder", 2, query=5, key=3)], position=9)
    assert max(abs(one.change) for one in found.changes) == 0.0
    assert edits(run, [Knockout("edge", "decoder", 2, query=5, key=3)], position=5).kl > 0


def test_in_long_blocks_too(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = edits(run_of("llama"), [Knockout("token", "decoder", key=2)], limit=99)
    monkeypatch.setattr("app.attention.edits.BLOCK_ROWS", 3)
    monkeypatch.setattr("app.analyses.edits_asked.BLOCK_CELLS", 1)
    parts = edits(run_of("llama"), [Knockout("token", "decoder", key=2)], limit=99)
    off = max(abs(a.logit_after - b.logit_after) for a, b in zip(whole.changes, parts.changes, strict=True))
    assert off < 1e-5, off


@pytest.mark.parametrize(
    ("name", "stack", "most"), [("llama", "decoder", 20), ("gemma2", "decoder", 40), ("t5", "encoder", 30)]
)
def test_masks_are_read_once_for_all_tokens_and_not_for_those_who_left(
    name: str, stack: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In blocks of one row: ten rows are read to see what the tokens are, and again to see that no query is blind."""
    read: list[int] = []

    def sees(*given: Any) -> Any:
        read.append(1)
        return really(*given)

    really = edits_asked.sees
    monkeypatch.setattr(edits_asked, "sees", sees)
    monkeypatch.setattr(edits_asked, "BLOCK_CELLS", 1)
    tokens = [Knockout("token", stack, key=key) for key in range(8)]
    asked = edits_asked.checked_edits(run_of(name), tokens)
    assert asked == tuple(tokens)
    assert 0 < len(read) <= most
    whole = len(read)
    for after in range(whole):
        read.clear()
        asks: list[int] = []
        with pytest.raises(Cancelled):
            edits(run_of(name), tokens, cancelled=lambda: bool(asks.append(1)) or len(asks) > after)  # noqa: B023
        assert len(read) == after


WRONG: dict[str, tuple[str, list[Knockout], type[HeadlightError]]] = {
    "nothing": ("llama", [], Unprocessable),
    "too many": ("llama", [Knockout("layer", "", 0)] * 65, Unprocessable),
    "a head without a layer": ("llama", [Knockout("head", "", head=1)], Unprocessable),
    "a layer without its number": ("llama", [Knockout("layer", "")], Unprocessable),
    "a token without its key": ("llama", [Knockout("token", "")], Unprocessable),
    "an edge without its key": ("llama", [Knockout("edge", "", 1, 1, query=3)], Unprocessable),
    "a token with a layer": ("llama", [Knockout("token", "", 1, key=1)], Unprocessable),
    "a head with a key": ("llama", [Knockout("head", "", 1, 1, key=1)], Unprocessable),
    "an edge of a head of no layer": ("llama", [Knockout("edge", "", None, 1, query=3, key=1)], Unprocessable),
    "no such layer": ("llama", [Knockout("layer", "", 3)], OutOfRange),
    "no such head": ("llama", [Knockout("head", "", 0, 4)], OutOfRange),
    "no such query": ("llama", [Knockout("edge", "", 0, 0, query=10, key=1)], OutOfRange),
    "no such key": ("llama", [Knockout("token", "", key=10)], OutOfRange),
    "below zero": ("llama", [Knockout("token", "", key=-1)], OutOfRange),
    "no such stack": ("llama", [Knockout("layer", "cross", 0)], StackUnknown),
    "which stack": ("t5", [Knockout("layer", "", 0)], StackUnknown),
    "an edge to a later token": ("llama", [Knockout("edge", "", 0, 0, query=3, key=4)], Unprocessable),
    "an edge beyond the window": ("gemma3", [Knockout("edge", "", 0, 0, query=9, key=0)], Unprocessable),
    "a token that no other sees": ("llama", [Knockout("token", "", key=9)], Unprocessable),
    "a row's only edge": ("llama", [Knockout("edge", "", 0, 0, query=0, key=0)], NotApplicable),
    "all edges of a row, one by one": (
        "llama",
        [Knockout("edge", "", 0, 2, query=1, key=0), Knockout("edge", "", query=1, key=1)],
        NotApplicable,
    ),
    "a token, and its own edge to itself": (
        "llama",
        [Knockout("token", "", key=0), Knockout("edge", "", 1, 1, query=1, key=1)],
        NotApplicable,
    ),
    "all that cross attention sees": ("t5", [Knockout("token", "encoder", key=i) for i in range(10)], NotApplicable),
    "weights only": ("bloom", [Knockout("layer", "", 0)], NotApplicable),
}


@pytest.mark.parametrize("what", WRONG)
def test_what_cannot_be_taken_away_is_refused_before_any_pass(what: str, monkeypatch: pytest.MonkeyPatch) -> None:
    name, knockouts, error = WRONG[what]
    run = run_of(name) if name in EXACT else made_run(name, TEXT)
    monkeypatch.setattr("app.analyses.edits.edited_pass", lambda *_: pytest.fail("a pass was made"))
    with pytest.raises(error) as caught:
        edits(run, knockouts)
    assert type(caught.value) is error
    assert caught.value.detail
    assert caught.value.hint


def test_dropping_a_rows_only_edge_is_allowed_and_leaves_zero() -> None:
    run = run_of("llama")
    only = Knockout("edge", "decoder", 0, query=0, key=0, edge="drop")
    found = edits(run, [only], position=0, limit=99)
    wanted = logits_of(run, [only])[0]
    assert max(abs(one.logit_after - float(wanted[one.id])) for one in found.changes) < 1e-5


def test_an_edge_beyond_the_window_of_one_layer_is_there_in_another() -> None:
    """Layer 0 of this model slides over 6 tokens, some layer sees all: the edge is gone from those that see it."""
    run = run_of("gemma2")
    edge = Knockout("edge", "decoder", query=9, key=0)
    found = edits(run, [edge], limit=99)
    wanted = logits_of(run, [edge])[9]
    assert max(abs(one.logit_after - float(wanted[one.id])) for one in found.changes) < 1e-5


def test_positions_and_tokens_are_held_to_the_text_and_the_vocabulary() -> None:
    layer = [Knockout("layer", "", 0)]
    for wrong in ({"position": 10}, {"token": 99}, {"against": 99}, {"limit": 0}):
        with pytest.raises(OutOfRange):
            edits(run_of("llama"), layer, **wrong)
    with pytest.raises(NotApplicable):
        edits(run_of("bert"), layer, position=1)
    info = replace(made_model("bert").info, language_head=False)
    with pytest.raises(NoLanguageHead):
        edits(replace(run_of("bert"), model=replace(made_model("bert"), info=info)), layer)


def test_it_stops_within_a_layer() -> None:
    asks = 0

    def stopped() -> bool:
        nonlocal asks
        asks += 1
        return asks > 2

    with pytest.raises(Cancelled):
        edits(run_of("llama"), [Knockout("layer", "", 0)], cancelled=stopped)
    assert asks == 3
    assert torch.is_tensor(run_of("llama").kept.final)


place = st.none() | st.integers(0, 5)
any_edit = st.builds(
    Knockout,
    kind=st.sampled_from(["head", "layer", "edge", "edge", "token"]),
    stack=st.sampled_from(["encoder", "decoder", "cross"]),
    layer=place, head=place, query=place, key=place,
    edge=st.sampled_from(["resoftmax", "drop"]),
)  # fmt: skip


def tidied(one: Knockout) -> Knockout:
    """Without most of what its kind has no name for, so that some pass the door."""
    if one.kind == "token":
        return replace(one, layer=None, head=None, query=None)
    if one.kind in ("head", "layer"):
        return replace(one, query=None, key=None, head=one.head if one.kind == "head" else None)
    return one


@given(drawn=st.lists(any_edit.map(tidied), min_size=1, max_size=5), mode=st.sampled_from(["zero", "mean"]))
@settings(max_examples=60, deadline=None, derandomize=True)
@pytest.mark.parametrize("name", ["llama", "gemma2", "gpt_oss", "t5"])
def test_any_edits_are_refused_or_done_right(name: str, drawn: list[Knockout], mode: str) -> None:
    run = run_of(name)
    if name != "t5":
        drawn = [replace(one, stack="decoder") for one in drawn]
    found: EditsAnswer | HeadlightError
    try:
        found = edits(run, drawn, mode, limit=99)
    except HeadlightError as error:
        found = error
    if isinstance(found, HeadlightError):
        assert found.status == 422
        assert found.hint
        return
    wanted = logits_of(run, drawn, mode)[found.position]
    off = max(abs(one.logit_after - float(wanted[one.id])) for one in found.changes)
    assert off <= 2 * LIMIT * float(wanted.abs().max()), (off, drawn)
    assert all(check.ok for check in found.checks)
