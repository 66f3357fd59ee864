"""Which edits can be made of a run: each must name something that is there, and leave every query something to see."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import torch

from app.analyses.ranges import index
from app.attention.edits import Knockout, hidden_keys, sees
from app.attention.recorder import LayerRecord, PassStopped
from app.errors import NotApplicable, Unprocessable
from app.limits import MOST_EDITS
from app.models.progress import Cancelled, never
from app.models.run import Run, Stack

NAMES = {"head": ("layer", "head"), "layer": ("layer",), "edge": ("query", "key"), "token": ("key",)}
"""What each kind of edit must name."""
MAY = {"head": (), "layer": (), "edge": ("layer", "head"), "token": ()}
"""What it may name beside that."""
BLOCK_CELLS = 4 * 1024 * 1024


def checked_edits(run: Run, asked: Sequence[Knockout], cancelled: Cancelled = never) -> tuple[Knockout, ...]:
    """The edits, each once, with the only stack's name where none was given.

    Raises Unprocessable for no edits, too many, and such as name nothing; OutOfRange, StackUnknown, and NotApplicable
    where a query would be left with nothing to look at; PassStopped, asked before every block of a mask that is read.
    """
    if not asked:
        raise Unprocessable("There are no edits.", "Name at least one head, layer, edge or token.")
    if len(asked) > MOST_EDITS:
        raise Unprocessable(f"There are more than {MOST_EDITS} edits.", f"Send at most {MOST_EDITS}.")
    edits = tuple(dict.fromkeys(_read(run, one) for one in asked))
    seen = _seen_tokens(run, [one for one in edits if one.kind == "token"], cancelled)
    for one in edits:
        if not (one in seen if one.kind == "token" else _is_something(run, one)):
            what = "No other token sees this one" if one.kind == "token" else "This query does not see this key"
            raise Unprocessable(
                f"{what}, so there is nothing to take away.",
                "In a decoder only later tokens see a token.",
            )
    if any(one.hides() for one in edits):
        _refuse_blind(run, edits, cancelled)
    return edits


def _read(run: Run, one: Knockout) -> Knockout:
    """One edit in range, with its stack's name."""
    stack = run.stack(one.stack or None)
    for name in ("layer", "head", "query", "key"):
        value, wanted = getattr(one, name), name in NAMES[one.kind]
        if value is None and wanted:
            raise Unprocessable(
                f"An edit of kind {one.kind} names nothing without its `{name}`.",
                f"Give it: {', '.join(NAMES[one.kind])}.",
            )
        if value is not None:
            if not wanted and name not in MAY[one.kind]:
                raise Unprocessable(
                    f"An edit of kind {one.kind} has no `{name}`.", f"Give only: {', '.join(NAMES[one.kind])}."
                )
            index(value, _counts(stack)[name], name)
    if one.kind == "edge" and one.head is not None and one.layer is None:
        raise Unprocessable("A head is named without its layer.", "Give the `layer` too, or leave the head out.")
    return replace(one, stack=stack.name)


def _counts(stack: Stack) -> dict[str, int]:
    return {"layer": stack.layers, "head": stack.heads, "query": stack.rows, "key": stack.cols}


def _records(run: Run, edits: Sequence[Knockout]) -> list[tuple[LayerRecord, tuple[Knockout, ...]]]:
    """The layers that the edits touch, each with its edits; of those with the same rules and edits only the first."""
    found: dict[tuple[int, tuple[Knockout, ...]], tuple[LayerRecord, tuple[Knockout, ...]]] = {}
    for stack in run.stacks:
        for record in run.records(stack.name):
            here = tuple(one for one in edits if one.touches(record.stack, record.layer))
            if here:
                same = tuple(replace(one, layer=None) for one in here)
                found.setdefault((id(record.rules), same), (record, here))
    return list(found.values())


def _is_something(run: Run, one: Knockout) -> bool:
    """Is there a layer in which an edge is seen? Heads and layers always are something."""
    if one.kind in ("head", "layer"):
        return True
    assert one.query is not None
    assert one.key is not None
    for record, _ in _records(run, [one]):
        seen = sees(record, slice(one.query, one.query + 1))[:, 0, one.key]
        if bool((seen if one.head is None or len(seen) == 1 else seen[one.head]).any()):
            return True
    return False


def _seen_tokens(run: Run, tokens: Sequence[Knockout], cancelled: Cancelled) -> set[Knockout]:
    """Those of the tokens that another one sees in some layer. A mask is read once for all of them."""
    found: set[Knockout] = set()
    records = _records(run, tokens)
    for record, here in records:
        if record.stack == "cross":
            found.update(here)
    for record, here in records:
        left = [one for one in here if one not in found]
        if not left:
            continue
        for rows in _row_blocks(record, cancelled):
            seen = sees(record, rows).any(0)  # [rows, K]
            own = torch.arange(rows.start, rows.stop, device=seen.device)
            seen[own - rows.start, own] = False  # only self-attention comes here
            by_others = seen.any(0)
            found.update(one for one in left if one.key is not None and bool(by_others[one.key]))
            left = [one for one in left if one not in found]
            if not left:
                break
    return found


def _refuse_blind(run: Run, edits: Sequence[Knockout], cancelled: Cancelled) -> None:
    """Raises NotApplicable where a query that saw something would see nothing."""
    for record, here in _records(run, edits):
        hiding = [one for one in here if one.hides()]
        if not hiding:
            continue
        tokens = [one.key for one in hiding if one.kind == "token"]
        for rows in _row_blocks(record, cancelled) if tokens else _own_rows(hiding):
            seen = sees(record, rows).cpu()  # [1|H, rows, K]
            left = seen.clone()
            left[:, :, tokens] = False
            blind = seen.any(-1) & ~left.any(-1)
            named = {one.key if one.kind == "token" else one.query for one in hiding}  # rows with a rule of their own
            for query in range(rows.start, rows.stop):
                if query not in named:
                    continue
                place = query - rows.start
                own = seen[:, place] & ~hidden_keys(hiding, record, query)  # [H, K]
                blind[:, place] = (seen[:, place].any(-1) & ~own.any(-1)).any()
            if bool(blind.any()):
                raise NotApplicable(
                    "A query would be left without any key: its only edge cannot be taken away by softmax again.",
                    "Use edge=drop, or leave it something to look at.",
                )


def _row_blocks(record: LayerRecord, cancelled: Cancelled) -> Iterator[slice]:
    """Rows of a mask, a few at a time. Raises PassStopped, asked before each block."""
    heads, queries, keys = record.shape
    step = max(1, BLOCK_CELLS // (heads * keys))
    for i in range(0, queries, step):
        if cancelled():
            raise PassStopped
        yield slice(i, min(i + step, queries))


def _own_rows(hiding: Sequence[Knockout]) -> list[slice]:
    return [slice(q, q + 1) for q in sorted({one.query for one in hiding if one.query is not None})]
