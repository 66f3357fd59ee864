"""A mask read into rules says exactly what the mask said."""

from __future__ import annotations

import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from app.attention.rules import Rules, bias_by_distance, rules_from_mask, visible

CPU = torch.device("cpu")


def rebuilt(rules: Rules, queries: int, keys: int) -> torch.Tensor:
    seen = visible(rules, slice(None), queries, keys, CPU)
    return torch.ones(1, 1, queries, keys, dtype=torch.bool) if seen is None else seen.expand(1, 1, queries, keys)


def windowed(queries: int, keys: int, left: int, right: int, padded: int) -> torch.Tensor:
    ahead = torch.arange(keys)[None, :] - torch.arange(queries)[:, None]
    mask = (ahead <= right) & (ahead >= -left)
    mask[:, keys - padded :] = False
    return mask[None, None]


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 9), st.integers(0, 9), st.integers(0, 9), st.integers(0, 2))
def test_windows_with_padding_are_kept_without_a_cell(n: int, left: int, right: int, padded: int) -> None:
    mask = windowed(n, n, left, right, padded)
    rules = rules_from_mask(Rules(1.0), mask)
    assert torch.equal(rebuilt(rules, n, n), mask)
    if padded == 0:
        assert rules.mask is None


@settings(max_examples=60, deadline=None)
@given(st.lists(st.booleans(), min_size=12, max_size=12))
def test_any_mask_comes_back_as_it_was(cells: list[bool]) -> None:
    mask = torch.tensor(cells).reshape(1, 1, 3, 4)
    assert torch.equal(rebuilt(rules_from_mask(Rules(1.0), mask), 3, 4), mask)


def test_the_smallest_form_is_found() -> None:
    causal = rules_from_mask(Rules(1.0), windowed(6, 6, 99, 0, 0))
    assert (causal.causal, causal.window, causal.padding, causal.mask) == (True, None, None, None)
    padded = rules_from_mask(Rules(1.0), windowed(6, 6, 99, 99, 2))
    assert padded.window is None
    assert padded.padding is not None
    assert padded.padding.tolist() == [[True, True, True, True, False, False]]
    sliding = rules_from_mask(Rules(1.0), windowed(6, 6, 2, 0, 0))
    assert (sliding.causal, sliding.window) == (True, (2, 0))


def test_an_additive_mask_that_only_hides_is_read_as_bool() -> None:
    mask = torch.where(windowed(5, 5, 99, 0, 0), 0.0, torch.finfo(torch.float32).min)
    assert rules_from_mask(Rules(1.0), mask).causal
    mixed = torch.randn(1, 1, 5, 5)
    assert rules_from_mask(Rules(1.0), mixed).mask is mixed


def test_a_bias_by_distance_is_a_vector_and_another_is_refused() -> None:
    table = torch.randn(2, 8, generator=torch.Generator().manual_seed(0))
    index = torch.arange(5)[None, :] - torch.arange(4)[:, None] + 3
    assert torch.equal(bias_by_distance(table[:, index][None]), table)
    assert bias_by_distance(torch.randn(1, 2, 4, 5)) is None
