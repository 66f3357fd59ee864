"""Which tokens of two runs belong together.

With one vocabulary: the longest common subsequence of the token ids, so that a changed word leaves the rest in
place. With two vocabularies, and one text: by their places in it, each unit the smallest stretch of text at whose
ends both have a token's end ("did", "n't" and "didn", "'t" are one unit); or, for a tokenizer that tells no places,
by the words themselves.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Literal

from app.errors import NotApplicable
from app.models.run import Run
from app.tokens.token import Tokens

Unit = tuple[int, int, int, int]
"""Tokens [a0, a1) of the first run and [b0, b1) of the second."""
By = Literal["token", "text", "word"]


@dataclass(frozen=True, slots=True)
class Alignment:
    """What rows and columns of two runs' `stacks` are paired by, and the pairs of each, in order."""

    stacks: tuple[str, str]
    by: By
    rows: list[Unit]
    cols: list[Unit]


def align(a: Run, b: Run, stack_a: str, stack_b: str) -> Alignment:
    """The tokens of two runs' stacks that belong together. Raises NotApplicable where none can."""
    if (stack_a == "cross") != (stack_b == "cross"):
        raise NotApplicable(
            "Cross attention looks from one text at another, and can only be held against the like.",
            "Choose stack encoder or decoder.",
        )
    shared = one_vocabulary(a, b)
    by: By = "token"
    axes: list[list[Unit]] = []
    for side in (0, 1) if stack_a == "cross" else (0,):
        tokens = a.tokens_of(stack_a)[side], b.tokens_of(stack_b)[side]
        if shared:
            axes.append([(i, i + 1, j, j + 1) for i, j in common(tokens[0].ids, tokens[1].ids)])
            continue
        texts = texts_of(a, stack_a, side)
        if texts != texts_of(b, stack_b, side):
            raise NotApplicable(
                "These runs differ in text and in vocabulary: nothing says which tokens belong together.",
                "Compare two texts on one model, or one text on two models.",
            )
        placed = all(_has_places(t) for t in tokens)
        by = "text" if placed else "word"
        axes.append(by_text(*tokens, texts) if placed else by_words(*tokens))
    if not all(axes):
        raise NotApplicable("These runs have no token in common.", "Compare texts that share some words.")
    return Alignment((stack_a, stack_b), by, axes[0], axes[-1])


def one_vocabulary(a: Run, b: Run) -> bool:
    """Do the same ids mean the same tokens in both?"""
    if a.model is b.model or a.model.tokenizer is b.model.tokenizer:
        return True
    return a.model.tokenizer.get_vocab() == b.model.tokenizer.get_vocab()


def texts_of(run: Run, stack: str, side: int) -> tuple[str, ...]:
    """The texts that rows (side 0) or columns (1) of a stack were cut from, by segment."""
    decodes = run.model.info.kind == "encoder-decoder" and (stack == "decoder" or (stack == "cross" and side == 0))
    if decodes:
        return (run.request.target if run.request.target is not None else run.answer or "",)
    return (run.request.text,) if run.request.pair is None else (run.request.text, run.request.pair)


def common(a: Sequence[Hashable], b: Sequence[Hashable]) -> list[tuple[int, int]]:
    """A longest common subsequence, as pairs of indices (Hyyrö 2004: one bit a column, a whole row at once).

    A 0 in a row's bits marks a column at which the length grows; the pairs are read back from the last row up.

    >>> common("the cat sat", "the dog sat")[3:]  # "the ", then " sat"
    [(3, 3), (7, 7), (8, 8), (9, 9), (10, 10)]
    """
    places: dict[Hashable, int] = {}
    for j, item in enumerate(b):
        places[item] = places.get(item, 0) | 1 << j
    whole = (1 << len(b)) - 1
    bits, rows = whole, []
    for item in a:
        met = bits & places.get(item, 0)
        bits = ((bits + met) | (bits - met)) & whole
        rows.append(bits)
    pairs = []
    i, j = len(a), len(b)
    while i and j:
        if rows[i - 1] >> (j - 1) & 1:  # column j adds nothing to what the columns before it give
            j -= 1
            continue
        i -= 1
        if i == 0 or rows[i - 1] >> (j - 1) & 1:  # and without row i it does not either: they are a pair
            j -= 1
            pairs.append((i, j))
    return pairs[::-1]


def by_text(a: Tokens, b: Tokens, texts: Sequence[str]) -> list[Unit]:
    """Units of tokens that cover the same stretch of a text; white space at their ends does not count."""
    spans = sorted(
        (token.segment, *_without_space(texts[token.segment], token.start, token.end), side, token.index)
        for side, tokens in enumerate((a, b))
        for token in tokens.items
        if token.start is not None and token.end is not None
    )
    units: list[Unit] = []
    open_units: tuple[list[int], list[int]] = ([], [])
    reach = (0, 0)
    for segment, start, stop, side, index in [*spans, (len(texts), 0, 1, 0, 0)]:
        if start == stop:
            continue
        if (segment, start) >= reach:  # nothing reaches over this place: a unit ends here
            if all(open_units):
                (first, second) = open_units
                units.append((min(first), max(first) + 1, min(second), max(second) + 1))
            open_units = ([], [])
        open_units[side].append(index)
        reach = max(reach, (segment, stop))
    return units


def by_words(a: Tokens, b: Tokens) -> list[Unit]:
    """Units of the words that both have, by their text without regard to case."""
    first, second = _words(a), _words(b)
    pairs = common([word for word, _, _ in first], [word for word, _, _ in second])
    return [(*first[i][1:], *second[j][1:]) for i, j in pairs]


def _words(tokens: Tokens) -> list[tuple[str, int, int]]:
    found = []
    for word, group in groupby(tokens.items, key=lambda token: token.word):
        parts = list(group)
        if word is not None:
            text = "".join(part.display for part in parts).strip().casefold()
            found.append((text, parts[0].index, parts[-1].index + 1))
    return found


def _has_places(tokens: Tokens) -> bool:
    return any(token.start is not None for token in tokens.items)


def _without_space(text: str, start: int, stop: int) -> tuple[int, int]:
    inner = text[start:stop]
    begin = start + len(inner) - len(inner.lstrip())
    return begin, max(begin, stop - (len(inner) - len(inner.rstrip())))
