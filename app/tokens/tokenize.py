"""From text to the tokens that a model is given, with the facts of each.

Never pads and never truncates, whatever the tokenizer's own file says (MiniLM's asks for both). Works for
tokenizers of the `tokenizers` library, which know each token's offsets, and for those written in Python
(Marian), which do not.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from app.checks import Check
from app.errors import EmptyText, TooManyTokens
from app.limits import SLOW_WORD
from app.tokens.display import convention
from app.tokens.offsets import Span, absorb, offset_checks
from app.tokens.text import clean_text
from app.tokens.token import Token, Tokens
from app.tokens.words import renumber, split_by_marks, split_by_space

if TYPE_CHECKING:
    from transformers import BatchEncoding, PreTrainedTokenizerBase

__all__ = ["Token", "Tokens", "clean_text", "tokenize", "tokenize_target"]


def tokenize(tokenizer: PreTrainedTokenizerBase, text: str, pair: str | None = None) -> Tokens:
    """The tokens of `text`, and of `pair` behind it, special tokens included.

    Raises EmptyText where the text comes to no token at all, TooManyTokens for a single word that a tokenizer
    written in Python would not finish.
    """
    texts = [text] if pair is None else [text, pair]
    if not tokenizer.is_fast:
        _refuse_long_words(texts)
    encoding = tokenizer(text, pair, **_options(tokenizer))
    return _tokens(tokenizer, encoding, texts)


def tokenize_target(tokenizer: PreTrainedTokenizerBase, target: str) -> Tokens:
    """The tokens of the decoder's side of an encoder-decoder: Marian, for one, has another vocabulary there."""
    if not tokenizer.is_fast:
        _refuse_long_words([target])
    encoding = tokenizer(text_target=target, **_options(tokenizer))
    return _tokens(tokenizer, encoding, [target])


def _options(tokenizer: PreTrainedTokenizerBase) -> dict[str, Any]:
    return {
        "add_special_tokens": True,
        "padding": False,
        "truncation": False,
        "return_attention_mask": True,
        "return_special_tokens_mask": True,
        "return_offsets_mapping": bool(tokenizer.is_fast),
        "verbose": False,
    }


def _tokens(tokenizer: PreTrainedTokenizerBase, encoding: BatchEncoding, texts: list[str]) -> Tokens:
    ids: list[int] = encoding["input_ids"]
    if not ids:
        raise EmptyText("The text comes to no tokens for this model.", "Send some letters.")
    facts = (_with_offsets if tokenizer.is_fast else _without_offsets)(tokenizer, encoding, texts)
    special_ids, plain_ids = _added_vocabulary(tokenizer)
    display = convention(tokenizer.backend_tokenizer if tokenizer.is_fast else None)
    different = sorted(set(ids))
    names = dict(zip(different, map(str, tokenizer.convert_ids_to_tokens(different)), strict=True))
    verbatim = special_ids | plain_ids
    shown = {key: name if key in verbatim else display(name) for key, name in names.items()}
    special = [added or token_id in special_ids for added, token_id in zip(facts.added, ids, strict=True)]
    for index, token_id in enumerate(ids):
        if special[index] and not facts.added[index] and token_id == tokenizer.unk_token_id:
            # An unknown word stands under this special token, and is none unless somebody spelled "[UNK]".
            span, text = facts.spans[index], texts[facts.segments[index]]
            special[index] = span is not None and text[span[0] : span[1]].strip() == names[token_id]
    starts, ends = zip(*(span or (None, None) for span in facts.spans), strict=True)
    items = map(
        Token, range(len(ids)), ids, map(names.__getitem__, ids), map(shown.__getitem__, ids), starts, ends,
        facts.words, special, facts.segments, encoding["attention_mask"],
    )  # fmt: skip
    type_ids = encoding.get("token_type_ids")
    return Tokens(
        items=tuple(items),
        algorithm=_algorithm(tokenizer),
        characters=sum(map(len, texts)),
        checks=facts.checks,
        type_ids=None if type_ids is None else tuple(type_ids),
    )


@dataclass(frozen=True, slots=True)
class Facts:
    """Of each token: was it added, its span, word and segment; and the checks of them all."""

    added: list[bool]
    spans: list[Span | None]
    words: list[int | None]
    segments: list[int]
    checks: tuple[Check, ...] = ()


def _with_offsets(tokenizer: PreTrainedTokenizerBase, encoding: BatchEncoding, texts: list[str]) -> Facts:
    sequences: list[int | None] = encoding.sequence_ids(0)
    offsets: list[Span] = encoding["offset_mapping"]
    spans = [None if sequence is None else span for span, sequence in zip(offsets, sequences, strict=True)]
    for sequence, text in enumerate(texts):
        own = [span if of == sequence else None for span, of in zip(spans, sequences, strict=True)]
        spans = [new or old for new, old in zip(absorb(own, text), spans, strict=True)]
    words = renumber(encoding.word_ids(0), sequences)
    for sequence, text in enumerate(texts):
        numbers = {word for word, of in zip(words, sequences, strict=True) if of == sequence}
        if len(numbers) == 1 and len(text.split(maxsplit=1)) > 1:
            words = split_by_space(spans, sequences, texts)
            break
    normalizer = tokenizer.backend_tokenizer.normalizer
    normalize: Callable[[str], str] = (lambda char: char) if normalizer is None else normalizer.normalize_str
    checks: list[Check] = []
    for sequence, text in enumerate(texts):
        of_text = [span for span, of in zip(spans, sequences, strict=True) if of == sequence and span is not None]
        checks += offset_checks(of_text, text, normalize, "-pair" if sequence else "")
    added = [sequence is None for sequence in sequences]
    return Facts(added, spans, words, _segments(sequences, encoding.get("token_type_ids")), tuple(checks))


def _without_offsets(tokenizer: PreTrainedTokenizerBase, encoding: BatchEncoding, texts: list[str]) -> Facts:
    ids: list[int] = encoding["input_ids"]
    names = [str(name) for name in tokenizer.convert_ids_to_tokens(ids)]
    added = [bool(flag) for flag in encoding["special_tokens_mask"]]
    types: list[int] = encoding.get("token_type_ids") or [0] * len(ids)
    segments = [min(kind, len(texts) - 1) for kind in types]
    return Facts(added, [None] * len(ids), split_by_marks(names, added), segments)


def _segments(sequences: list[int | None], types: list[int] | None) -> list[int]:
    """A token that was added belongs to the text that its type says, or else to the one before it."""
    typed = types is not None and max(types) == 1
    segments, current = [], 0
    for index, sequence in enumerate(sequences):
        if sequence is not None:
            current = sequence
        elif typed and types is not None:
            current = types[index]
        segments.append(current)
    return segments


def _added_vocabulary(tokenizer: PreTrainedTokenizerBase) -> tuple[set[int], set[int]]:
    """The ids of special tokens, and of others that were added to the vocabulary and are spelled as they are."""
    added = tokenizer.added_tokens_decoder
    special = set(tokenizer.all_special_ids) | {key for key, token in added.items() if token.special}
    return special, set(added) - special


def _algorithm(tokenizer: PreTrainedTokenizerBase) -> str:
    return type(tokenizer.backend_tokenizer.model if tokenizer.is_fast else tokenizer).__name__


def _refuse_long_words(texts: list[str]) -> None:
    longest = max((len(word) for text in texts for word in text.split()), default=0)
    if longest > SLOW_WORD:
        raise TooManyTokens(
            f"One word has {longest} characters; this model's tokenizer takes at most {SLOW_WORD}.",
            "Put white space into the word, or take another model.",
        )
