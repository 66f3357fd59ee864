"""What is known about a model: the facts the catalogue lists and the API calls `Model`."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from app.errors import NoLanguageHead

Kind = Literal["encoder", "decoder", "encoder-decoder"]
Capture = Literal["full", "weights"]


@dataclass(frozen=True, slots=True)
class ModelInfo:
    """Counts are of one model; `None` where it is not known before the model is loaded.

    `capture` is "full" where queries, keys and values are kept, "weights" where the architecture gives
    its attention maps only. `pairs`: takes a second sentence. `language_head`: predicts words. `mask` is what is
    written for a word that a masked model shall fill in. `note`: what it can and cannot, from its card.
    """

    id: str
    name: str
    kind: Kind | None
    architecture: str | None
    layers: int | None
    heads: int | None
    kv_heads: int | None
    head_dim: int | None
    hidden: int | None
    vocab: int | None
    max_tokens: int | None
    parameters: int | None
    source: str
    revision: str | None
    licence: str | None
    loaded: bool
    capture: Capture | None
    pairs: bool | None
    language_head: bool | None
    bytes: int | None
    warnings: tuple[str, ...] = ()
    mask: str | None = None
    note: str | None = None


def require_language_head(info: ModelInfo) -> None:
    """Raises NoLanguageHead for a model that predicts no words."""
    if not info.language_head:
        raise NoLanguageHead(
            "This model was trained without a head that predicts words.", "Choose a model with one, such as smollm2."
        )
