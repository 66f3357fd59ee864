"""A model in memory, with everything that is known of it."""

from __future__ import annotations

from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cached_property
from threading import Lock
from typing import Any

from transformers import PreTrainedTokenizerBase

from app.checks import Check
from app.models.anatomy import Anatomy, find_anatomy
from app.models.ending import Ending, find_ending
from app.models.forward import Network
from app.models.info import ModelInfo
from app.models.input_gradients import Means
from app.models.lately import Lately
from app.models.price import Shapes
from app.models.residual import Residual, find_residual
from app.tokens.vocabulary import readable


@dataclass(frozen=True, eq=False)
class LoadedModel:
    """`bytes` is the size of its parameters and buffers; `checks` is what the self-check found at load."""

    info: ModelInfo
    network: Network
    tokenizer: PreTrainedTokenizerBase
    shapes: Shapes
    bytes: int
    dtype: str
    checks: tuple[Check, ...]
    tokenizing: AbstractContextManager[Any] = field(default_factory=Lock)
    """Held while texts are tokenized: tokenizers with two vocabularies (Marian) switch between them in place."""
    lately: Lately = field(default_factory=Lately, repr=False)
    means: Means = field(default_factory=Means, repr=False)

    @cached_property
    def vocabulary(self) -> tuple[str, ...]:
        """The readable text of every id; made when somebody first searches it (half a second for 50,000)."""
        return tuple(readable(self.tokenizer, range(self.info.vocab or len(self.tokenizer))))

    @cached_property
    def anatomy(self) -> Anatomy:
        """How each layer's attention is joined to the rest; found by a short pass when somebody first asks."""
        return find_anatomy(self.network)

    @cached_property
    def ending(self) -> Ending | None:
        """What stands between the last layer and the head; found by a short pass when somebody first asks."""
        return find_ending(self.network)

    @cached_property
    def residual(self) -> Residual:
        """What each block adds to the stream that the head reads; found by a short pass when somebody first asks."""
        return find_residual(self.network, self.anatomy)
