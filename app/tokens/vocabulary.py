"""The whole vocabulary of a tokenizer, as a person reads it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.tokens.display import convention

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def readable_vocabulary(tokenizer: PreTrainedTokenizerBase, size: int) -> tuple[str, ...]:
    """The text of every id below `size`; ids that the model has and the tokenizer has not are "⟨50260⟩"."""
    names: list[str | None] = [None] * size
    for name, index in tokenizer.get_vocab().items():
        if index < size:
            names[index] = name
    display = convention(tokenizer.backend_tokenizer if tokenizer.is_fast else None)
    as_they_are = set(tokenizer.added_tokens_decoder)
    return tuple(
        f"⟨{index}⟩" if name is None else name if index in as_they_are else display(name)
        for index, name in enumerate(names)
    )
