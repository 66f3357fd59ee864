"""Which word each token belongs to, counted through both texts."""

from __future__ import annotations

from collections.abc import Sequence

from app.tokens.display import METASPACE
from app.tokens.offsets import Span


def renumber(words: Sequence[int | None], sequences: Sequence[int | None]) -> list[int | None]:
    """The tokenizer's words start again at 0 in the second text, and skip numbers; these go on counting.

    >>> renumber([None, 0, 0, 2, None, 0, None], [None, 0, 0, 0, None, 1, None])
    [None, 0, 0, 1, None, 2, None]
    """
    numbers: dict[tuple[int | None, int], int] = {}
    return [
        None if word is None else numbers.setdefault((sequence, word), len(numbers))
        for word, sequence in zip(words, sequences, strict=True)
    ]


def split_by_space(
    spans: Sequence[Span | None], sequences: Sequence[int | None], texts: Sequence[str]
) -> list[int | None]:
    """Words for a tokenizer that does not split its text first (Llama 2): a new one wherever there is white space.

    White space at the front of a token belongs to the word after it. `sequences` says whose text a span is of.
    """
    words: list[int | None] = []
    word, current, reach = -1, -1, 0
    for span, sequence in zip(spans, sequences, strict=True):
        if span is None or sequence is None:
            words.append(None)
            continue
        start, end = span
        if sequence != current:
            word, current, reach = word + 1, sequence, end
        elif start >= reach and any(char.isspace() for char in texts[sequence][reach : start + 1]):
            word += 1
        words.append(word)
        reach = max(reach, end)
    return words


def split_by_marks(tokens: Sequence[str], added: Sequence[bool]) -> list[int | None]:
    """Words for a tokenizer without offsets: ▁ begins a word, </w> ends it, ## and @@ go on with it.

    >>> split_by_marks(["▁He", "llo", "▁you", "</s>"], [False, False, False, True])
    [0, 0, 1, None]
    """
    own = [token for token, is_added in zip(tokens, added, strict=True) if not is_added]
    metaspace = any(token.startswith(METASPACE) for token in own)
    ended = any(token.endswith("</w>") for token in own)

    def begins(before: str, token: str) -> bool:
        if metaspace:
            return token.startswith(METASPACE)
        if ended:
            return before.endswith("</w>")
        return not token.startswith("##") and not before.endswith("@@")

    words: list[int | None] = []
    word, before = -1, None
    for token, is_added in zip(tokens, added, strict=True):
        if is_added:
            words.append(None)
            before = None
            continue
        word += before is None or begins(before, token)
        words.append(word)
        before = token
    return words
