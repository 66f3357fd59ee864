"""What text may come in: any Unicode that can be written as UTF-8, not blank, and not too long."""

from __future__ import annotations

from app.errors import EmptyText, InvalidText, TextTooLarge


def clean_text(text: str, limit_bytes: int, name: str = "text") -> str:
    """The text, unchanged, when it can be tokenized. `name` says in the errors which of the texts is meant.

    Nothing is normalised here: NUL, control and zero-width characters are left for the model's own tokenizer.
    Raises EmptyText (nothing but white space), InvalidText (lone surrogates, which no tokenizer takes) and
    TextTooLarge (more than `limit_bytes` of UTF-8).
    """
    if len(text) > limit_bytes:
        raise _too_long(limit_bytes, name)
    if not text or text.isspace():
        raise EmptyText(f"The {name} is empty or blank.", "Send at least one character that is not white space.")
    try:
        size = len(text.encode("utf-8"))
    except UnicodeEncodeError as exc:
        raise InvalidText(
            f"The {name} holds half of a surrogate pair, which is no character.",
            "Send whole Unicode characters: \\ud83d\\ude00 is one, \\ud83d alone is none.",
        ) from exc
    if size > limit_bytes:
        raise _too_long(limit_bytes, name)
    return text


def _too_long(limit_bytes: int, name: str) -> TextTooLarge:
    return TextTooLarge(f"The {name} is longer than {limit_bytes:,} bytes of UTF-8.", "Send a shorter one.")
