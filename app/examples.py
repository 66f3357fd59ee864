"""The examples that the page offers; it opens on the first, which the server computes at start."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Example:
    """`note` says in one sentence what to look for; `selection` is what the page looks at, by its own names."""

    title: str
    model: str
    text: str
    note: str
    selection: Mapping[str, str | int | list[int]]
    pair: str | None = None


EXAMPLES: tuple[Example, ...] = (
    Example(
        title="A pronoun",
        model="minilm",
        text="The animal did not cross the street because it was too tired.",
        note="Head 1 of layer 3 looks from “it” back at “animal”. Step through the others: few agree.",
        selection={"layer": 3, "head": 1, "heads": [1], "query": 9},
    ),
    Example(
        title="Who gets the drink?",
        model="smollm2",
        text="When Mary and John went to the store, John gave a drink to",
        note="The next word is Mary. Head 4 of layer 24 looks hardest at her, but looking is not causing: see Causes.",
        selection={"layer": 24, "head": 4, "heads": [4], "query": 13},
    ),
    Example(
        title="A phrase repeated",
        model="smollm2",
        text="The quick brown fox met a small grey cat. Later the quick brown fox met a small grey",
        note="An induction head: at the second “grey”, head 6 of layer 18 looks at the word that came after the first.",
        selection={"layer": 18, "head": 6, "heads": [6], "query": 18},
    ),
    Example(
        title="A pair of sentences",
        model="minilm",
        text="A man is playing a guitar on stage.",
        pair="Somebody makes music in front of an audience.",
        note="Head 5 of layer 5 reaches across the separator: from “music” to “guitar”.",
        selection={"layer": 5, "head": 5, "heads": [5], "query": 13},
    ),
    Example(
        title="A masked word",
        model="minilm-mlm",
        text="The violin is a stringed [MASK].",
        note="It says “instrument”. Trained on dictionaries, it finds nearly half of the masked words, and few facts.",
        selection={"view": "next"},
    ),
    Example(
        title="A date, letter by letter",
        model="dates",
        text="the third of March 2021",
        note="It writes 2021-03-03. Head 1 of layer 0 reads the year, then “March” (behind “2021-”), then “third”.",
        selection={"stack": "cross", "layer": 0, "head": 1, "heads": [1], "query": 5},
    ),
)
