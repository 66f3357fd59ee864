"""Where lenses differ: by head against the formula over whole maps, the pairs, and what cannot be compared."""

from __future__ import annotations

import math
from typing import Any

import pytest
import torch

from app.analyses.attention import attention
from app.analyses.disagreement import disagreement
from app.errors import HeadlightError, NeedsStream, NotApplicable, OutOfRange, StackUnknown, Unprocessable
from tests.made import made_run

PAIRS = [("bert", "encoder", ("raw", "norm")), ("llama", "decoder", ("raw", "no-sink", "norm", "gradient")),
         ("t5", "cross", ("norm", "gradient")), ("gptj", "decoder", ("raw", "no-sink"))]  # fmt: skip


@pytest.mark.parametrize("cells", [1, 100, 10**9])
@pytest.mark.parametrize(("name", "stack", "lenses"), PAIRS)
def test_by_its_formula_over_whole_maps(
    monkeypatch: pytest.MonkeyPatch, name: str, stack: str, lenses: tuple[str, ...], cells: int
) -> None:
    monkeypatch.setattr("app.analyses.disagreement.CELLS", cells)
    run = made_run(name, target="w20 w21 w22" if name == "t5" else None)
    found = disagreement(run, stack, lenses=lenses)
    assert all(check.ok for check in found.checks)
    assert found.checks
    assert len(found.heads) == run.stack(stack).layers * run.stack(stack).heads
    values = torch.stack(
        [torch.cat([attention(run, stack, i, lens=lens).values for i in found.layers]) for lens in lenses]
    ).abs()  # [lenses, layers, heads, Q, K]
    p = values / values.sum(-1, keepdim=True)
    mean = p.mean(0)
    divergence = torch.where(p > 0, p * (p / mean).log2(), 0.0 * p).sum(-1).mean(0)  # the mean of KL(p_l || mean)
    there = ~divergence.isnan()
    expected = divergence.nan_to_num(0.0).sum(-1) / there.sum(-1)
    for head in found.heads:
        assert head.divergence == pytest.approx(float(expected[head.layer, head.head]), abs=1e-5)
        assert head.queries == int(there[head.layer, head.head].sum())
        assert 0 <= head.divergence <= math.log2(len(lenses)) + 1e-6
    spread = (p.amax(0) - p.amin(0)).nan_to_num(0.0)
    largest = spread.flatten().topk(20).values
    assert [pair.difference for pair in found.pairs] == pytest.approx(largest.tolist(), abs=1e-5)
    for pair in found.pairs:
        shares = p[:, pair.layer, pair.head, pair.query, pair.key].tolist()
        assert list(pair.shares.values()) == pytest.approx(shares, abs=1e-5)
        assert list(pair.shares) == list(lenses)


def test_raw_and_norm_unless_told_and_a_lens_agrees_with_what_is_the_same() -> None:
    assert disagreement(made_run("llama"), layer=1).lenses == ["raw", "norm"]
    even = disagreement(made_run("gptj"), layer=1)
    assert even.lenses == ["raw", "no-sink"]
    sinkless = attention(made_run("gptj"), layer=1, lens="no-sink").sinks
    assert sinkless is not None
    for head, sink in zip(even.heads, sinkless[0], strict=True):
        if sink is None:
            assert head.divergence == pytest.approx(0.0, abs=1e-6)


WRONG: list[tuple[dict[str, Any], type[HeadlightError]]] = [
    ({"lenses": ["raw"]}, Unprocessable),
    ({"lenses": []}, Unprocessable),
    ({"lenses": ["raw", "raw"]}, Unprocessable),
    ({"lenses": ["raw", "rollout"]}, Unprocessable),
    ({"lenses": ["raw", "nothing"]}, Unprocessable),
    ({"layer": 3}, OutOfRange),
    ({"stack": "cross"}, StackUnknown),
    ({"limit": 0}, OutOfRange),
    ({"limit": 201}, OutOfRange),
    ({"lenses": ["raw", "gradient"], "position": 10}, OutOfRange),
    ({"lenses": ["raw", "gradient"], "budget": 1e-12}, NeedsStream),
]


@pytest.mark.parametrize(("asked", "error"), WRONG, ids=str)
def test_what_cannot_be_compared(asked: dict[str, Any], error: type[HeadlightError]) -> None:
    with pytest.raises(error) as raised:
        disagreement(made_run("llama"), **asked)
    assert raised.value.hint


def test_a_model_of_weights_only_has_no_norm_to_compare() -> None:
    with pytest.raises(NotApplicable):
        disagreement(made_run("gptj"), lenses=["raw", "norm"])
