"""The tokens of what a decoder wrote: ids first, text second, the other way round than everywhere else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from app.tokens.token import Token, Tokens
from app.tokens.tokenize import tokenize_target
from app.tokens.vocabulary import readable
from app.tokens.words import split_by_marks

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase


def answer_text(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> str:
    """The ids as text, without special tokens."""
    return str(tokenizer.decode(list(ids), skip_special_tokens=True))


def answer_tokens(tokenizer: PreTrainedTokenizerBase, ids: Sequence[int]) -> Tokens:
    """The tokens of generated ids, one for each.

    Offsets point into `answer_text`, and are known where the tokenizer would have cut that text into the same ids
    (or into these and more, when the answer was broken off); a model may spell a word as its tokenizer never does.
    """
    text = answer_text(tokenizer, ids)
    if text and not text.isspace():
        cut = tokenize_target(tokenizer, text)
        if cut.ids[: len(ids)] == list(ids):
            return replace(cut, items=cut.items[: len(ids)])
    names = [str(name) for name in tokenizer.convert_ids_to_tokens(list(ids))]
    special = [token_id in set(tokenizer.all_special_ids) for token_id in ids]
    words = split_by_marks(names, special)
    display = readable(tokenizer, ids)
    items = tuple(
        Token(i, token_id, names[i], display[i], None, None, words[i], special[i], 0, 1)
        for i, token_id in enumerate(ids)
    )
    return Tokens(items, "written by the model", len(text), ())
