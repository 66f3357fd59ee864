"""The vocabulary of a tokenizer, as a person reads it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from app.tokens.display import convention

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def readable(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> list[str]:
    """The text of each id. An id that the model has and the tokenizer has not is "⟨50260⟩".

    >>> readable(gpt2_tokenizer, [262, 50260])
    [' the', '⟨50260⟩']
    """
    display = convention(tokenizer.backend_tokenizer if tokenizer.is_fast else None)
    as_they_are = tokenizer.added_tokens_decoder
    known = len(tokenizer)
    names = tokenizer.convert_ids_to_tokens([i if i < known else 0 for i in ids])
    return [
        f"⟨{i}⟩" if i >= known or name is None else str(name) if i in as_they_are else display(str(name))
        for i, name in zip(ids, names, strict=True)
    ]
