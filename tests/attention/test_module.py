"""MultiHeadAttention equals torch.nn.MultiheadAttention on the same weights, in value and in gradient."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from app.attention.module import MultiHeadAttention
from app.attention.rules import Rules

LIMIT = 1e-5


@pytest.mark.parametrize("causal", [True, False])
@pytest.mark.parametrize("bias", [True, False])
def test_value_and_gradient_equal_torch(causal: bool, bias: bool) -> None:
    torch.manual_seed(0)
    theirs = nn.MultiheadAttention(24, 4, bias=bias, batch_first=True)
    ours = MultiHeadAttention.from_torch(theirs)
    x = torch.randn(3, 9, 24, requires_grad=True)
    y = x.detach().clone().requires_grad_()
    mask = torch.triu(torch.ones(9, 9, dtype=torch.bool), diagonal=1) if causal else None
    expected, maps = theirs(x, x, x, attn_mask=mask, average_attn_weights=False)
    got, seen = ours(y, rules=Rules(6**-0.5, causal=causal))
    aim = torch.randn_like(expected)
    (expected * aim).sum().backward()
    (got * aim).sum().backward()
    assert theirs.in_proj_weight.grad is not None
    pairs = {
        "output": (got, expected),
        "maps": (seen.probs, maps),
        "gradient of x": (y.grad, x.grad),
        "gradient of q's weights": (ours.query.weight.grad, theirs.in_proj_weight.grad[:24]),
        "gradient of k's weights": (ours.key.weight.grad, theirs.in_proj_weight.grad[24:48]),
        "gradient of v's weights": (ours.value.weight.grad, theirs.in_proj_weight.grad[48:]),
        "gradient of the output's weights": (ours.output.weight.grad, theirs.out_proj.weight.grad),
    }
    for name, (a, b) in pairs.items():
        difference = float((a - b).detach().abs().max())
        assert difference <= LIMIT, f"{name}: largest difference {difference:.2e}"


def test_cross_attention_equals_torch() -> None:
    torch.manual_seed(1)
    theirs = nn.MultiheadAttention(24, 3, batch_first=True)
    x, context = torch.randn(2, 5, 24), torch.randn(2, 8, 24)
    expected, _ = theirs(x, context, context)
    difference = float((MultiHeadAttention.from_torch(theirs)(x, context)[0] - expected).detach().abs().max())
    assert difference <= LIMIT, f"largest difference {difference:.2e}"


def test_grouped_heads_are_heads_with_their_key_head_repeated() -> None:
    torch.manual_seed(2)
    grouped = MultiHeadAttention(24, 4, kv_heads=2)
    full = MultiHeadAttention(24, 4)
    with torch.no_grad():
        full.query.load_state_dict(grouped.query.state_dict())
        full.output.load_state_dict(grouped.output.state_dict())
        for ours, theirs in ((full.key, grouped.key), (full.value, grouped.value)):
            ours.weight.copy_(theirs.weight.reshape(2, 6, 24).repeat_interleave(2, dim=0).reshape(24, 24))
    x = torch.randn(2, 7, 24)
    assert float((full(x)[0] - grouped(x)[0]).detach().abs().max()) <= LIMIT


@pytest.mark.parametrize(("width", "heads", "kv_heads"), [(10, 4, None), (12, 4, 3)])
def test_widths_that_do_not_divide_are_refused(width: int, heads: int, kv_heads: int | None) -> None:
    with pytest.raises(ValueError, match="multiple"):
        MultiHeadAttention(width, heads, kv_heads)
