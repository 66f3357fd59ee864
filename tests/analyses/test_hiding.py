"""What can be hidden of a map, against the plain map with the same cells taken away."""

from __future__ import annotations

from itertools import pairwise

import pytest
import torch

from app.analyses.attention import attention
from app.analyses.lenses.no_sink import find_sinks
from app.errors import Unprocessable
from tests.made import made_run


def test_special_tokens_are_left_out_and_nothing_is_renormalised() -> None:
    run = made_run("bert")
    special = torch.tensor([token.special for token in run.tokens["encoder"].items])
    assert special.any()
    plain = attention(run, layer=1).values
    answer = attention(run, layer=1, hide=["special"])
    expected = plain.masked_fill(special, torch.nan).masked_fill(special[:, None], torch.nan)
    assert torch.equal(answer.values.nan_to_num(-1.0), expected.nan_to_num(-1.0))
    assert answer.hide == ["special"]
    assert answer.hidden_rows == answer.hidden_cols == special.nonzero().flatten().tolist()
    assert answer.warnings
    assert all(check.ok for check in answer.checks)


@pytest.mark.parametrize("name", ["llama", "bert", "gpt_oss"])
def test_each_head_loses_its_own_sink(name: str) -> None:
    run = made_run(name)
    stack = run.stacks[0]
    plain = attention(run, layer=0).values[0]
    answer = attention(run, layer=0, hide=["sink"])
    sinks = find_sinks(run.records(stack.name)[0], slice(0, stack.heads), causal=stack.name == "decoder")
    assert answer.sinks == [sinks]
    expected = plain.clone()
    for head, sink in enumerate(sinks):
        if sink is not None:
            expected[head, :, sink] = torch.nan
    assert torch.equal(answer.values[0].nan_to_num(-1.0), expected.nan_to_num(-1.0))


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_bins_are_of_what_is_left(pool: str) -> None:
    run = made_run("bert")
    special = torch.tensor([token.special for token in run.tokens["encoder"].items])
    plain = attention(run, layer=0, head=1).values[0, 0]
    answer = attention(run, layer=0, head=1, size=4, pool=pool, hide=["special"])  # type: ignore[arg-type]
    assert answer.row_edges
    assert answer.col_edges
    for r in range(4):
        for c in range(4):
            rows = [i for i in range(answer.row_edges[r], answer.row_edges[r + 1]) if not special[i]]
            cols = [i for i in range(answer.col_edges[c], answer.col_edges[c + 1]) if not special[i]]
            cell = plain[rows][:, cols]
            expected = cell.max() if pool == "max" else cell.mean()
            assert float(answer.values[0, 0, r, c]) == pytest.approx(float(expected), abs=1e-6)


def test_words_sum_what_is_left() -> None:
    run = made_run("bert")
    plain = attention(run, layer=0, head=1, group="word", hide=["special"])
    assert plain.values[0, 0, 0].isnan().all()
    assert plain.values[0, 0, :, 0].isnan().all()
    assert not plain.values[0, 0, 1:-1, 1:-1].isnan().any()


def test_a_map_without_heads_loses_its_own_sink() -> None:
    run = made_run("llama")
    plain = attention(run, layer=2, lens="rollout").values[0, 0]
    answer = attention(run, layer=2, lens="rollout", hide=["sink"])
    assert answer.sinks is not None
    sink = answer.sinks[0][0]
    expected = plain.clone()
    if sink is not None:
        expected[:, sink] = torch.nan
    assert torch.equal(answer.values[0, 0].nan_to_num(-1.0), expected.nan_to_num(-1.0))


def test_other_things_cannot_be_hidden() -> None:
    with pytest.raises(Unprocessable, match="cannot be hidden"):
        attention(made_run("llama"), layer=0, hide=["everything"])


@pytest.mark.parametrize("pool", ["max", "mean"])
def test_more_words_than_size_are_pooled(pool: str) -> None:
    run = made_run("bert")
    words = attention(run, layer=0, head=1, group="word", hide=["special"]).values[0, 0]
    answer = attention(run, layer=0, head=1, group="word", size=5, pool=pool, hide=["special"])  # type: ignore[arg-type]
    assert answer.row_edges == answer.col_edges == [0, 2, 4, 7, 9, 12]
    for r, (top, bottom) in enumerate(pairwise(answer.row_edges)):
        for c, (left, right) in enumerate(pairwise(answer.row_edges)):
            cell = words[top:bottom, left:right]
            seen = cell[~cell.isnan()]
            expected = seen.max() if pool == "max" else seen.mean()
            assert float(answer.values[0, 0, r, c]) == pytest.approx(float(expected), abs=1e-6)
