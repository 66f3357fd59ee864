"""What is read from the packages, on files made in their formats; what is held out stays out."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from training import english
from training.english import HELD_OUT, LONGEST, Line, cut, desktop, divide, gcide, grams, is_held_out, wordnet

NOUNS = """  1 This software and database is being provided to you, the LICENSEE
00039297 04 n 01 contact 2 005 @ 00037396 n 0000 | close interaction; "they kept in daily contact"; "who came?"
00039916 04 n 02 eye_contact 0 fetch 0 001 @ 00037396 n 0000 | the action of fetching
"""
ADJECTIVES = (
    '00001740 00 a 01 able(p) 0 001 = 05200169 n 0000 | (usually followed by `to\') having means; "able to swim"\n'
)
WEBSTER = r"""Dichotomist \Di*chot"o*mist\, n.
   One who dichotomizes. --Bacon.
   [1913 Webster]

Dichotomize \Di*chot"o*mize\, v. t. [imp. & p. p.
   {Dichotomized}.] [See
   {Dichotomous}.]
   1. To cut into two parts; to divide into pairs; to bisect. [R.]
      [1913 Webster]

            The apostolical benediction dichotomizes all good
            things into grace and peace.          --Bp. Hall.
      [1913 Webster]

   2. (Astron.) To exhibit as a half disk. See {Dichotomy}, 3.
      "[The moon] was dichotomized." --Whewell.
      [1913 Webster]

   3. to divide into two opposing groups or kinds.
      [WordNet 1.5]
"""


def test_wordnet(tmp_path: Path) -> None:
    for part, content in {"noun": NOUNS, "verb": "", "adj": ADJECTIVES, "adv": ""}.items():
        (tmp_path / f"data.{part}").write_text(content, "utf-8")
    assert list(wordnet(tmp_path)) == [
        (
            "contact: close interaction. they kept in daily contact. who came?",
            "they kept in daily contact.",
            "who came?",
        ),
        ("eye contact: the action of fetching.",),
        ("able: (usually followed by `to') having means. able to swim.", "able to swim."),
    ]


def test_gcide_without_quotations_marks_and_what_is_wordnets(tmp_path: Path) -> None:
    file = tmp_path / "gcide.dict.dz"
    with gzip.open(file, "wt", encoding="utf-8") as written:
        written.write(WEBSTER)
    assert list(gcide(file)) == [
        ("Dichotomize: To cut into two parts; to divide into pairs; to bisect.",),
        ("Dichotomize: To exhibit as a half disk. See Dichotomy, 3.",),
    ]


def test_desktop(tmp_path: Path) -> None:
    page = "<page><p>Press <key>Enter</key> &amp; wait\n  for a moment.</p><title>No</title><p>Too short.</p></page>"
    (tmp_path / "a.page").write_text(page, "utf-8")
    assert list(desktop(tmp_path)) == [("Press Enter & wait for a moment.",)]


def test_long_text_is_cut_between_sentences() -> None:
    sentence = " ".join(["word"] * 19) + "."
    assert list(cut(" ".join([sentence] * 5))) == [f"{sentence} {sentence}", f"{sentence} {sentence}", sentence]
    assert list(cut("Too short.")) == []
    assert all(len(line.split()) <= LONGEST for line in cut(" ".join([sentence] * 50)))


def test_about_one_in_a_hundred_is_held_out_and_always_the_same() -> None:
    held = [n for n in range(20_000) if is_held_out(f"line {n}")]
    assert len(held) == pytest.approx(20_000 / HELD_OUT, rel=0.2)
    assert held[:3] == [n for n in range(held[2] + 1) if is_held_out(f"line {n}")]


def test_nothing_held_out_is_trained_on() -> None:
    shared = "the quick brown fox jumps over the lazy dog"
    lines = [
        Line("wordnet", f"{shared} again and again.", True),
        Line("gcide", "Fox: as in, THE QUICK, brown fox jumps over the lazy dog!", False),
        Line("gcide", "the quick brown fox jumps over a lazy dog", False),
        Line("wordnet", "four words are short", True),
        Line("wordnet", "Four words are short.", False),
        Line("bible", "nothing to do with it at all", False),
        Line("bible", "nothing to do with it at all", False),
    ]
    train, held = divide(lines)
    assert [line.text for line in held] == [lines[0].text, lines[3].text]
    assert [line.text for line in train] == [lines[2].text, lines[5].text]


def test_grams() -> None:
    assert list(grams("One, two three.")) == ["one two three"]
    assert list(grams("a b c d e f g h i")) == ["a b c d e f g h", "b c d e f g h i"]


def test_an_entry_is_held_out_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    first = next(
        f"entry number {n} of this test" for n in range(10_000) if is_held_out(f"entry number {n} of this test")
    )
    entry = (first, "its own example comes along")
    monkeypatch.setattr(english, "SOURCES", {"wordnet": lambda: iter([entry, ("another entry that is trained on",)])})
    train, held = english.corpus()
    assert [line.text for line in held] == list(entry)
    assert [line.text for line in train] == ["another entry that is trained on"]
