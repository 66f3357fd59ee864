"""Two runs side by side, against the formulas written out."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor

from app.analyses.align import align
from app.analyses.compare import compare, difference, divergence
from app.analyses.paired_rows import columns_of, unit_rows
from app.attention.maps import blocks
from app.errors import Cancelled, HeadlightError, NotApplicable, OutOfRange, StackUnknown, Unprocessable
from app.models.run import Run
from tests.made import made_run

A = "w7 w8 w9 w10 w11 w12 w13 w14"
B = "w7 w8 w20 w10 w21 w11 w13 w14 w22"
PAIRS = [(0, 0), (1, 1), (3, 3), (4, 5), (6, 6), (7, 7)]
NAMES = ("llama", "gemma2", "gpt_oss", "gptj")


def map_of(run: Run, stack: str, layer: int, head: int) -> Tensor:
    record = run.records(stack)[layer]
    parts = [probs for _, probs in blocks(record, slice(head, head + 1), range(record.shape[1]))]
    return torch.cat(parts, dim=1)[0].double()


def by_hand(a: Tensor, b: Tensor, rows: list[tuple[int, int]], cols: list[tuple[int, int]]) -> float:
    """The mean over paired rows of the divergence in bits, one rest column."""
    total = 0.0
    for i, j in rows:
        p = [float(a[i, x]) for x, _ in cols]
        q = [float(b[j, y]) for _, y in cols]
        p, q = torch.tensor([*p, max(0.0, 1 - sum(p))]), torch.tensor([*q, max(0.0, 1 - sum(q))])
        m = (p + q) / 2
        for x in (p, q):
            total += float(0.5 * (x * (x / m).log2()).nan_to_num(0.0).sum())
    return total / len(rows)


@pytest.mark.parametrize("name", NAMES)
def test_heads_are_ranked_by_their_divergence(name: str) -> None:
    a, b = made_run(name, A), made_run(name, B)
    found = compare(a, b)
    assert (found.by, found.pairs, found.col_pairs) == ("token", PAIRS, PAIRS)
    assert len(found.heads) == 12
    for head in found.heads:
        maps = (map_of(run, "decoder", head.layer, head.head) for run in (a, b))
        assert head.divergence == pytest.approx(by_hand(*maps, PAIRS, PAIRS), abs=1e-5)
    bits = [head.divergence for head in found.heads]
    assert bits == sorted(bits, reverse=True)
    assert bits[0] > 1e-3
    assert [check.name for check in found.checks if not check.ok] == []
    assert len(found.checks) == 4
    other = compare(b, a)
    assert [h.divergence for h in other.heads] == pytest.approx(bits, abs=1e-6)


def test_a_run_does_not_differ_from_itself() -> None:
    run = made_run("bert")
    found = compare(run, run)
    assert {head.divergence for head in found.heads} == {0.0}
    assert found.pairs == [(i, i) for i in range(12)]
    assert not difference(run, run, None, 1, 2).values.any()


def test_cross_attention_pairs_rows_and_columns_apart() -> None:
    a = made_run("bart", "w7 w8 w9 w10", target="w20 w21 w22")
    b = made_run("bart", "w7 w9 w10 w11", target="w20 w30 w22 w23")
    found = compare(a, b, "cross")
    assert found.pairs == [(0, 0), (1, 1), (3, 3)] or found.pairs == [(0, 0), (1, 1)]
    assert found.col_pairs == [(0, 0), (2, 1), (3, 2)]
    head = found.heads[0]
    maps = (map_of(run, "cross", head.layer, head.head) for run in (a, b))
    assert head.divergence == pytest.approx(by_hand(*maps, found.pairs, found.col_pairs), abs=1e-5)


def test_two_vocabularies_are_paired_by_their_places_in_one_text() -> None:
    """BERT's words with [CLS] and [SEP] beside words of another vocabulary, without them."""
    a, b = made_run("bert", A), other_vocabulary(made_run("bert", A, model=made_run("llama").model))
    pairing = align(a, b, "encoder", "decoder")
    assert pairing.by == "text"
    assert pairing.rows == [(i + 1, i + 2, i, i + 1) for i in range(8)]
    found = compare(a, b)
    assert (found.stack, found.stack_b) == ("encoder", "decoder")
    head = found.heads[0]
    maps = map_of(a, "encoder", head.layer, head.head), map_of(b, "decoder", head.layer, head.head)
    assert head.divergence == pytest.approx(by_hand(*maps, found.pairs, found.pairs), abs=1e-5)
    assert [check.name for check in found.checks if not check.ok] == []


def other_vocabulary(run: Run) -> Run:
    """The same run, of a model whose tokenizer has one word more."""

    class Tokenizer:
        def get_vocab(self) -> dict[str, int]:
            return {"other": 0}

    return replace(run, model=replace(run.model, tokenizer=Tokenizer()))


def test_units_of_several_tokens_sum_their_keys_and_average_their_queries() -> None:
    run = made_run("gpt_oss", A)
    full = map_of(run, "decoder", 1, 2).float()
    columns = columns_of(8, [(0, 2), (4, 5), (5, 8)])
    found = unit_rows(run.records("decoder")[1], slice(2, 3), [(1, 2), (3, 6)], columns)[0]
    for row, queries in zip(found, ([1], [3, 4, 5]), strict=True):
        mean = full[queries].mean(0)
        expected = torch.stack([mean[0:2].sum(), mean[4], mean[5:8].sum()])
        assert torch.allclose(row[:-1], expected, atol=1e-6)
        assert float(row.sum()) == pytest.approx(1.0, abs=1e-6)


def test_blocks_add_up(monkeypatch: pytest.MonkeyPatch) -> None:
    a, b = made_run("llama", A), made_run("llama", B)
    whole, shown = compare(a, b), difference(a, b, None, 1, 2)
    for place in ("app.analyses.paired_rows.PAIR_CELLS", "app.attention.maps.BLOCK_CELLS"):
        monkeypatch.setattr(place, 60)
    parts = compare(a, b)
    assert [(h.layer, h.head) for h in parts.heads] == [(h.layer, h.head) for h in whole.heads]
    assert [h.divergence for h in parts.heads] == pytest.approx([h.divergence for h in whole.heads], abs=1e-6)
    assert torch.allclose(difference(a, b, None, 1, 2).values, shown.values, atol=1e-7)


def test_the_difference_is_b_minus_a_with_its_sign() -> None:
    a, b = made_run("llama", A), made_run("llama", B)
    found = difference(a, b, None, 1, 2)
    assert found.values.shape == (1, 1, 6, 6)
    one, two = map_of(a, "decoder", 1, 2), map_of(b, "decoder", 1, 2)
    for r, (i, j) in enumerate(PAIRS):
        for c, (x, y) in enumerate(PAIRS):
            assert float(found.values[0, 0, r, c]) == pytest.approx(float(two[j, y] - one[i, x]), abs=1e-6)
    assert bool((found.values < 0).any())
    assert bool((found.values > 0).any())
    ranked = {(h.layer, h.head): h.divergence for h in compare(a, b).heads}
    assert found.divergence == pytest.approx(ranked[1, 2], abs=1e-7)
    small = difference(a, b, None, 1, 2, size=2)
    assert (small.row_edges, small.col_edges, found.row_edges) == ([0, 3, 6], [0, 3, 6], None)
    for r in range(2):
        for c in range(2):
            cells = found.values[0, 0, 3 * r : 3 * r + 3, 3 * c : 3 * c + 3].flatten()
            assert float(small.values[0, 0, r, c]) == float(cells[cells.abs().argmax()])
    other = difference(a, b, None, 1, 2, layer_b=0, head_b=3)
    assert not torch.equal(other.values, found.values)
    assert (other.layer_b, other.head_b) == (0, 3)


def test_models_of_different_shape_have_no_ranking_but_a_map() -> None:
    bart, bert = made_run("bart", A, target="w20"), made_run("bert", A)
    found = compare(bart, bert, "encoder")
    assert found.heads == []
    assert "counterparts" in found.warnings[0]
    assert difference(bart, bert, "encoder", 1, 2, layer_b=2).values.shape == (1, 1, 8, 8)


def test_divergence_is_of_bits() -> None:
    p = torch.tensor([[1.0, 0.0], [0.5, 0.5], [0.25, 0.75]])
    q = torch.tensor([[0.0, 1.0], [0.5, 0.5], [0.75, 0.25]])
    expected = [1.0, 0.0, 1 - 0.8112781244591328]  # H(1/4, 3/4) = 0.8113 bits
    assert divergence(p, q).tolist() == pytest.approx(expected, abs=1e-7)


def test_it_says_where_it_is_and_can_be_stopped() -> None:
    a, b = made_run("llama", A), made_run("llama", B)
    stages = []
    compare(a, b, progress=stages.append)
    assert [(stage.done, stage.total) for stage in stages] == [(0, 3), (1, 3), (2, 3)]
    with pytest.raises(Cancelled):
        compare(a, b, cancelled=lambda: True)


WRONG: list[tuple[dict[str, Any], type[HeadlightError]]] = [
    ({"layer": 3}, OutOfRange),
    ({"head": -1}, OutOfRange),
    ({"layer_b": 3}, OutOfRange),
    ({"head_b": 4}, OutOfRange),
    ({"size": 0}, OutOfRange),
    ({"stack": "cross"}, StackUnknown),
]


@pytest.mark.parametrize(("asked", "error"), WRONG, ids=str)
def test_what_cannot_be_is_refused(asked: dict[str, Any], error: type[HeadlightError]) -> None:
    with pytest.raises(error) as raised:
        difference(made_run("llama", A), made_run("llama", B), **{"stack": None, "layer": 0, "head": 0} | asked)
    assert raised.value.hint


def test_runs_that_do_not_go_together_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    a = made_run("bert", A)
    with pytest.raises(NotApplicable, match="text and in vocabulary"):
        compare(a, other_vocabulary(made_run("bert", B)))
    with pytest.raises(NotApplicable, match="no token in common"):
        compare(made_run("llama", "w7 w8"), made_run("llama", "w20 w21"))
    with pytest.raises(NotApplicable, match="Cross attention"):
        compare(made_run("bart", A, target="w20"), made_run("llama", A), "cross")
    with pytest.raises(StackUnknown):
        compare(made_run("bart", A, target="w20"), a)
    monkeypatch.setattr("app.analyses.compare.MOST_DIFFERENCE_CELLS", 10)
    with pytest.raises(Unprocessable, match="too many numbers"):
        difference(a, a, None, 0, 0)
    assert difference(a, a, None, 0, 0, size=3).values.shape == (1, 1, 3, 3)
