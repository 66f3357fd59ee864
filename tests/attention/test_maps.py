"""Maps on demand equal attend(), whatever the block, the window and the bins."""

from __future__ import annotations

import pytest
import torch

from app.attention import maps
from app.attention.core import attend
from app.attention.maps import Pool, bin_edges, blocks, look
from app.attention.recorder import LayerRecord
from app.attention.rules import Rules
from tests.attention.test_core import close, qkv

N = 37


def record(sinks: bool = False) -> tuple[LayerRecord, torch.Tensor]:
    q, k, v = (t[:1] for t in qkv(queries=N, keys=N))
    rules = Rules(0.3, causal=True, sinks=torch.zeros(6) if sinks else None)
    return LayerRecord("decoder", 0, q, k, v, rules), attend(q, k, v, rules).probs[0]


@pytest.mark.parametrize("heads", [slice(0, 6), slice(0, 1), slice(4, 5), slice(1, 5), slice(3, 6)])
def test_some_heads_are_those_heads(heads: slice) -> None:
    layer, whole = record()
    close(look(layer, heads, bin_edges(range(N)), bin_edges(range(N))).values, whole[heads])


@pytest.mark.parametrize("cells", [10**9, 500, 1])
@pytest.mark.parametrize("size", [None, 1, 5, 10, 64])
@pytest.mark.parametrize("pool", ["max", "mean"])
def test_pooling_is_the_same_in_blocks(
    monkeypatch: pytest.MonkeyPatch, cells: int, size: int | None, pool: Pool
) -> None:
    monkeypatch.setattr(maps, "BLOCK_CELLS", cells)
    layer, whole = record()
    rows, cols = bin_edges(range(3, 36), size), bin_edges(range(1, N), size)
    seen = look(layer, slice(0, 6), rows, cols, pool, causal=True)
    for i in range(len(rows) - 1):
        for j in range(len(cols) - 1):
            part = whole[:, rows[i] : rows[i + 1], cols[j] : cols[j + 1]]
            close(seen.values[:, i, j], part.amax((1, 2)) if pool == "max" else part.mean((1, 2)))
    assert seen.row_sum_error <= 1e-6
    assert seen.above_diagonal == 0.0


def test_a_word_takes_the_sum_of_its_keys_and_the_mean_of_its_queries() -> None:
    layer, whole = record()
    rows, cols = [0, 2, 3, N], [0, 5, N]
    seen = look(layer, slice(2, 3), rows, cols, "words")
    close(seen.values[0, 2, 1], whole[2, 3:, 5:].sum(-1).mean())
    close(seen.values.sum(-1), torch.ones(1, 3))


def test_a_block_never_holds_more_than_it_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(maps, "BLOCK_CELLS", 6 * N * 4)
    layer, _ = record()
    sizes = [probs.numel() for _, probs in blocks(layer, slice(0, 6), range(N))]
    assert max(sizes) <= 6 * N * 4
    assert len(sizes) == 10


def test_checks_notice_what_is_wrong() -> None:
    layer, whole = record()
    wrong = whole.clone()
    wrong[0, 3, 3] += 0.25
    wrong[1, 2, 9] = 0.125
    bad = LayerRecord("decoder", 0, None, None, None, layer.rules, maps=wrong[None])
    seen = look(bad, slice(0, 6), bin_edges(range(N)), bin_edges(range(N)), causal=True)
    assert seen.row_sum_error == pytest.approx(0.25, abs=1e-5)
    assert seen.above_diagonal == 0.125


def test_a_sink_takes_its_share_without_failing_the_check() -> None:
    layer, whole = record(sinks=True)
    seen = look(layer, slice(0, 6), bin_edges(range(N)), bin_edges(range(N)))
    assert float(whole.sum(-1).max()) < 1.0
    assert seen.row_sum_error <= 1e-6


@pytest.mark.parametrize(
    ("length", "size", "edges"), [(5, 2, [0, 2, 5]), (4, 9, [0, 1, 2, 3, 4]), (6, 3, [0, 2, 4, 6])]
)
def test_bins_are_as_equal_as_can_be(length: int, size: int, edges: list[int]) -> None:
    assert bin_edges(range(length), size) == edges
