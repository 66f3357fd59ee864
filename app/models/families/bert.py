"""BERT and those built like it: a transform stands before the output embedding, under a different name in each."""

from __future__ import annotations

from operator import attrgetter
from typing import Any

from torch import Tensor

from app.models.families.family import Family, Unembed


def through(*modules: str) -> Unembed:
    """An unembedding that runs the model's modules of these names one after the other."""

    def unembed(model: Any, final: Tensor) -> Tensor:
        for name in modules:
            final = attrgetter(name)(model)(final)
        return final

    return unembed


BERT = Family(unembed=through("cls"))
ROBERTA = Family(unembed=through("lm_head"), position_offset=2)
MPNET = Family(unembed=through("lm_head"), position_offset=2)
DISTILBERT = Family(unembed=through("vocab_transform", "activation", "vocab_layer_norm", "vocab_projector"))
ELECTRA = Family(unembed=through("generator_predictions", "generator_lm_head"))
ALBERT = Family(unembed=through("predictions"))
MODERNBERT = Family(unembed=through("head", "decoder"))
