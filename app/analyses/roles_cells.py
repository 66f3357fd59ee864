"""Which cells of a map make a head what it is: for each role, what weighs in its score.

Roles of position (previous, next, first, separator, distance) are weights over the cells of a map that are the
same for every text of that length. Roles of identity (duplicate, induction) depend on which tokens are equal.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

import torch
from torch import Tensor

from app.attention.recorder import LayerRecord
from app.attention.rules import added, visible
from app.models.run import Run, Stack

Role = Literal[
    "previous", "next", "first", "separator", "duplicate", "induction", "sink", "entropy", "span", "distance"
]
ROLES: tuple[Role, ...] = (
    "previous", "next", "first", "separator", "duplicate", "induction", "sink", "entropy", "span", "distance",
)  # fmt: skip
POSITION: tuple[Role, ...] = ("previous", "next", "first", "separator", "distance")
IDENTITY: tuple[Role, ...] = ("duplicate", "induction")


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What the roles of a stack depend on beside its maps.

    `ids` [K] are the tokens looked at, `fixed` [K] those that are special, `separators` [K] those that end a text.
    In cross attention rows and columns are different tokens: only what needs no common positions is a role there.
    """

    stack: str
    queries: int
    keys: int
    causal: bool
    cross: bool
    ids: Tensor
    fixed: Tensor
    separators: Tensor

    def applies(self, role: Role) -> bool:
        """Can a head of this stack have the role at all?"""
        if role == "next":
            return not self.causal and not self.cross
        return not self.cross or role in ("first", "separator", "sink", "entropy", "span")

    def first(self, keys: int) -> Scene:
        """The same for the first keys only."""
        return replace(self, keys=keys, ids=self.ids[:keys], fixed=self.fixed[:keys], separators=self.separators[:keys])


def scene_of(run: Run, stack: Stack) -> Scene:
    """Read the scene of a stack: separators are the tokenizer's sep and eos tokens."""
    tokens = run.tokens_of(stack.name)[1]
    ids = torch.tensor(tokens.ids)
    ends = [i for i in (run.model.tokenizer.sep_token_id, run.model.tokenizer.eos_token_id) if i is not None]
    return Scene(
        stack=stack.name,
        queries=stack.rows,
        keys=stack.cols,
        causal=stack.name == "decoder",
        cross=stack.name == "cross",
        ids=ids,
        fixed=torch.tensor([token.special for token in tokens.items]),
        separators=torch.isin(ids, torch.tensor(ends, dtype=ids.dtype)),
    )


def weights(scene: Scene, role: Role, rows: range) -> Tensor:
    """What each cell of `rows` counts in the sum of a role of position: [rows, K] float32.

    >>> weights(scene, "previous", range(3))  # of a map of three tokens
    tensor([[0., 0., 0.], [1., 0., 0.], [0., 1., 0.]])
    """
    queries = torch.arange(rows.start, rows.stop)[:, None]
    keys = torch.arange(scene.keys)[None, :]
    if role == "previous":
        chosen = keys == queries - 1
    elif role == "next":
        chosen = keys == queries + 1
    elif role == "first":
        chosen = (keys == 0) & (queries > 0)
    elif role == "separator":
        chosen = scene.separators[None, :].expand(len(rows), -1)
    else:
        return (queries - keys).abs().float()
    return chosen.float()


def counted(scene: Scene, role: Role, rows: range, seen: Tensor) -> Tensor:
    """Which of `rows` are in the mean of a role of position [rows] bool: those for which there is such a cell."""
    queries = torch.arange(rows.start, rows.stop)
    if role in ("previous", "first"):
        return queries > 0
    if role == "next":
        return queries < scene.queries - 1
    if role == "separator":
        return (seen & scene.separators[None, :]).any(-1)
    return torch.ones(len(rows), dtype=torch.bool)


def equal_before(ids: Tensor, rows: range) -> Tensor:
    """Cells of the roles of identity, for each way [P, N] of naming the tokens: [2, P, rows, N] bool.

    First duplicate: key j < i with the same token as query i. Then induction: the key behind such a j, itself
    before i: j + 1 < i.

    >>> equal_before(torch.tensor([[5, 6, 5]]), range(2, 3))[:, 0, 0].tolist()
    [[True, False, False], [False, True, False]]
    """
    queries = torch.arange(rows.start, rows.stop)[:, None]
    earlier = torch.arange(ids.shape[1])[None, :] < queries
    equal = ids[:, rows.start : rows.stop, None] == ids[:, None, :]
    found = torch.zeros(2, *equal.shape, dtype=torch.bool)
    torch.logical_and(equal, earlier, out=found[0])
    torch.logical_and(equal[..., :-1], earlier[:, 1:], out=found[1, ..., 1:])
    return found


def first_keys(record: LayerRecord, keys: int) -> LayerRecord:
    """The record as if there were only its first keys, for queries that see none of the others."""
    if record.k is None or keys == record.k.shape[2]:
        return record
    rules = record.rules
    padding = None if rules.padding is None else rules.padding[:, :keys]
    mask = None if rules.mask is None else rules.mask[..., :keys]
    return replace(record, k=record.k[:, :, :keys], rules=replace(rules, padding=padding, mask=mask))


def seen_keys(record: LayerRecord, rows: range, probs: Tensor) -> Tensor:
    """Which keys the queries of `rows` may see, by any head: [rows, K] bool.

    A model that gives its maps only does not say; there a key counts as seen that some head gives a probability.
    """
    if record.maps is not None:
        return (probs > 0).any(0).cpu()
    assert record.k is not None
    _, queries, keys = record.shape
    part = slice(rows.start, rows.stop)
    seen = torch.ones(len(rows), keys, dtype=torch.bool)
    given = visible(record.rules, part, queries, keys, record.k.device)
    if given is not None:
        seen = seen & given[0].any(0).cpu()
    if record.rules.mask is not None and record.rules.mask.dtype != torch.bool:  # a mask and a bias in one
        bias = added(record.rules, part, queries, keys, record.k.device)
        assert bias is not None
        seen = seen & (bias[0] > torch.finfo(bias.dtype).min / 2).any(0).cpu()
    return seen
