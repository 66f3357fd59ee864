"""How a token is written for people: "Ġcat" as " cat", "##ing" as "ing", "▁the" as " the".

Vocabularies spell spaces and bytes in signs of their own. Four conventions cover nearly all of them:
byte-level (GPT-2: each byte is one printable character, a space is Ġ), WordPiece (## continues a word),
SentencePiece (▁ is a space, <0x0A> a byte), and a suffix that ends a word (</w>).
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from functools import cache
from typing import Any

METASPACE = "▁"
BYTE = re.compile(r"<0x([0-9A-F]{2})>")

Display = Callable[[str], str]


@cache
def byte_of() -> dict[str, int]:
    """Which byte each character of a byte-level vocabulary stands for (256 entries).

    Printable Latin-1 stands for itself; the other 68 bytes are U+0100 onwards, in order, so that a space is Ġ
    (U+0120) and a newline Ċ. Source: `bytes_to_unicode` of GPT-2's encoder.py.
    """
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


def from_bytes(text: str) -> str:
    """A byte-level token as text; bytes that are not whole characters are written in hex.

    >>> from_bytes("Ġcat"), from_bytes("ðŁ")
    (' cat', '⟨f0 9f⟩')
    """
    table = byte_of()
    if any(char not in table for char in text):
        return text
    raw = bytes(table[char] for char in text)
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        space = " " * (len(raw) - len(raw.lstrip(b" ")))
        return f"{space}⟨{raw[len(space) :].hex(' ')}⟩"


def from_sentencepiece(text: str) -> str:
    """
    >>> from_sentencepiece("▁the"), from_sentencepiece("<0x41>"), from_sentencepiece("<0xF0>")
    (' the', 'A', '⟨f0⟩')
    """
    byte = BYTE.fullmatch(text)
    if byte:
        value = int(byte.group(1), 16)
        return chr(value) if value < 128 else f"⟨{value:02x}⟩"
    return text.replace(METASPACE, " ")


def without(prefix: str, suffix: str) -> Display:
    """Strips what marks the inside or the end of a word; a token that is nothing but the mark stays as it is."""

    def strip(text: str) -> str:
        return text.removeprefix(prefix).removesuffix(suffix) or text

    return strip


def convention(backend: Any | None) -> Display:
    """The convention of a `tokenizers.Tokenizer`, read from its decoder.

    `None` (a tokenizer written in Python): the marks of each token tell.
    """
    if backend is None:
        return _by_marks
    parts = _parts(backend.decoder) + _parts(backend.pre_tokenizer)
    kinds = {part["type"]: part for part in reversed(parts)}
    if "ByteLevel" in kinds:
        return from_bytes
    if "WordPiece" in kinds:
        return without(kinds["WordPiece"].get("prefix", "##"), "")
    if "BPEDecoder" in kinds:
        return without("", kinds["BPEDecoder"].get("suffix", "</w>"))
    model = backend.model
    suffix = getattr(model, "end_of_word_suffix", None)
    if suffix:
        return without("", suffix)
    prefix = getattr(model, "continuing_subword_prefix", None)
    if prefix:
        return without(prefix, "")
    return from_sentencepiece


def _by_marks(text: str) -> str:
    if METASPACE in text or BYTE.fullmatch(text):
        return from_sentencepiece(text)
    return without("##", "</w>")(text.removesuffix("@@") or text)


def _parts(component: Any | None) -> list[dict[str, Any]]:
    """A decoder or pre-tokenizer as its own JSON, a sequence flattened into its parts."""
    if component is None:
        return []
    state: dict[str, Any] = json.loads(component.__getstate__())
    nested: list[dict[str, Any]] | None = state.get("decoders") or state.get("pretokenizers")
    return nested if nested is not None else [state]
