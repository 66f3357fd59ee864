"""Generation with attention: a text written step by step, and where every head looked while each token was chosen.

A step is: the logits of the last position, the rules of the model's own, the pipeline of logits.py, a draw, and one row
of every head, that of the token which predicts. Temperature 0 is greedy: nothing is drawn.

A decoder continues its text, an encoder-decoder writes its answer, a masked model fills its masks from left to right;
what was filled counts for the masks that follow.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from app.analyses.logits import (
    Candidate,
    Draw,
    Prediction,
    Step,
    candidates,
    check_settings,
    drawn_at,
    entropy,
    first_removed,
    predict,
    prediction_checks,
    steps_told,
    uniform,
)
from app.attention.maps import bin_edges, shrink
from app.attention.recorder import PassStopped
from app.checks import Check, at_most, worst
from app.errors import Cancelled, HeadlightError, NotApplicable, OutOfRange
from app.limits import LARGEST_SIZE, MOST_CANDIDATES, MOST_CELLS, MOST_STEPS
from app.models.forward import z_limit
from app.models.writer import Seen, Writer
from app.models.writing import Prompt
from app.tokens.token import Token

SUM_LIMIT = 1e-4
SEEDS = 2**31
SORTED = MOST_CANDIDATES
"""How many of the likeliest are sorted: as many as can be listed."""

Ended = Literal["steps", "end-token", "masks"]
"""Why there are no more steps: as many as were asked for, the model's end token, or no mask left."""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How a token is chosen. `seed` None: one is made up and told. The draw of a step depends on the seed and the step,
    so that a branch goes on with the numbers that the text it left went on with.
    """

    temperature: float = 1.0
    top_k: int = 0
    top_p: float = 1.0
    min_p: float = 0.0
    seed: int | None = None
    limit: int = 20
    size: int | None = None


@dataclass(frozen=True, slots=True)
class Start:
    """What is written on. `seed` is None where nothing is drawn; `masks` are the positions to fill, in their order.

    `text` and `pair` have in them what was written before.
    """

    model: str
    tokens: dict[str, list[Token]]
    sampling: Literal["greedy", "drawn"]
    seed: int | None
    masks: list[int] | None
    says: str
    text: str
    pair: str | None


@dataclass(frozen=True, slots=True)
class Row:
    """What `query` gives each key, in every head of a stack: values [layers, heads, keys], or bins between edges."""

    stack: str
    query: int
    layers: list[int]
    heads: list[int]
    cols: tuple[int, int]
    size: int | None
    col_edges: list[int] | None
    values: Tensor


@dataclass(frozen=True, slots=True)
class Written:
    """One step, counted from the first token that was ever written on this text. `text`: all of it, so far.

    `chosen` is the token as a candidate; `draw` is None where temperature 0 took the likeliest.
    `attention` is of the stack that writes, `cross` of an encoder-decoder's look at its text.
    """

    step: int
    position: int
    token: Token
    chosen: Candidate
    candidates: list[Candidate]
    entropy: float
    pipeline: list[Step]
    draw: Draw | None
    attention: Row
    cross: Row | None
    text: str
    pair: str | None
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True)
class Generated:
    """The end of it: every id that was written, those sent as `prefix_ids` first."""

    ids: list[int]
    text: str
    pair: str | None
    ended: Ended
    seed: int | None
    checks: tuple[Check, ...]


def check_sampling(prompt: Prompt, sampling: Sampling) -> None:
    """Raises OutOfRange for what cannot be asked for, and where the steps come to too many numbers for one answer."""
    check_settings(sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p, sampling.limit)
    size = LARGEST_SIZE if sampling.size is None else sampling.size
    for value, high, name in ((prompt.steps, MOST_STEPS, "steps"), (size, LARGEST_SIZE, "size")):
        if not 1 <= value <= high:
            raise OutOfRange(f"`{name}` must lie between 1 and {high}.", "Choose a value in that range.")
    keys = max(map(len, prompt.tokens.values())) + prompt.steps
    row = min(keys, sampling.size or keys)
    cells = prompt.steps * row * sum(stack.layers * stack.heads for stack in prompt.model.shapes.stacks)
    if cells > MOST_CELLS:
        raise OutOfRange(
            f"{prompt.steps} steps come to {cells} weights; one answer holds {MOST_CELLS}.",
            "Ask for fewer steps, or for a `size` to pool the keys to.",
        )


def generate(
    prompt: Prompt,
    sampling: Sampling,
    begin: Callable[[Start], None] = lambda _: None,
    tell: Callable[[Written], None] = lambda _: None,
    stopped: Callable[[], bool] = lambda: False,
    between: Callable[[], bool] = lambda: False,
) -> Generated:
    """Write on `prompt`, telling each step as it is made.

    `stopped` is asked before every layer, `between` before every step. Raises Cancelled when either says so,
    OutOfRange, and NotApplicable where transformers cannot let the model write.
    """
    check_sampling(prompt, sampling)
    greedy = sampling.temperature == 0.0
    seed = None if greedy else secrets.randbelow(SEEDS) if sampling.seed is None else sampling.seed
    generator = torch.Generator().manual_seed(seed or 0)
    ids = list(prompt.before)
    for _ in ids:
        uniform(generator)
    text, pair = prompt.texts(ids)
    begin(_start(prompt, seed, (text, pair)))
    rules = prompt.rules()
    read = [] if prompt.side == "encoder" else prompt.tokens["decoder"].ids
    checks: list[Check] = []
    ended: Ended = "masks" if prompt.side == "encoder" else "end-token"
    if prompt.ended(ids):
        return Generated(ids, text, pair, ended, seed, ())
    try:
        writer, unread = prompt.writer(stopped)
        for _ in range(prompt.steps):
            if between():
                raise PassStopped
            seen = _read(writer, unread)
            ruled = None if rules is None else rules([*read, *ids], seen.logits)
            u = None if greedy else uniform(generator)
            found, token_id = choose(seen.logits, ruled, sampling, u)
            step, ids, unread = len(ids), [*ids, token_id], [token_id]
            text, pair = prompt.texts(ids)
            written = _written(prompt, sampling, step, token_id, found, seen, u, (text, pair))
            checks = list(worst([*checks, *written.checks]))
            tell(written)
            if prompt.ended(ids):
                break
        else:
            ended = "steps"
    except PassStopped as exc:
        raise Cancelled("The writing was stopped, since nobody waited for it any more.", "Ask again.") from exc
    return Generated(ids, text, pair, ended, seed, tuple(checks))


def choose(logits: Tensor, ruled: Tensor | None, sampling: Sampling, u: float | None) -> tuple[Prediction, int]:
    """The prediction and the id taken from it; `u` None: the likeliest.

    To sort a whole vocabulary takes long, and only what is listed, what is drawn and the first that each step removes
    need their place: all of it is sorted where top-p wants it, or where one of these lies behind what was sorted.
    """
    chosen = (sampling.temperature, sampling.top_k, sampling.top_p, sampling.min_p)
    if sampling.top_p >= 1.0 or u is None:
        found = predict(logits, *chosen, ruled=ruled, order=_best_first(logits if ruled is None else ruled))
        token_id = int(found.order[0]) if u is None else drawn_at(found, u)
        told = torch.tensor([token_id, *first_removed(found).values()])
        if bool(torch.isin(told, found.order[:SORTED]).all()):
            return found, token_id
    found = predict(logits, *chosen, ruled=ruled)
    return found, int(found.order[0]) if u is None else drawn_at(found, u)


def _best_first(scores: Tensor) -> Tensor:
    """All ids: the SORTED with the largest scores in their order, of equals the smaller id first; then the others."""
    ids = scores.topk(min(SORTED, len(scores))).indices.sort().values
    best = ids[scores[ids].argsort(descending=True, stable=True)]
    others = torch.ones(len(scores), dtype=torch.bool)
    others[best] = False
    return torch.cat([best, others.nonzero()[:, 0]])


def _read(writer: Writer, ids: Sequence[int]) -> Seen:
    try:
        return writer.read(ids)
    except (HeadlightError, PassStopped):
        raise
    except Exception as exc:
        raise NotApplicable(
            f"transformers could not let this model write token by token ({type(exc).__name__}).",
            "Its heads can be looked at in a run; choose another model to write.",
        ) from exc


def _start(prompt: Prompt, seed: int | None, texts: tuple[str, str | None]) -> Start:
    tokens = {name: list(found.items) for name, found in prompt.tokens.items()}
    for step, token_id in enumerate(prompt.before):
        position = prompt.position(step)
        tokens[prompt.side][position : position + 1] = [prompt.token(token_id, step)]
    how = (
        "Temperature 0 is greedy: the likeliest token is taken at every step, and nothing is drawn."
        if seed is None
        else f"Every token is drawn, with seed {seed}: the same seed writes the same text."
    )
    masks = prompt.masks if prompt.side == "encoder" else None
    order = (
        "" if masks is None else " The masks are filled from left to right, and what was filled counts for the rest."
    )
    chosen: Literal["greedy", "drawn"] = "greedy" if seed is None else "drawn"
    return Start(prompt.model.info.id, tokens, chosen, seed, masks, how + order, *texts)


def _written(
    prompt: Prompt,
    sampling: Sampling,
    step: int,
    token_id: int,
    found: Prediction,
    seen: Seen,
    u: float | None,
    texts: tuple[str, str | None],
) -> Written:
    listed = found.order[: sampling.limit].tolist()
    cuts = first_removed(found)
    known = candidates(found, [*listed, token_id, *cuts.values()], prompt.model)
    row = _row(seen, prompt.side, prompt.query(step), sampling.size)
    cross = _row(seen, "cross", prompt.query(step), sampling.size) if "cross" in seen.rows else None
    return Written(
        step=step,
        position=prompt.position(step),
        token=prompt.token(token_id, step),
        chosen=known[token_id],
        candidates=[known[i] for i in listed],
        entropy=entropy(found),
        pipeline=steps_told(found, cuts, known),
        draw=None if u is None else Draw(u, token_id, known[token_id].text),
        attention=row,
        cross=cross,
        text=texts[0],
        pair=texts[1],
        checks=_checks(prompt, found, seen),
    )


def _row(seen: Seen, stack: str, query: int, size: int | None) -> Row:
    values = seen.rows[stack]
    layers, heads, keys = values.shape
    edges = None
    if size is not None and size < keys:
        values, edges = shrink(values, bin_edges(range(keys)), size, "max", 2)
    return Row(stack, query, list(range(layers)), list(range(heads)), (0, keys), size, edges, values)


def _checks(prompt: Prompt, found: Prediction, seen: Seen) -> tuple[Check, ...]:
    checks = [at_most("rows-sum-to-1", seen.row_sum_error, SUM_LIMIT), *prediction_checks(found)]
    if seen.z_difference is not None:
        limit = z_limit(getattr(torch, prompt.model.dtype))
        checks.append(at_most("z-equals-the-models", seen.z_difference, limit))
    return tuple(checks)
