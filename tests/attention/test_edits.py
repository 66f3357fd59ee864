"""What an edit makes of one layer's z, by the formula, under every rule that scores may follow."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from app.attention.core import attend
from app.attention.edits import Knockout, ablated, knock_out, sees
from app.attention.recorder import LayerRecord
from app.attention.rules import Rules, alibi
from tests.attention.test_core import qkv

Q, K = 7, 7


def record(rules: Rules, stack: str = "decoder") -> LayerRecord:
    q, k, v = (t[:1] for t in qkv())
    return LayerRecord(stack, 0, q[:, :, :Q], k[:, :, :K], v[:, :, :K], rules)


HEADS = record(Rules(0.3)).shape[0]
ADDED = torch.randn(1, 1, Q, K, generator=torch.Generator().manual_seed(3))
RULES = {
    "all": Rules(0.3),
    "causal": Rules(0.3, causal=True),
    "window": Rules(0.3, causal=True, window=(3, 0)),
    "both ways": Rules(0.3, window=(3, 3)),
    "softcap": Rules(0.3, causal=True, softcap=1.5),
    "sinks": Rules(0.3, causal=True, sinks=torch.linspace(-1, 1, HEADS)),
    "distance": Rules(1.0, distance_bias=alibi(torch.linspace(0.1, 1, HEADS), Q, K)),
    "distance, causal": Rules(1.0, causal=True, distance_bias=alibi(torch.linspace(0.1, 1, HEADS), Q, K)),
    "padding": Rules(0.3, padding=torch.tensor([[True] * 6 + [False]])),
    "an added mask": Rules(0.3, causal=True, mask=ADDED),
    "a mask": Rules(0.3, mask=torch.ones(1, 1, Q, K).tril().bool()),
}


def by_formula(given: LayerRecord, hidden: Tensor, dropped: Tensor) -> Tensor:
    """z [1, H, Q, Dv] with the scores of `hidden` [H, Q, K] at -inf and the probabilities of `dropped` at 0."""
    assert given.q is not None
    assert given.k is not None
    assert given.v is not None
    scores = attend(given.q, given.k, given.v, given.rules).scores.masked_fill(hidden[None], -torch.inf)
    if given.rules.sinks is not None:
        sink = given.rules.sinks[None, :, None, None].expand(1, -1, Q, 1)
        probs = torch.cat([scores, sink], -1).softmax(-1)[..., :-1]
    else:
        probs = scores.softmax(-1)
    v = given.v.repeat_interleave(HEADS // given.v.shape[1], 1)
    return probs.masked_fill(dropped[None], 0.0) @ v


def edited(given: LayerRecord, *knockouts: Knockout, mode: str = "zero") -> Tensor:
    assert given.q is not None
    assert given.k is not None
    assert given.v is not None
    z = attend(given.q, given.k, given.v, given.rules).z
    kept = z.clone()
    found = knock_out(knockouts, mode)(given, z)  # type: ignore[arg-type]
    assert torch.equal(z, kept), "what the model made is not changed in place"
    return found


@pytest.mark.parametrize("blocks", [256, 3])
@pytest.mark.parametrize("stack", ["decoder", "cross"])
@pytest.mark.parametrize("name", RULES)
def test_tokens_and_edges(name: str, stack: str, blocks: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("app.attention.edits.BLOCK_ROWS", blocks)
    given = record(RULES[name], stack)
    hidden = torch.zeros(HEADS, Q, K, dtype=torch.bool)
    hidden[:, :, 2] = hidden[:, :, 4] = True
    if stack != "cross":
        hidden[:, 2, 2] = hidden[:, 4, 4] = False
    hidden[1, 5, 3] = True
    dropped = torch.zeros_like(hidden)
    dropped[:, 6, 5] = True
    found = edited(
        given,
        Knockout("token", stack, key=2),
        Knockout("token", stack, key=4),
        Knockout("edge", stack, 0, 1, query=5, key=3),
        Knockout("edge", stack, query=6, key=5, edge="drop"),
    )
    wanted = by_formula(given, hidden, dropped)
    there = ~wanted.isnan().any(-1)  # [1, H, Q]; a query that sees nothing has no value to compare
    assert there.float().mean() > 0.6
    off = float((found - wanted)[there].abs().max())
    assert off < 1e-5, off


@pytest.mark.parametrize("name", RULES)
def test_an_edge_changes_its_row_of_its_head_and_nothing_else(name: str) -> None:
    given = record(RULES[name])
    before = edited(given)
    after = edited(given, Knockout("edge", "decoder", 0, 2, query=5, key=4))
    changed = (before != after).any(-1)[0]  # [H, Q]
    assert changed.nonzero().tolist() == [[2, 5]]


def test_heads_and_layers_come_last() -> None:
    given = record(Rules(0.3, causal=True))
    head = edited(given, Knockout("token", "decoder", key=1), Knockout("head", "decoder", 0, 1))
    assert float(head[:, 1].abs().max()) == 0.0
    mean = edited(given, Knockout("layer", "decoder", 0), mode="mean")
    assert torch.allclose(mean, edited(given).mean(2, keepdim=True).expand_as(mean))
    assert float(edited(given, Knockout("layer", "decoder", 0)).abs().max()) == 0.0


def test_what_is_elsewhere_is_left_alone() -> None:
    given = record(Rules(0.3, causal=True))
    elsewhere = (
        Knockout("head", "decoder", 1, 0), Knockout("layer", "encoder", 0), Knockout("token", "encoder", key=1),
        Knockout("edge", "cross", query=3, key=1),
    )  # fmt: skip
    z = torch.zeros(1)
    assert knock_out(elsewhere)(given, z) is z
    assert Knockout("token", "encoder", key=1).touches("cross", 7)
    assert not Knockout("token", "cross", key=1).touches("encoder", 7)


def test_what_a_query_sees() -> None:
    hides = torch.zeros(1, 1, Q, K).masked_fill(torch.ones(Q, K).triu(1).bool(), torch.finfo(torch.float32).min)
    for rules in (Rules(0.3, causal=True), Rules(0.3, mask=hides), Rules(0.3, mask=hides == 0)):
        assert sees(record(rules), slice(2, 4))[0].tolist() == [[True] * 3 + [False] * 4, [True] * 4 + [False] * 3]
    assert bool(sees(record(Rules(0.3)), slice(0, 1)).all())
    windowed = replace(Rules(0.3, causal=True), window=(1, 0))
    assert sees(record(windowed), slice(4, 5))[0, 0].tolist() == [False] * 3 + [True] * 2 + [False] * 2


def test_ablated() -> None:
    z = torch.randn(2, 3, 5, 4)
    assert torch.equal(ablated(z, "zero"), torch.zeros_like(z))
    assert torch.allclose(ablated(z, "mean")[:, :, 3], z.mean(2))
