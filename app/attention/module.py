"""MultiHeadAttention: attention as a layer to train, over the same attend() that the inspector is held against."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from app.attention.core import Attention, attend
from app.attention.rules import Rules


class MultiHeadAttention(nn.Module):
    """Projects to q, k and v, attends head by head, and projects the heads' z together back to the width.

    width     of the inputs and outputs
    heads     query heads; each is width / heads wide
    kv_heads  key/value heads, fewer than `heads` for grouped-query attention (Ainslie et al. 2023)

    Equal in value and gradient to `torch.nn.MultiheadAttention` on the same weights (`from_torch`), and unlike it
    gives every head's scores, probabilities and z.
    """

    def __init__(self, width: int, heads: int, kv_heads: int | None = None, bias: bool = True) -> None:
        super().__init__()
        kv_heads = kv_heads or heads
        if width % heads or heads % kv_heads:
            raise ValueError("width must be a multiple of heads, and heads a multiple of kv_heads")
        self.heads, self.kv_heads, self.head_width = heads, kv_heads, width // heads
        self.query = nn.Linear(width, width, bias=bias)
        self.key = nn.Linear(width, kv_heads * self.head_width, bias=bias)
        self.value = nn.Linear(width, kv_heads * self.head_width, bias=bias)
        self.output = nn.Linear(width, width, bias=bias)
        for projection in (self.query, self.key, self.value, self.output):
            nn.init.xavier_uniform_(projection.weight)
            if bias:
                nn.init.zeros_(projection.bias)

    def forward(self, x: Tensor, context: Tensor | None = None, rules: Rules | None = None) -> tuple[Tensor, Attention]:
        """x [B, Q, width] attends to context [B, K, width] (itself unless given) -> (output [B, Q, width], Attention).

        `rules` default to the textbook's: scale 1/sqrt(D) and nothing hidden.
        """
        context = x if context is None else context
        q = self._split(self.query(x), self.heads)  # [B, Q, width] -> [B, H, Q, D]
        k = self._split(self.key(context), self.kv_heads)  # [B, K, G * D] -> [B, G, K, D]
        v = self._split(self.value(context), self.kv_heads)
        seen = attend(q, k, v, rules or Rules(scale=self.head_width**-0.5))
        joined = seen.z.transpose(1, 2).flatten(2)  # [B, H, Q, D] -> [B, Q, width]
        return self.output(joined), seen

    def _split(self, x: Tensor, heads: int) -> Tensor:
        return x.reshape(*x.shape[:-1], heads, self.head_width).transpose(1, 2)

    @classmethod
    def from_torch(cls, theirs: nn.MultiheadAttention) -> MultiHeadAttention:
        """The same layer as torch's (one width for q, k and v, no added biases for k and v), weights copied."""
        if theirs.in_proj_weight is None or theirs.bias_k is not None or theirs.add_zero_attn:
            raise ValueError("only the plain form of torch.nn.MultiheadAttention can be copied")
        ours = cls(theirs.embed_dim, theirs.num_heads, bias=theirs.in_proj_bias is not None)
        projections = (ours.query, ours.key, ours.value)
        with torch.no_grad():
            for projection, weight in zip(projections, theirs.in_proj_weight.chunk(3), strict=True):
                projection.weight.copy_(weight)
            ours.output.weight.copy_(theirs.out_proj.weight)
            if theirs.in_proj_bias is not None:
                for projection, bias in zip(projections, theirs.in_proj_bias.chunk(3), strict=True):
                    projection.bias.copy_(bias)
                ours.output.bias.copy_(theirs.out_proj.bias)
        return ours
