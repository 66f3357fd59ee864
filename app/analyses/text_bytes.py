"""How many bytes of a text some of its tokens stand for: what bits per byte are counted by, whatever the tokenizer."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from itertools import pairwise

from app.models.run import Run
from app.tokens.token import Token


def scored_bytes(run: Run, objective: str, items: Sequence[Token], scored: Collection[int]) -> int | None:
    """Bytes of UTF-8 that the tokens with these indexes stand for; None where the tokenizer does not tell.

    White space, and what else a tokenizer drops, belongs to the token behind it.
    """
    if objective == "seq2seq":
        texts = [run.request.target if run.request.target is not None else run.answer or ""]
    else:
        texts = [run.request.text, *([] if run.request.pair is None else [run.request.pair])]
    written = [token for token in items if not token.special or token.start is not None]
    if all(token.index in scored for token in written):
        return sum(len(text.encode()) for text in texts)
    placed = [token for token in written if token.start is not None]
    if len(placed) < len(written):
        return None
    total = 0
    for segment, text in enumerate(texts):
        own = [token for token in placed if token.segment == segment]
        total += stretch_bytes(text, [(t.end or 0, t.index in scored) for t in own])
    return total


def stretch_bytes(text: str, ends: Sequence[tuple[int, bool]]) -> int:
    """Bytes of the stretches that count, each from the end before it to its own; the last reaches to the text's end.

    Tokens that share a character (the bytes of an emoji) have one end; it counts if any of them does.

    >>> stretch_bytes("née là", [(3, False), (6, True)])
    4
    """
    counts: dict[int, bool] = {}
    for end, is_scored in ends:
        counts[end] = counts.get(end, False) or is_scored
    if not counts:
        return 0
    stops = [0, *sorted(counts)]
    total = sum(len(text[a:b].encode()) for a, b in pairwise(stops) if counts.get(b))
    return total + (len(text[stops[-1] :].encode()) if counts[stops[-1]] else 0)
