"""What differs by architecture. The defaults hold for most, so most architectures need no file here."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from app.models.info import Kind

Unembed = Callable[[Any, Tensor], Tensor]
"""(model, final hidden states [..., W]) -> logits [..., V]."""


def default_unembed(model: Any, final: Tensor) -> Tensor:
    """The output embedding, then what the model adds: a bias over the vocabulary (BART, Marian), a softcap (Gemma)."""
    logits: Tensor = model.get_output_embeddings()(final)
    bias = getattr(model, "final_logits_bias", None)
    if bias is not None:
        logits = logits + bias[0]
    cap = getattr(model.config, "final_logit_softcapping", None)
    return logits if cap is None else (logits / cap).tanh() * cap


@dataclass(frozen=True, slots=True)
class Family:
    """kind: where transformers' own lists of classes would guess it wrong.
    unembed: from the final hidden states to logits, through the model's own head.
    arguments: given to every forward pass of the body.
    position_offset: positions of the table that no token uses (RoBERTa counts from the padding index on).
    """

    kind: Kind | None = None
    unembed: Unembed = default_unembed
    arguments: Mapping[str, Any] = field(default_factory=dict)
    position_offset: int = 0
