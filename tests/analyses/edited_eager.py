"""The reference of the knockouts' tests: transformers' own model with an attention of plain torch, edited inside.

Nothing of the application computes here: scores, softmax and z are written out, and the model's own head gives logits.
"""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface, AttentionMaskInterface
from transformers.masking_utils import eager_mask

from app.attention.edits import Knockout
from app.models.run import Run, inputs_of

NAME = "edited-eager"


def logits_of(run: Run, edits: Sequence[Knockout] = (), mode: str = "zero") -> Tensor:
    """Logits [N, V] of the run's input through transformers' model with the edits."""
    given = run.model.network.model
    calls: dict[str, int] = {}

    def attention(
        module: Any, q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None, scaling: float | None = None,
        position_bias: Tensor | None = None, softcap: float | None = None, s_aux: Tensor | None = None, **_: Any,
    ) -> tuple[Tensor, None]:  # fmt: skip
        stack = stacks[id(module)]
        layer = calls[stack] = calls.get(stack, -1) + 1
        group = q.shape[1] // k.shape[1]
        k, v = k.repeat_interleave(group, 1), v.repeat_interleave(group, 1)
        scores = q @ k.transpose(2, 3) * (q.shape[-1] ** -0.5 if scaling is None else scaling)
        if softcap is not None:
            scores = torch.tanh(scores / softcap) * softcap
        for more in (mask, position_bias):
            if more is not None:
                scores = scores + more
        here = [e for e in edits if e.layer in (None, layer) and _is_in(e, stack)]
        for e in here:
            heads = slice(None) if e.head is None else [e.head]
            if e.kind == "token":
                for query in range(q.shape[2]):
                    if stack == "cross" or query != e.key:
                        scores[:, :, query, e.key] = -torch.inf
            elif e.kind == "edge" and e.edge == "resoftmax":
                scores[:, heads, e.query, e.key] = -torch.inf
        if s_aux is not None:
            sink = s_aux[None, :, None, None].expand(*scores.shape[:3], 1)
            probs = torch.cat([scores, sink], -1).softmax(-1)[..., :-1]
        else:
            probs = scores.softmax(-1)
        for e in here:
            if e.kind == "edge" and e.edge == "drop":
                probs[:, slice(None) if e.head is None else [e.head], e.query, e.key] = 0.0
        z = probs @ v
        for e in here:
            if e.kind in ("head", "layer"):
                heads = slice(None) if e.head is None else [e.head]
                z[:, heads] = 0.0 if mode == "zero" else z[:, heads].mean(2, keepdim=True)
        return z.transpose(1, 2).contiguous(), None

    AttentionInterface.register(NAME, attention)
    AttentionMaskInterface.register(NAME, eager_mask)
    config = copy.deepcopy(given.config)
    model = type(given)._from_config(config, attn_implementation=NAME).eval()
    model.load_state_dict(given.state_dict())
    stacks = {id(module): _stack(path, run.model.info.kind or "") for path, module in model.named_modules()}
    extra = {} if run.model.info.kind == "encoder" else {"use_cache": False}
    with torch.no_grad():
        found: Tensor = model(**inputs_of(run.model, run.tokens), **extra).logits[0]
    return found


def _is_in(edit: Knockout, stack: str) -> bool:
    return edit.stack == stack or (edit.kind == "token" and (edit.stack, stack) == ("encoder", "cross"))


def _stack(path: str, kind: str) -> str:
    if kind != "encoder-decoder":
        return kind
    if "encoder_attn" in path or "EncDecAttention" in path:
        return "cross"
    return "decoder" if "decoder." in path else "encoder"
