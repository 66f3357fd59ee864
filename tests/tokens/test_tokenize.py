"""The tokens of any text: offsets that rejoin, words, specials, segments, and what is never done to the text."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.errors import EmptyText, TooManyTokens
from app.tokens.display import byte_of
from app.tokens.offsets import gaps
from app.tokens.tokenize import Token, Tokens, tokenize, tokenize_target
from tests.tokens.conftest import TRAINED

NASTY = [
    "hello world",
    "שלום עולם مرحبا",
    "a\u200bb\u200cc\ufeffd",
    "👨\u200d👩\u200d👧\u200d👦 🏳️\u200d🌈",
    "e\u0301 o\u0323\u0301 \u0301x",
    "\x00\x01\x7f",
    "𝔘𝔫𝔦 𐍈",
    "ﷺ ﬁne ½",
    "\u1112\u1161\u11ab",
    " \t\r\n ",
    "[CLS] [UNK] <|im_end|> </s> <s> <0x41>",
    "##ing @@ </w> ▁x Ġy",
]
texts = (
    st.lists(st.one_of(st.sampled_from(NASTY), st.text(max_size=12)), min_size=1, max_size=6)
    .map("".join)
    .filter(lambda text: text != "" and not text.isspace())
)
fuzz = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def spans(tokens: Tokens, segment: int = 0) -> list[tuple[int, int]]:
    own = [token for token in tokens.items if token.segment == segment and token.start is not None]
    return [(token.start, token.end) for token in own if token.start is not None and token.end is not None]


def by_text(tokens: Tokens, text: str) -> list[Token]:
    return [token for token in tokens.items if token.text == text]


@pytest.mark.parametrize("name", TRAINED)
@fuzz
@given(text=texts)
def test_offsets_rejoin_to_the_text(trained: dict[str, Any], name: str, text: str) -> None:
    try:
        tokens = tokenize(trained[name], text)
    except EmptyText:
        return
    assert [check.name for check in tokens.checks if not check.ok] == []
    assert tokens.characters == len(text)
    found = spans(tokens)
    assert all(0 <= start <= end <= len(text) for start, end in found)
    assert found == sorted(found, key=lambda span: span[0])


@fuzz
@given(text=texts)
def test_byte_level_tokens_spell_the_text_byte_for_byte(trained: dict[str, Any], text: str) -> None:
    tokenizer = trained["byte-level"]
    try:
        tokens = tokenize(tokenizer, text)
    except EmptyText:
        return
    added = tokenizer.get_added_vocab()
    spelled = b"".join(
        token.text.encode() if token.text in added else bytes(byte_of()[char] for char in token.text)
        for token in tokens.items
    )
    assert spelled == text.encode()
    assert gaps(spans(tokens), len(text)) == []


@fuzz
@given(text=texts, pair=texts)
def test_pairs_are_told_apart(trained: dict[str, Any], text: str, pair: str) -> None:
    tokens = tokenize(trained["wordpiece"], text, pair)
    assert [token.special for token in tokens.items if token.start is None] == [True] * 3
    assert tokens.type_ids == tuple(tokens.segments)
    assert sorted(tokens.segments) == tokens.segments
    assert all(end <= len((text, pair)[segment]) for segment in (0, 1) for _, end in spans(tokens, segment))
    words = [token.word for token in tokens.items if token.word is not None]
    assert words == sorted(words)
    first = {token.word for token in tokens.items if token.segment == 0} - {None}
    assert first.isdisjoint({token.word for token in tokens.items if token.segment == 1})


@fuzz
@given(text=texts)
def test_alone_and_in_a_pair_a_text_has_the_same_tokens(trained: dict[str, Any], text: str) -> None:
    alone = tokenize(trained["wordpiece"], text)
    paired = tokenize(trained["wordpiece"], text, "the sea")
    assert alone.ids == paired.ids[: len(alone)]


def test_an_expected_sentence(trained: dict[str, Any]) -> None:
    tokens = tokenize(trained["wordpiece"], "Believers SELL [CLS] 🙂")
    assert _joined(tokens) == ["believers", "sell", "[CLS]", "[UNK]"]
    first, last, typed, unknown = (tokens.items[0], tokens.items[-1], tokens.items[-3], tokens.items[-2])
    assert (first.text, first.start, first.word, first.special) == ("[CLS]", None, None, True)
    assert (last.text, last.start, last.word, last.special) == ("[SEP]", None, None, True)
    assert (typed.text, typed.start, typed.end, typed.special) == ("[CLS]", 15, 20, True)
    assert (unknown.text, unknown.start, unknown.end, unknown.special) == ("[UNK]", 21, 22, False)
    assert "".join("Believers SELL"[start:end] for start, end in spans(tokens)[:-2]) == "BelieversSELL"
    assert tokens.algorithm == "WordPiece"


def _joined(tokens: Tokens) -> list[str]:
    words: dict[int, str] = {}
    for token in tokens.items:
        if token.word is not None:
            words[token.word] = words.get(token.word, "") + token.display
    return list(words.values())


def test_never_pads_and_never_truncates() -> None:
    tokenizer = TRAINED["wordpiece"]()
    assert len(tokenizer.backend_tokenizer.encode("the sea " * 30).ids) == 128, "its file asks for both"
    tokens = tokenize(tokenizer, "the sea " * 30)
    assert len(tokens) > 60
    assert tokens.mask == [1] * len(tokens)
    assert len(tokenize(tokenizer, "the")) < 8


def test_a_special_token_spelled_in_the_text_is_special_and_keeps_its_offsets(trained: dict[str, Any]) -> None:
    tokens = tokenize(trained["byte-level"], "the<|im_end|>sea")
    (spelled,) = by_text(tokens, "<|im_end|>")
    assert (spelled.special, spelled.start, spelled.end) == (True, 3, 13)
    assert spelled.display == "<|im_end|>"


def test_an_unknown_word_is_not_special_unless_it_is_spelled(trained: dict[str, Any]) -> None:
    for name, unknown in (("wordpiece", "[UNK]"), ("unigram", "<unk>")):
        tokens = by_text(tokenize(trained[name], f"the 🙂 sea {unknown}"), unknown)
        assert [token.special for token in tokens] == [False, True], name


def test_bytes_of_one_character_share_its_offsets(trained: dict[str, Any]) -> None:
    tokens = tokenize(trained["byte-level"], "a🙂")
    assert [(t.start, t.end) for t in tokens.items[1:]] == [(1, 2)] * (len(tokens) - 1)
    assert len(tokens) > 2
    assert tokens.items[1].display.startswith("⟨f0")


def test_a_composed_accent_is_covered(trained: dict[str, Any]) -> None:
    tokens = tokenize(trained["unigram"], "cafe\u0301 sea")
    assert gaps(spans(tokens), 9) == []


def test_words_where_nothing_splits_the_text(trained: dict[str, Any]) -> None:
    tokens = tokenize(trained["whole-text"], "The cat sat", "a cat")
    assert _joined(tokens) == [" The", " cat", " sat", " a", " cat"]


def test_words_of_a_byte_level_tokenizer(trained: dict[str, Any]) -> None:
    assert _joined(tokenize(trained["byte-level"], "The sea, the cat")) == ["The", " sea", ",", " the", " cat"]


def test_lost_characters_fail_the_check() -> None:
    from tokenizers import Tokenizer, models
    from transformers import PreTrainedTokenizerFast

    forgetful = PreTrainedTokenizerFast(tokenizer_object=Tokenizer(models.BPE(vocab={"a": 0}, merges=[])))
    tokens = tokenize(forgetful, "aXa")
    assert [(check.name, check.value, check.ok) for check in tokens.checks if not check.ok] == [
        ("offsets-rejoin", 1.0, False)
    ]
    with pytest.raises(EmptyText):
        tokenize(forgetful, "XX")


def test_a_tokenizer_written_in_python(slow: Any) -> None:
    tokens = tokenize(slow, "the sea 🙂")
    assert {token.start for token in tokens.items} == {None}
    assert tokens.checks == ()
    assert tokens.items[-1].text == "</s>"
    assert tokens.items[-1].special
    assert [token.special for token in by_text(tokens, "<unk>")] == [False]
    assert _joined(tokens)[:2] == [" the", " sea"]
    assert tokens.algorithm == "MarianTokenizer"


def test_the_target_has_its_own_vocabulary(slow: Any, trained: dict[str, Any]) -> None:
    assert "<unk>" in [token.text for token in tokenize(slow, "SEA").items]
    assert "<unk>" not in [token.text for token in tokenize_target(slow, "SEA").items]
    assert tokenize_target(trained["unigram"], "sea").ids == tokenize(trained["unigram"], "sea").ids


def test_one_endless_word_is_refused_by_a_slow_tokenizer(slow: Any) -> None:
    with pytest.raises(TooManyTokens) as caught:
        tokenize(slow, "x" * 100_000)
    assert "xxx" not in caught.value.detail + caught.value.hint


@pytest.mark.parametrize("name", TRAINED)
@pytest.mark.parametrize("text", ["x" * 100_000, "the sea " * 32_000, "e" + "\u0301\u0323" * 50_000, "\u4e2d" * 80_000])
def test_long_texts_take_seconds_at_most(trained: dict[str, Any], name: str, text: str) -> None:
    begin = time.process_time()
    tokens = tokenize(trained[name], text)
    assert time.process_time() - begin < 10
    assert all(check.ok for check in tokens.checks)


@pytest.mark.real
def test_minilm(minilm: Any) -> None:
    tokens = tokenize(minilm, "The animal didn't cross the street.", "It was unbelievably tired.")
    assert [token.display for token in tokens.items[:8]] == ["[CLS]", "the", "animal", "didn", "'", "t", "cross", "the"]
    assert all(check.ok for check in tokens.checks)
    assert tokens.segments.index(1) == tokens.ids.index(minilm.sep_token_id) + 1
    assert len(tokenize(minilm, "word " * 400)) == 402
