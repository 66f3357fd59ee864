"""T5: the final states may be scaled before the output embedding, and positions have no table."""

from __future__ import annotations

from typing import Any

from torch import Tensor

from app.models.families.family import Family


def _unembed(model: Any, final: Tensor) -> Tensor:
    if getattr(model.config, "scale_decoder_outputs", False):
        final = final * model.model_dim**-0.5
    logits: Tensor = model.lm_head(final)
    return logits


T5 = Family(unembed=_unembed)
