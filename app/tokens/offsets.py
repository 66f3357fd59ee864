"""Do the tokens' offsets rejoin to the text? Checked on every answer, since foreign tokenizers promise nothing."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Sequence

from app.checks import Check, at_most

Span = tuple[int, int]

LONGEST_COMPOSED = 30
"""Most characters that are looked at after one: as many marks as Unicode's stream-safe text puts on a letter."""

INVISIBLE = {"Cc", "Cf", "Zs", "Zl", "Zp"}
"""Unicode categories of control, format and space characters: what tokenizers drop between words."""


def gaps(spans: Iterable[Span], length: int) -> list[Span]:
    """The stretches of a text of `length` characters that no span covers. Spans come in order of their starts.

    >>> gaps([(0, 3), (2, 3), (5, 6)], 8)
    [(3, 5), (6, 8)]
    """
    found, reach = [], 0
    for start, end in spans:
        if start > reach:
            found.append((reach, start))
        reach = max(reach, end)
    if reach < length:
        found.append((reach, length))
    return found


def absorb(spans: Sequence[Span | None], text: str) -> list[Span | None]:
    """Stretches spans over characters that Unicode composed into the one before.

    A normalizer that composes (NFC, NFKC) makes one character of "e" and an accent, and the library then tells the
    offsets of the "e" alone. The span of a text that is composed already stays as it is.

    >>> absorb([(0, 1), (2, 3)], "e\u0301!")
    [(0, 2), (2, 3)]
    """
    if text.isascii():  # nothing composes
        return list(spans)
    stretched = {}
    for start, end in gaps(sorted(span for span in spans if span is not None), len(text)):
        reach = start
        end = min(end, start + LONGEST_COMPOSED)
        while reach < end and start > 0 and _composes(text[start - 1 : reach], text[reach]):
            reach += 1
        stretched[start] = reach
    return [None if span is None else (span[0], stretched.get(span[1], span[1])) for span in spans]


def offset_checks(
    spans: list[Span], text: str, normalize: Callable[[str], str], suffix: str = ""
) -> tuple[Check, Check]:
    """Two checks: no character lost, and every span in order and inside the text.

    A character that no token covers is lost unless it is invisible (white space, control, zero-width) or the
    tokenizer's own normalizer turns it into nothing (an accent that is stripped).
    """
    disordered, before = 0, 0
    for start, end in spans:
        disordered += not (before <= start <= end <= len(text))
        before = max(before, start)
    uncovered = gaps(sorted(spans), len(text))
    kinds = {char for start, end in uncovered for char in text[start:end]}
    dropped = {char for char in kinds if _invisible(char) or not normalize(char).strip()}
    lost = sum(char not in dropped for start, end in uncovered for char in text[start:end])
    return at_most(f"offsets-rejoin{suffix}", lost, 0), at_most(f"offsets-in-order{suffix}", disordered, 0)


def _invisible(char: str) -> bool:
    return char.isspace() or unicodedata.category(char) in INVISIBLE


def _composes(before: str, char: str) -> bool:
    joined = unicodedata.normalize("NFC", before + char)
    return joined != unicodedata.normalize("NFC", before) + unicodedata.normalize("NFC", char)
