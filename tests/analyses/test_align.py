"""Which tokens belong together: the longest common subsequence by brute force, and units of a text by hand."""

from __future__ import annotations

from functools import cache

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.analyses.align import by_text, by_words, common
from app.tokens.token import Token, Tokens

letters = st.lists(st.integers(0, 3), max_size=9)


@given(letters, letters)
def test_the_longest_common_subsequence(a: list[int], b: list[int]) -> None:
    @cache
    def longest(i: int, j: int) -> int:
        if i == len(a) or j == len(b):
            return 0
        return 1 + longest(i + 1, j + 1) if a[i] == b[j] else max(longest(i + 1, j), longest(i, j + 1))

    pairs = common(a, b)
    assert len(pairs) == longest(0, 0)
    assert all(a[i] == b[j] for i, j in pairs)
    assert pairs == sorted(set(pairs))
    assert len({i for i, _ in pairs}) == len({j for _, j in pairs}) == len(pairs)


def test_a_changed_word_leaves_the_rest_in_place() -> None:
    assert common("ab cd ef", "ab xy ef") == [(0, 0), (1, 1), (2, 2), (5, 5), (6, 6), (7, 7)]
    assert common([1, 2, 3], [1, 2, 9, 3]) == [(0, 0), (1, 1), (2, 3)]
    assert common([], [1]) == common([1], []) == common([1], [2]) == []


def cut(text: str, pieces: list[str | None]) -> Tokens:
    """Tokens that cover a text piece by piece; None for one that was added."""
    items, at = [], 0
    for i, piece in enumerate(pieces):
        start = stop = None
        if piece is not None:
            start = text.index(piece, at)
            at = stop = start + len(piece)
        items.append(Token(i, i, piece or "[X]", piece or "[X]", start, stop, None, piece is None, 0, 1))
    return Tokens(tuple(items), "made", len(text), ())


def test_units_end_where_both_have_an_end() -> None:
    text = "He didn't run"
    a = cut(text, [None, "He", "did", "n't", "run", None])
    b = cut(text, ["He", " didn", "'t", " ", "run"])
    assert by_text(a, b, [text]) == [(1, 2, 0, 1), (2, 4, 1, 3), (4, 5, 4, 5)]
    assert by_text(b, a, [text]) == [(0, 1, 1, 2), (1, 3, 2, 4), (4, 5, 4, 5)]
    assert by_text(cut(text, ["He"]), cut(text, ["run"]), [text]) == []


def test_bytes_of_one_character_are_one_unit() -> None:
    text = "a 👍 b"
    whole = cut(text, ["a", "👍", "b"])
    bytes_ = Tokens(
        tuple(
            Token(i, i, "x", "x", start, stop, None, False, 0, 1)
            for i, (start, stop) in enumerate([(0, 1), (1, 3), (2, 3), (2, 3), (3, 5)])
        ),
        "made", 5, (),
    )  # fmt: skip
    assert by_text(whole, bytes_, [text]) == [(0, 1, 0, 1), (1, 2, 1, 4), (2, 3, 4, 5)]


def test_segments_are_kept_apart() -> None:
    def two(*segments: int) -> Tokens:
        items = [Token(i, i, "x", "x", 0, 3, i, False, segment, 1) for i, segment in enumerate(segments)]
        return Tokens(tuple(items), "made", 6, ())

    assert by_text(two(0, 1), two(0, 1), ["one", "two"]) == [(0, 1, 0, 1), (1, 2, 1, 2)]
    assert by_text(two(0), two(1), ["one", "two"]) == []


def test_words_are_paired_where_there_are_no_places() -> None:
    def said(*words: tuple[str, int | None]) -> Tokens:
        items = [Token(i, 0, "", text, None, None, word, False, 0, 1) for i, (text, word) in enumerate(words)]
        return Tokens(tuple(items), "made", 1, ())

    a = said(("[CLS]", None), ("Un", 0), ("happy", 0), ("cat", 1))
    b = said((" unhappy", 0), (" dog", 1), ("</s>", None))
    assert by_words(a, b) == [(1, 3, 0, 1)]


@pytest.mark.parametrize("n", [3000])
def test_long_texts_are_quick(n: int) -> None:
    a, b = [i % 97 for i in range(n)], [i % 89 for i in range(n)]
    assert len(common(a, b)) > n // 4
