"""Texts of an exact number of tokens, each different from the others, so that no answer comes from a store."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product

from transformers import PreTrainedTokenizerBase

OPENINGS = ("The", "This", "That", "Every", "Each", "Some", "One", "No")
COLOURS = ("red", "green", "blue", "white", "black", "brown", "grey", "golden")
ANIMALS = ("horse", "dog", "cat", "bird", "fish", "cow", "bear", "fox")
STORY = (  # noqa: SIM905 - prose reads better than a list of words
    "came down to the river in the morning, when the light was still low and the air was cold. It did not cross the "
    "water because it was too tired, and because the other side looked just the same. A man who was working on the "
    "road stopped to look at it, and wrote a few words about it in a small book that he had in his coat. Later he told "
    "the story to his friends, who did not believe him, and then to his daughter, who did. "
).split()


def texts(tokenizer: PreTrainedTokenizerBase, tokens: int) -> Iterator[str]:
    """Different texts of exactly `tokens` tokens, special ones counted."""
    for words in product(OPENINGS, COLOURS, ANIMALS):
        text = _fit(tokenizer, " ".join(words), tokens)
        if text is not None:
            yield text


def take(tokenizer: PreTrainedTokenizerBase, tokens: int, count: int) -> list[str]:
    """The first `count` of `texts`. Raises ValueError when there are not as many."""
    found = [text for text, _ in zip(texts(tokenizer, tokens), range(count), strict=False)]
    if len(found) < count:
        raise ValueError(f"only {len(found)} texts of {tokens} tokens, {count} are needed")
    return found


def _fit(tokenizer: PreTrainedTokenizerBase, opening: str, tokens: int) -> str | None:
    """The opening and as much of the story, over and over, as makes `tokens` tokens; None if no length does."""
    words = [opening]
    while _length(tokenizer, words) < tokens:
        missing = tokens - _length(tokenizer, words)
        start = len(words) - 1
        words += [STORY[(start + i) % len(STORY)] for i in range(max(1, missing // 2))]
    while _length(tokenizer, words) > tokens:
        words.pop()
    missing = tokens - _length(tokenizer, words)
    words += ["the"] * missing
    return " ".join(words) if _length(tokenizer, words) == tokens else None


def _length(tokenizer: PreTrainedTokenizerBase, words: list[str]) -> int:
    return len(tokenizer(" ".join(words), truncation=False)["input_ids"])
