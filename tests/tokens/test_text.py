"""What text is taken, and what the errors say: never the text."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.errors import EmptyText, HeadlightError, InvalidText, TextTooLarge
from app.tokens.text import clean_text


@given(st.text(min_size=1))
def test_whole_unicode_comes_back_unchanged(text: str) -> None:
    if text.isspace():
        with pytest.raises(EmptyText):
            clean_text(text, 10_000)
    else:
        assert clean_text(text, 10_000) == text


@pytest.mark.parametrize("text", ["", " ", "\t\r\n", "\u2003\u3000"])
def test_blank(text: str) -> None:
    with pytest.raises(EmptyText):
        clean_text(text, 100)


@pytest.mark.parametrize("text", ["\ud83d", "a\udc00b", "\udfff\ud800"])
def test_half_a_surrogate_pair(text: str) -> None:
    with pytest.raises(InvalidText):
        clean_text(text, 100)


@pytest.mark.parametrize(
    ("text", "fits"), [("é" * 50, True), ("é" * 50 + "a", False), ("a" * 100, True), ("a" * 101, False)]
)
def test_the_limit_is_in_bytes_of_utf8(text: str, fits: bool) -> None:
    if fits:
        assert clean_text(text, 100) == text
    else:
        with pytest.raises(TextTooLarge):
            clean_text(text, 100)


def test_errors_name_the_field_and_never_the_text() -> None:
    for text in ("secret\ud83d", "secret" * 100, "   "):
        with pytest.raises(HeadlightError) as caught:
            clean_text(text, 50, "pair")
        said = caught.value.detail + caught.value.hint
        assert "pair" in said
        assert "secret" not in said


def test_control_and_invisible_characters_are_text() -> None:
    assert clean_text("\x00\u200b", 10) == "\x00\u200b"
