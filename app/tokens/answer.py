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

NEAR = 8
"""How many ids before a continuation it is decoded with."""


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


def written_token(tokenizer: PreTrainedTokenizerBase, token_id: int, index: int) -> Token:
    """A token that was written at `index`, and is in no text yet: without offsets and without a word."""
    name = str(tokenizer.convert_ids_to_tokens([token_id])[0])
    special = token_id in tokenizer.all_special_ids
    return Token(index, token_id, name, readable(tokenizer, [token_id])[0], None, None, None, special, 0, 1)


def continuation(tokenizer: PreTrainedTokenizerBase, before: Sequence[int], ids: Sequence[int]) -> str:
    """What `ids` add to a text whose last ids are `before`; special tokens are left out.

    Decoded together, since in many vocabularies the first token of a text loses its space.
    """
    near = list(before[-NEAR:])
    told = {"skip_special_tokens": True, "clean_up_tokenization_spaces": False}
    base, whole = (str(tokenizer.decode(part, **told)) for part in (near, [*near, *ids]))
    return whole[len(base) :] if whole.startswith(base) else str(tokenizer.decode(list(ids), **told))


def filled(tokenizer: PreTrainedTokenizerBase, text: str, ids: Sequence[int]) -> str:
    """The text with its first masks filled by `ids`."""
    mask = str(tokenizer.mask_token)
    parts = text.split(mask)
    made = parts[0]
    for i, part in enumerate(parts[1:]):
        if i >= len(ids):
            made += mask + part
            continue
        name, word = str(tokenizer.convert_ids_to_tokens([ids[i]])[0]), readable(tokenizer, [ids[i]])[0]
        if name.startswith("##"):  # goes on with the word before
            made = made.rstrip()
        made += (word.lstrip() if made[-1:].isspace() else word) + part
    return made
