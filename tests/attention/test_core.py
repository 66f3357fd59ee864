"""attend() against torch's own attention, and its rules against their definitions written out."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from app.attention.core import attend
from app.attention.rules import Rules, alibi

Qkv = tuple[Tensor, Tensor, Tensor]


def qkv(heads: int = 6, kv_heads: int = 2, queries: int = 7, keys: int = 7, width: int = 8, seed: int = 0) -> Qkv:
    generator = torch.Generator().manual_seed(seed)
    shapes = (heads, queries), (kv_heads, keys), (kv_heads, keys)
    q, k, v = (torch.randn(2, h, n, width, generator=generator) for h, n in shapes)
    return q, k, v


def close(ours: Tensor, theirs: Tensor, limit: float = 1e-6) -> None:
    difference = float((ours - theirs).abs().max())
    assert difference <= limit, f"largest difference {difference:.2e}"


@pytest.mark.parametrize("kv_heads", [6, 2, 1])
@pytest.mark.parametrize("causal", [True, False])
def test_equals_torch_for_grouped_heads(kv_heads: int, causal: bool) -> None:
    q, k, v = qkv(kv_heads=kv_heads)
    theirs = F.scaled_dot_product_attention(q, k, v, is_causal=causal, scale=0.3, enable_gqa=True)
    close(attend(q, k, v, Rules(0.3, causal=causal)).z, theirs)


def test_equals_torch_for_an_additive_mask_and_padding() -> None:
    q, k, v = qkv(kv_heads=6, queries=5, keys=9)
    padding = torch.ones(2, 9, dtype=torch.bool)
    padding[0, 6:] = False
    additive = torch.randn(2, 6, 5, 9, generator=torch.Generator().manual_seed(1))
    both = additive.masked_fill(~padding[:, None, None], -torch.inf)
    theirs = F.scaled_dot_product_attention(q, k, v, attn_mask=both, scale=0.3)
    close(attend(q, k, v, Rules(0.3, padding=padding, mask=additive)).z, theirs)


@pytest.mark.parametrize(("causal", "window"), [(True, (2, 0)), (False, (2, 3)), (False, (0, 0)), (True, None)])
@pytest.mark.parametrize("offset", [0, 4])
def test_a_window_by_its_definition(causal: bool, window: tuple[int, int] | None, offset: int) -> None:
    q, k, v = qkv(queries=5, keys=9)
    probs = attend(q, k, v, Rules(0.3, causal=causal, window=window, offset=offset)).probs
    left, right = window or (99, 99)
    for i in range(5):
        for j in range(9):
            ahead = j - (i + offset)
            may_see = -left <= ahead <= right and not (causal and ahead > 0)
            assert bool((probs[:, :, i, j] > 0).all()) == may_see, (i, j)


def test_softcap_bias_and_sinks_by_their_definitions() -> None:
    q, k, v = qkv(kv_heads=6, queries=4, keys=6)
    table = torch.randn(6, 9, generator=torch.Generator().manual_seed(2))
    sinks = torch.randn(6, generator=torch.Generator().manual_seed(3))
    probs = attend(q, k, v, Rules(0.5, softcap=2.0, distance_bias=table, sinks=sinks)).probs
    for b, h, i in ((0, 0, 0), (1, 5, 3), (0, 3, 2)):
        scores = [2.0 * torch.tanh(0.5 * q[b, h, i] @ k[b, h, j] / 2.0) + table[h, j - i + 3] for j in range(6)]
        exponents = torch.stack([*scores, sinks[h]]).exp()
        close(probs[b, h, i], exponents[:6] / exponents.sum())
    assert float(probs.sum(-1).max()) < 1.0


def test_alibi_is_a_bias_by_distance() -> None:
    q, k, v = qkv(kv_heads=6)
    slopes = torch.tensor([2.0**-i for i in range(1, 7)])
    positions = torch.arange(7)
    full = -slopes[:, None, None] * (positions[None, :] - positions[:, None]).abs()
    theirs = F.scaled_dot_product_attention(q, k, v, attn_mask=full[None].expand(2, -1, -1, -1), scale=0.3)
    close(attend(q, k, v, Rules(0.3, distance_bias=alibi(slopes, 7, 7))).z, theirs)


def test_a_query_that_may_see_nothing_gets_zeros() -> None:
    q, k, v = qkv()
    padding = torch.zeros(2, 7, dtype=torch.bool)
    padding[1] = True
    seen = attend(q, k, v, Rules(0.3, padding=padding))
    assert torch.equal(seen.probs[0], torch.zeros_like(seen.probs[0]))
    assert torch.equal(seen.z[0], torch.zeros_like(seen.z[0]))
    close(seen.probs[1].sum(-1), torch.ones(6, 7))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float16])
def test_stays_finite_where_exponentials_would_overflow(dtype: torch.dtype) -> None:
    q, k, v = (t.to(dtype) for t in qkv())
    seen = attend(q * 100, k * 100, v, Rules(1.0, causal=True))
    assert torch.isfinite(seen.probs).all()
    close(seen.probs.sum(-1), torch.ones(2, 6, 7))
    assert seen.z.dtype == dtype


def test_bfloat16_is_as_exact_as_its_inputs() -> None:
    q, k, v = (t.bfloat16() for t in qkv())
    exact = attend(q.double(), k.double(), v.double(), Rules(0.3, causal=True))
    close(attend(q, k, v, Rules(0.3, causal=True)).probs.double(), exact.probs, 1e-6)


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 9), st.integers(1, 9), st.integers(0, 5), st.booleans())
def test_rows_are_the_same_alone_and_together(queries: int, keys: int, offset: int, causal: bool) -> None:
    q, k, v = qkv(queries=queries, keys=keys)
    table = torch.randn(6, queries + keys - 1, generator=torch.Generator().manual_seed(0))
    rules = Rules(0.3, causal=causal, window=(3, 3), distance_bias=table, offset=offset)
    whole = attend(q, k, v, rules)
    for i in range(queries):
        part = attend(q, k, v, rules, slice(i, i + 1))
        close(part.probs, whole.probs[:, :, i : i + 1])
        close(part.z, whole.z[:, :, i : i + 1])
