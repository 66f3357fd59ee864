"""What a look leaves out at the caller's wish: special tokens, each head's sink. Nothing is renormalised for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, get_args

import torch

from app.analyses.lenses.no_sink import find_sinks
from app.attention.maps import Hidden
from app.attention.recorder import LayerRecord
from app.errors import Unprocessable
from app.models.run import Run
from app.tokens.token import Tokens

Hide = Literal["special", "sink"]
NOTE = "What is hidden is null, and left out of words and bins; the rest is not renormalised."


def checked(hide: Sequence[str]) -> frozenset[str]:
    """The names, when all of them can be hidden. Raises Unprocessable."""
    if not set(hide) <= set(get_args(Hide)):
        raise Unprocessable("That cannot be hidden.", f"hide takes {' and '.join(get_args(Hide))}, with a comma.")
    return frozenset(hide)


def special(tokens: Tokens) -> list[int]:
    """Where the special tokens are.

    >>> special(tokenize(tokenizer, "a cat"))  # [CLS] a cat [SEP]
    [0, 3]
    """
    return [token.index for token in tokens.items if token.special]


def sinks_of(record: LayerRecord, heads: slice, stack: str) -> list[int | None]:
    """The sink of each head, as lens=no-sink defines it; of a map without heads, its own."""
    return find_sinks(record, heads, causal=stack == "decoder")


def hidden(run: Run, stack: str, hide: frozenset[str], sinks: Sequence[int | None]) -> Hidden | None:
    """The mask of one layer, a row of keys for each head in `sinks`; None where nothing is hidden."""
    if not hide:
        return None
    rows, cols = run.tokens_of(stack)
    queries, keys = torch.zeros(len(rows.items), dtype=torch.bool), torch.zeros(len(cols.items), dtype=torch.bool)
    if "special" in hide:
        queries[special(rows)] = True
        keys[special(cols)] = True
    by_head = keys.repeat(len(sinks), 1)
    if "sink" in hide:
        for head, sink in enumerate(sinks):
            if sink is not None:
                by_head[head, sink] = True
    return Hidden(by_head, queries)
