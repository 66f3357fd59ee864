"""The four examples that the page offers; it opens on the first, which the server computes at start."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """`note` says in one sentence what to look for."""

    title: str
    model: str
    text: str
    note: str
    pair: str | None = None


EXAMPLES: tuple[Example, ...] = (
    Example(
        title="A pronoun",
        model="minilm",
        text="The animal did not cross the street because it was too tired.",
        note="Pin the word “it” and step through the heads: some of them look back at “animal”.",
    ),
    Example(
        title="Who gets the drink?",
        model="smollm2",
        text="When Mary and John went to the store, John gave a drink to",
        note="The next word should be Mary: which heads look from the last word back at the name that is not repeated?",
    ),
    Example(
        title="A phrase repeated",
        model="smollm2",
        text="The quick brown fox met a small grey cat. Later the quick brown fox met a small grey",
        note="At the second “quick”, induction heads look at the word that came after the first one.",
    ),
    Example(
        title="A pair of sentences",
        model="minilm",
        text="A man is playing a guitar on stage.",
        pair="Somebody makes music in front of an audience.",
        note="Look for heads that reach from one sentence into the other, past the separator.",
    ),
)
