"""How tokens are written for people."""

from __future__ import annotations

import doctest
import importlib
from typing import Any

import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers

from app.tokens.display import byte_of, convention, from_bytes, from_sentencepiece


def test_the_byte_table_is_that_of_the_library() -> None:
    assert set(byte_of()) == set(pre_tokenizers.ByteLevel.alphabet())
    for text in ("Hello wörld\n", "🙂\t", "\x00\x7f\x80"):
        pieces = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)
        assert bytes(byte_of()[char] for char in pieces[0][0]) == text.encode()


@pytest.mark.parametrize(
    ("token", "shown"),
    [("Ġcat", " cat"), ("Ċ", "\n"), ("Ã©", "é"), ("ðŁ", "⟨f0 9f⟩"), ("ĠðŁ", " ⟨f0 9f⟩"), ("中", "中")],
)
def test_byte_level(token: str, shown: str) -> None:
    assert from_bytes(token) == shown


@pytest.mark.parametrize(
    ("token", "shown"), [("▁the", " the"), ("▁", " "), ("<0x0A>", "\n"), ("<0xF0>", "⟨f0⟩"), ("<0xZZ>", "<0xZZ>")]
)
def test_sentencepiece(token: str, shown: str) -> None:
    assert from_sentencepiece(token) == shown


def test_the_convention_is_read_from_the_tokenizer() -> None:
    clip = Tokenizer(models.BPE(end_of_word_suffix="</w>"))
    assert convention(clip)("cat</w>") == "cat"
    clip.decoder = decoders.BPEDecoder()
    assert convention(clip)("cat</w>") == "cat"
    wordpiece = Tokenizer(models.WordPiece(continuing_subword_prefix="##"))
    assert convention(wordpiece)("##ing") == "ing"
    wordpiece.decoder = decoders.WordPiece()
    assert (convention(wordpiece)("##ing"), convention(wordpiece)("##")) == ("ing", "##")
    nested = Tokenizer(models.BPE())
    nested.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Digits(), pre_tokenizers.ByteLevel()])
    assert convention(nested)("Ġcat") == " cat"


def test_marks_tell_where_there_is_no_tokenizer_to_ask() -> None:
    shown: Any = convention(None)
    assert [shown(token) for token in ("▁the", "##ing", "cat</w>", "ca@@", "<0x41>")] == [
        " the",
        "ing",
        "cat",
        "ca",
        "A",
    ]


@pytest.mark.parametrize("name", ["display", "offsets", "words"])
def test_the_worked_examples_in_the_docstrings(name: str) -> None:
    failed, tried = doctest.testmod(importlib.import_module(f"app.tokens.{name}"))
    assert (failed, tried > 0) == (0, True)
