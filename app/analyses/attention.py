"""The maps of one head, of a layer's heads, or of all, through any lens: exact, cut to a window, or pooled to what a
screen can show.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import torch
from torch import Tensor

from app.analyses import hiding
from app.analyses.lenses import LENSES, Asked, Prediction
from app.analyses.ranges import Span, index, span
from app.attention.maps import Look, Pool, bin_edges, look, shrink
from app.checks import Check, at_most, worst
from app.errors import OutOfRange, Unprocessable
from app.limits import LARGEST_GRID, MOST_CELLS
from app.models.forward import z_limit
from app.models.progress import Cancelled, Progress, never, silent
from app.models.run import Run
from app.tokens.token import Tokens

ROWS_SUM_LIMIT = 1e-4

Group = Literal["token", "word"]


@dataclass(frozen=True, slots=True, eq=False)
class AttentionAnswer:
    """values [layers, heads, R, C] float32 on the CPU; a lens without a head axis has one map and `heads` is empty.

    `size` is what was asked for. Where the map was pooled or grouped, `row_edges` and `col_edges` are the token
    positions between which each row and column lies: R+1 and C+1 of them. A row without a value is NaN.

    meaning     what the lens shows, in a sentence; `signed`: below zero too; `bounded`: within 0 and 1
    sinks       [layers][heads], the key that lens=no-sink or hide=sink took out; None for a head without a sink
    hide        what was hidden: "special", "sink"; `hidden_rows` and `hidden_cols` are the special tokens among it
    prediction  what lens=gradient is about
    """

    run: str
    stack: str
    lens: str
    layers: list[int]
    heads: list[int]
    rows: Span
    cols: Span
    size: int | None
    pool: Pool
    group: Group
    row_edges: list[int] | None
    col_edges: list[int] | None
    values: Tensor
    meaning: str
    signed: bool
    bounded: bool
    sinks: list[list[int | None]] | None
    hide: list[str]
    hidden_rows: list[int]
    hidden_cols: list[int]
    prediction: Prediction | None
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]


def attention(
    run: Run,
    stack: str | None = None,
    layer: int | None = None,
    head: int | None = None,
    rows: Span | None = None,
    cols: Span | None = None,
    size: int | None = None,
    pool: Literal["max", "mean"] = "max",
    lens: str = "raw",
    group: Group = "token",
    hide: Sequence[str] = (),
    position: int | None = None,
    budget: float | None = None,
    progress: Progress = silent,
    cancelled: Cancelled = never,
) -> AttentionAnswer:
    """Maps of a run. Without `head` all heads of the layer; without `layer` all layers, and then `size` is required.

    `hide` leaves out special tokens ("special") and each head's sink ("sink"). `position` is the prediction that
    lens=gradient is about, `budget` the seconds it may take. Raises OutOfRange,
    StackUnknown, NotApplicable and NoLanguageHead where the lens makes no sense, NeedsStream for what would take
    longer, and Unprocessable for too much at once.
    """
    if lens not in LENSES:
        raise Unprocessable("There is no such lens.", f"The lenses are: {', '.join(LENSES)}.")
    through, out = LENSES[lens], hiding.checked(hide)
    chosen = run.stack(stack)
    layers = list(range(chosen.layers)) if layer is None else [index(layer, chosen.layers, "layer")]
    heads = slice(0, chosen.heads) if head is None else slice(index(head, chosen.heads, "head"), head + 1)
    if not through.heads:
        heads = slice(0, 1)
    window = span(rows, chosen.rows, "rows"), span(cols, chosen.cols, "cols")
    if layer is None and (size is None or size > LARGEST_GRID):
        raise Unprocessable(
            f"All layers at once need a `size` of at most {LARGEST_GRID}.", "Name a layer, or add size=32."
        )
    row_edges, col_edges = _edges(run, chosen.name, window, size, group)
    shown = (len(row_edges) - 1) * (len(col_edges) - 1)
    if len(layers) * (heads.stop - heads.start) * shown > MOST_CELLS:
        raise Unprocessable("That is too many numbers for one answer.", "Ask for one head, or add size=256.")
    how: Pool = "words" if group == "word" else "magnitude" if through.signed and pool == "max" else pool
    looks, layer_checks, prediction = [], [], None
    sinks: list[list[int | None]] = []
    whole = heads == slice(0, chosen.heads)
    asked = Asked(run, chosen.name, layers, heads, position, budget, progress, cancelled, together=whole)
    for one in through.show(asked):
        looked = heads if one.layers == 1 else slice(0, one.record.shape[0])
        of_heads = one.sinks
        if "sink" in out and of_heads is None:
            of_heads = hiding.sinks_of(one.record, looked, chosen.name)
        count = (looked.stop - looked.start) // one.layers
        mask = hiding.hidden(run, chosen.name, out, of_heads or [None] * (count * one.layers))
        seen = look(
            one.record, looked, row_edges, col_edges, how, one.change, one.sums, mask, causal=chosen.name == "decoder"
        )
        looks.append(seen.values.reshape(one.layers, count, *seen.values.shape[1:]))
        exact = z_limit(run.kept.final.dtype)
        layer_checks += [*_checks(seen, one.record.rules.sinks is not None, exact), *one.checks]
        sinks += [of_heads[i : i + count] for i in range(0, len(of_heads), count)] if of_heads is not None else []
        prediction = one.prediction
    values = torch.cat(looks)
    if group == "word" and size is not None:
        further: Pool = "magnitude" if through.signed and pool == "max" else pool
        values, row_edges = shrink(values, row_edges, size, further, dim=2)
        values, col_edges = shrink(values, col_edges, size, further, dim=3)
    queries, keys = run.tokens_of(chosen.name)
    plain = len(row_edges) == len(window[0]) + 1 and len(col_edges) == len(window[1]) + 1
    return AttentionAnswer(
        run=run.id,
        stack=chosen.name,
        lens=lens,
        layers=layers,
        heads=list(range(chosen.heads))[heads] if through.heads else [],
        rows=(window[0].start, window[0].stop),
        cols=(window[1].start, window[1].stop),
        size=size,
        pool=pool,
        group=group,
        row_edges=None if plain else row_edges,
        col_edges=None if plain else col_edges,
        values=values,
        meaning=through.meaning,
        signed=through.signed,
        bounded=through.bounded,
        sinks=sinks or None,
        hide=sorted(out),
        hidden_rows=[i for i in hiding.special(queries) if i in window[0]] if "special" in out else [],
        hidden_cols=[i for i in hiding.special(keys) if i in window[1]] if "special" in out else [],
        prediction=prediction,
        checks=worst(layer_checks),
        warnings=_warnings(through.null, values, bool(out)),
    )


def _edges(
    run: Run, stack: str, window: tuple[range, range], size: int | None, group: Group
) -> tuple[list[int], list[int]]:
    """Between which token positions each row and column of the answer lies."""
    if size is not None and size < 1:
        raise OutOfRange("`size` must be at least 1.", "Ask for 256, say.")
    if group == "token":
        return bin_edges(window[0], size), bin_edges(window[1], size)
    rows, cols = (word_edges(tokens, part) for tokens, part in zip(run.tokens_of(stack), window, strict=True))
    return rows, cols


def word_edges(tokens: Tokens, window: range) -> list[int]:
    """Edges of the words within a window of tokens; a token that belongs to no word stands for itself.

    >>> word_edges(tokens, range(5))  # [CLS] un ##happy cat [SEP]
    [0, 1, 3, 4, 5]
    """
    words = [tokens.items[i].word for i in window]
    starts = [i + 1 for i, (a, b) in enumerate(pairwise(words)) if a is None or a != b]
    return [window.start + i for i in (0, *starts, len(words))]


def _warnings(null: str, values: Tensor, hidden: bool) -> tuple[str, ...]:
    """Why some values are null."""
    if not bool(values.isnan().any()):
        return ()
    return tuple(why for why in (null, hiding.NOTE if hidden else "") if why)


def _checks(seen: Look, sink: bool, exact: float) -> list[Check]:
    """Rows sum to 1 (to less where a sink takes a share), a causal map is causal, and changed rows have their sums.

    `exact` is how near the model's own numbers can come, of which those sums are made.
    """
    checks = [at_most("rows-sum-to-at-most-1" if sink else "rows-sum-to-1", seen.row_sum_error, ROWS_SUM_LIMIT)]
    if seen.above_diagonal is not None:
        checks.append(at_most("nothing-above-the-diagonal", seen.above_diagonal, 0.0))
    if seen.changed_sum_error is not None:
        checks.append(at_most("shown-rows-have-their-sums", seen.changed_sum_error, exact))
    return checks
