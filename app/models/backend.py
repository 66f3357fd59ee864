"""Our attention inside transformers: one attention function and one mask function, registered under one name.

transformers calls `attention` in every layer of every model that goes through its attention interface. The pass runs
at the speed of its fused attention (sdpa); where that cannot say what the model means (a softcap, sinks) attend()
itself runs, in blocks of rows. A recorder listens, if the pass has one.

The mask function must be registered too: without one, transformers builds no mask, and decoders silently see ahead.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask

from app.attention.core import attend
from app.attention.recorder import current
from app.attention.rules import Rules, bias_by_distance, rules_from_mask

NAME = "headlight"
BLOCK_CELLS = 1024 * 1024
"""Cells of scores computed at once where sdpa cannot run."""


def register() -> None:
    """Make `attn_implementation="headlight"` known to transformers. Calling it again changes nothing."""
    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, sdpa_mask)


def attention(
    module: nn.Module,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor | None,
    dropout: float = 0.0,
    scaling: float | None = None,
    is_causal: bool | None = None,
    position_bias: Tensor | None = None,
    softcap: float | None = None,
    s_aux: Tensor | None = None,
    **__: Any,
) -> tuple[Tensor, None]:
    """One layer's attention, by transformers' convention: q [B, H, Q, D], k and v [B, G, K, D] -> z [B, Q, H, Dv].

    `position_bias` [1, H, Q, K] comes from T5, `softcap` from Gemma 2, `s_aux` (sinks) [H] from gpt-oss.
    """
    recorder = current.get()
    if recorder is not None:
        value = recorder.values(recorder.stack_of(module), value)
    fused = softcap is None and s_aux is None
    if fused:
        z, _ = sdpa_attention_forward(
            module, query, key, value, attention_mask,
            dropout=dropout, scaling=scaling, is_causal=is_causal, position_bias=position_bias,
        )  # fmt: skip
        if recorder is None:
            return z, None

    def make() -> Rules:
        wants_causal = is_causal if is_causal is not None else bool(getattr(module, "is_causal", True))
        causal = wants_causal and attention_mask is None and query.shape[2] > 1
        scale = query.shape[-1] ** -0.5 if scaling is None else scaling
        return read_rules(scale, softcap, s_aux, causal, attention_mask, position_bias)

    if recorder is None:
        rules = make()
    else:  # layers share one mask and one bias: each is read once a pass
        sources = (attention_mask, position_bias, s_aux)
        flags = (scaling, softcap, is_causal, getattr(module, "is_causal", None))
        rules = recorder.rules_once((*map(id, sources), *flags), sources, make)
    if not fused:
        z = _attend_in_blocks(query, key, value, rules).transpose(1, 2).contiguous()
    if recorder is None:
        return z, None
    by_head = z.transpose(1, 2)
    goes_on = recorder.keep(recorder.stack_of(module), query, key, value, rules, by_head)
    return (z if goes_on is by_head else goes_on.transpose(1, 2).contiguous()), None


def read_rules(
    scale: float,
    softcap: float | None,
    sinks: Tensor | None,
    causal: bool,
    mask: Tensor | None,
    position_bias: Tensor | None,
) -> Rules:
    """What transformers hands to an attention function, as rules in their smallest form."""
    rules = rules_from_mask(Rules(scale=scale, softcap=softcap, causal=causal, sinks=sinks), mask)
    if position_bias is None or not bool(position_bias.any()):
        return rules
    table = bias_by_distance(position_bias)
    if table is not None:
        return replace(rules, distance_bias=table)
    hidden = torch.zeros_like(position_bias) if rules.mask is None else rules.mask
    if hidden.dtype == torch.bool:  # a bias that is no function of distance: kept whole, with the mask in it
        hidden = torch.where(hidden, 0.0, torch.finfo(position_bias.dtype).min)
    return replace(rules, mask=position_bias + hidden)


def _attend_in_blocks(q: Tensor, k: Tensor, v: Tensor, rules: Rules) -> Tensor:
    """z [B, H, Q, Dv] by attend(), never more than a block of scores at once, where gradients flow neither."""
    step = max(1, BLOCK_CELLS // (q.shape[0] * q.shape[1] * k.shape[2]))

    def z(rows: slice) -> Tensor:
        return attend(q, k, v, rules, rows).z

    blocks = [slice(i, i + step) for i in range(0, q.shape[2], step)]
    if torch.is_grad_enabled():
        return torch.cat([checkpoint(z, rows, use_reentrant=False) for rows in blocks], dim=2)
    return torch.cat([z(rows) for rows in blocks], dim=2)
