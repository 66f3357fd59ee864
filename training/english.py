"""English that Debian packages carry under open licences, as short lines for training.

    apt-get install --no-install-recommends wordnet-base dict-gcide sword-text-web libsword-utils \\
        gnome-user-docs

| source     | package          | licence                       | what is taken                                   |
|------------|------------------|-------------------------------|-------------------------------------------------|
| `wordnet`  | wordnet-base     | WordNet 3.0 (permissive)      | every gloss with its examples, and the examples |
| `gcide`    | dict-gcide       | GPL-2 or later                | definitions; quotations and WordNet's left out  |
| `bible`    | sword-text-web   | public domain                 | the World English Bible, verses in a row        |
| `desktop`  | gnome-user-docs  | CC-BY-SA 3.0                  | paragraphs of the desktop's help                |

One entry in a hundred is held out with all its lines, chosen by a hash of its text, so that the choice is the same on
every machine. Dictionaries copy from each other: a training line that shares eight words in a row with a held-out
line is dropped.
"""

from __future__ import annotations

import gzip
import hashlib
import html
import re
import subprocess
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

WORDNET = Path("/usr/share/wordnet")
GCIDE = Path("/usr/share/dictd/gcide.dict.dz")
DESKTOP = Path("/usr/share/help/C")
BIBLE = "engWEB2015eb"
PACKAGES = ("wordnet-base", "dict-gcide", "sword-text-web", "gnome-user-docs")

SHORTEST, LONGEST = 4, 45
"""Words in a line. Longer text is cut between sentences."""
HELD_OUT = 100
"""One line in so many is held out."""
GRAM = 8


@dataclass(frozen=True, slots=True)
class Line:
    source: str
    text: str
    held_out: bool


Entry = tuple[str, ...]
"""Texts that belong together: all of them are held out, or none."""


def wordnet(folder: Path = WORDNET) -> Iterator[Entry]:
    """`word: gloss. Example.` of each sense, then each example alone."""
    for part in ("noun", "verb", "adj", "adv"):
        for row in (folder / f"data.{part}").read_text(encoding="utf-8").splitlines():
            if row.startswith(" "):
                continue
            facts, _, gloss = row.partition(" | ")
            word = re.sub(r"\(\w+\)$", "", facts.split()[4]).replace("_", " ")
            examples = [_sentence(example) for example in re.findall(r'"([^"]+)"', gloss)]
            meaning = re.sub(r'[;,:\s]*"[^"]*"[^;]*', "", gloss).strip(" ;")
            yield " ".join([f"{word}: {meaning}." if meaning else f"{word}.", *examples]), *examples


def gcide(file: Path = GCIDE) -> Iterator[Entry]:
    """`word: definition` of Webster's 1913 and of what was added since, but for what was taken from WordNet."""
    word = ""
    with gzip.open(file, "rt", encoding="utf-8", errors="replace") as lines:
        for paragraph in _paragraphs(lines):
            opening = re.match(r"(\S.*?) \\", paragraph)
            if opening:
                word = opening[1]
            if "WordNet" in paragraph or re.match(r" {9,}", paragraph) or not word:
                continue
            meaning = _definition(paragraph)
            if len(meaning.split()) >= SHORTEST:
                yield (f"{word}: {meaning}",)


def bible(module: str = BIBLE) -> Iterator[Entry]:
    """Verses, two by two."""
    listing = subprocess.run(["mod2imp", module], capture_output=True, text=True, check=True).stdout
    verses = []
    for verse in listing.split("$$$")[1:]:
        _, _, body = verse.partition("\n")
        text = _plain(re.sub(r"<(note|title)\b.*?</\1>", " ", body, flags=re.DOTALL))
        if text:
            verses.append(text)
    for at in range(0, len(verses), 2):
        yield (" ".join(verses[at : at + 2]),)


def desktop(folder: Path = DESKTOP) -> Iterator[Entry]:
    """Paragraphs of the help of GNOME."""
    for page in sorted(folder.rglob("*.page")):
        for paragraph in re.findall(r"<p\b[^>]*>(.*?)</p>", page.read_text(encoding="utf-8"), flags=re.DOTALL):
            text = _plain(paragraph)
            if text.endswith((".", "!", "?")) and len(text.split()) > SHORTEST:
                yield (text,)


SOURCES: dict[str, Callable[[], Iterator[Entry]]] = {
    "wordnet": wordnet,
    "gcide": gcide,
    "bible": bible,
    "desktop": desktop,
}


def corpus() -> tuple[list[Line], list[Line]]:
    """The lines to train on and the held-out ones: no line twice, in the order of the sources."""
    return divide(
        Line(source, text, is_held_out(entry[0]))
        for source, read in SOURCES.items()
        for entry in read()
        for whole in entry
        for text in cut(whole)
    )


def divide(lines: Iterable[Line]) -> tuple[list[Line], list[Line]]:
    """Training and held-out lines, the former without those that share eight words in a row with the latter."""
    unique = list({line.text: line for line in lines}.values())
    held = [line for line in unique if line.held_out]
    seen = {gram for line in held for gram in grams(line.text)}
    train = [line for line in unique if not line.held_out and seen.isdisjoint(grams(line.text))]
    return train, held


def is_held_out(text: str) -> bool:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") % HELD_OUT == 0


def grams(text: str) -> Iterator[str]:
    """Every eight words in a row, without case and punctuation; a shorter text is one gram."""
    words = re.findall(r"[a-z0-9]+", text.lower())
    for at in range(max(1, len(words) - GRAM + 1)):
        yield " ".join(words[at : at + GRAM])


def cut(text: str) -> Iterator[str]:
    """The text in lines of whole sentences, none longer than LONGEST words unless one sentence is."""
    line: list[str] = []
    for sentence in re.split(r"(?<=[.!?;]) +", text):
        words = sentence.split()
        if line and len(line) + len(words) > LONGEST:
            yield " ".join(line)
            line = []
        line += words
    if len(line) >= SHORTEST:
        yield " ".join(line)


def _sentence(example: str) -> str:
    example = example.strip()
    return example if example.endswith((".", "!", "?")) else f"{example}."


def _paragraphs(lines: Iterable[str]) -> Iterator[str]:
    paragraph = ""
    for line in lines:
        if line.strip():
            paragraph += line
        elif paragraph:
            yield paragraph
            paragraph = ""
    if paragraph:
        yield paragraph


def _definition(paragraph: str) -> str:
    """A paragraph of GCIDE without headword, pronunciation, part of speech, etymology, marks and quotations."""
    text = re.sub(r"\s+", " ", paragraph).strip()
    text = re.sub(r"^\S.*? \\.*?\\,? ?", "", text)
    while (shorter := re.sub(r"\[[^\[\]]*\]", "", text)) != text:
        text = shorter
    text = re.sub(r"^\s*(?:(?:[a-z]{1,4}\. ?|& ?)+(?:;.*?\. )?)?", "", text)
    text = re.sub(r"^\s*(?:\d+\.|\([a-z]\))\s*", "", text)
    text = re.sub(r"\([A-Z][\w. &]*\.\)|Note:|--\s?[A-Z][\w.' ]*$|[{}]|`", "", text)
    text = re.sub(r'"[^"]*"\s*(?:--\s?[A-Z][\w.\' ]*)?', "", text)
    if "?" in text or "\\" in text or "pl." in text[:12]:
        return ""
    return re.sub(r"\s+", " ", text).strip(" -;,")


def _plain(marked: str) -> str:
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"<[^>]*>", "", marked))).strip()
