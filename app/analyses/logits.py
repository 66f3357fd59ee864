"""From logits to the next word: temperature, top-k, top-p, min-p, softmax and a draw, over the whole vocabulary.

The steps are those of transformers' `generate`, in its order: divide by the temperature; keep the k largest; keep the
fewest whose probabilities reach top-p; drop what is less likely than min-p times the likeliest; renormalise. Each
step says how many candidates it left and how much probability it took away.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import torch
from torch import Tensor

from app.analyses.position import predicted_position, target_of
from app.checks import Check, at_most
from app.errors import OutOfRange
from app.limits import MOST_CANDIDATES
from app.models.loaded import LoadedModel
from app.models.run import Run
from app.tokens.vocabulary import readable

SUM_LIMIT = 1e-5
PRUNING = ("top-k", "top-p", "min-p")


@dataclass(frozen=True, slots=True)
class Candidate:
    """`softmax` is over the whole vocabulary at temperature 1, `probability` after the pipeline; `rank` is from 0.

    `below` is the probability of all that are likelier: a draw of u in [below, below + probability) falls on this one.
    """

    id: int
    text: str
    logit: float
    softmax: float
    probability: float
    kept: bool
    rank: int
    below: float


@dataclass(frozen=True, slots=True)
class Step:
    """`kept` candidates are left after the step, which took away `removed_mass` of what had been left.

    `first_removed` is the likeliest of those that it took; None where it took none.
    """

    step: str
    kept: int
    removed_mass: float
    first_removed: Candidate | None = None


@dataclass(frozen=True, slots=True)
class Draw:
    """`u` in [0, 1) fell on this candidate, the candidates laid end to end from the likeliest on."""

    u: float
    id: int
    text: str


@dataclass(frozen=True, slots=True)
class LogitsAnswer:
    """`target` is what really stands at the predicted place, the end of a target too; None where the text ends.

    `entropy`: nats, at temperature 1. `entropy_after`: nats too, of what the pipeline left.
    """

    run: str
    position: int
    target: Candidate | None
    vocab: int
    entropy: float
    entropy_after: float
    candidates: list[Candidate]
    pipeline: list[Step]
    draw: Draw | None
    drawn: Candidate | None
    checks: tuple[Check, ...]


def logits(
    run: Run,
    position: int | None = None,
    temperature: float = 1.0,
    top_k: int = 0,
    top_p: float = 1.0,
    min_p: float = 0.0,
    limit: int = 20,
    search: str | None = None,
    draw: int | None = None,
) -> LogitsAnswer:
    """What the model predicts at `position`: the next token, or for a masked model the one behind a [MASK].

    None is the last token, or the first mask. Temperature 0 means greedy: the likeliest only. `top_k` 0 keeps all.
    `search` lists the candidates whose text it is, and then those whose text contains it, ignoring case; `#1234` is the
    one of that id. `draw` is a seed.
    Raises NoLanguageHead, OutOfRange, NotApplicable.
    """
    position = predicted_position(run, position)
    check_settings(temperature, top_k, top_p, min_p, limit)
    scores, order = run.model.lately.scores(run, position)
    found = predict(scores, temperature, top_k, top_p, min_p, order=order.long())
    target = target_of(run, position)
    u = None if draw is None else uniform(torch.Generator().manual_seed(draw))
    drawn = None if u is None else drawn_at(found, u)
    listed = found.order[:limit].tolist()
    if search is not None:
        listed = _matches(run.model.vocabulary, search, found.order, limit)
    cuts = first_removed(found)
    known = candidates(found, [*listed, *cuts.values(), *(i for i in (target, drawn) if i is not None)], run.model)
    return LogitsAnswer(
        run=run.id,
        position=position,
        target=None if target is None else known[target],
        vocab=len(scores),
        entropy=entropy(found),
        entropy_after=float(torch.special.entr(found.probability).sum()),
        candidates=[known[i] for i in listed],
        pipeline=steps_told(found, cuts, known),
        draw=None if u is None or drawn is None else Draw(u, drawn, known[drawn].text),
        drawn=None if drawn is None else known[drawn],
        checks=prediction_checks(found),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Prediction:
    """What became of one position's scores [V], float64. `order`: all ids, the likeliest first.

    `softmax` is of the scores themselves, `warped` and its softmax `probability` are what the pipeline left.
    """

    scores: Tensor
    softmax: Tensor
    warped: Tensor
    probability: Tensor
    order: Tensor
    steps: list[Step]


def predict(
    scores: Tensor,
    temperature: float,
    top_k: int,
    top_p: float,
    min_p: float,
    ruled: Tensor | None = None,
    order: Tensor | None = None,
) -> Prediction:
    """Logits [V] through the pipeline. `ruled`: the logits as rules of the model's own changed them first.

    `order`: all ids by what is put in, the likeliest first, where that is known already.
    """
    scores = scores.double()
    softmax = scores.softmax(-1)
    first, own = scores, []
    if ruled is not None:
        first = ruled.double()
        kept = torch.isfinite(first)
        own = [Step("own-rules", int(kept.sum()), float(softmax[~kept].sum()))]
    order = first.argsort(descending=True, stable=True) if order is None else order
    warped, steps = pipeline(first, temperature, top_k, top_p, min_p, order)
    return Prediction(scores, softmax, warped, warped.softmax(-1), order, [*own, *steps])


def candidates(found: Prediction, ids: Sequence[int], model: LoadedModel) -> dict[int, Candidate]:
    """What is to be said of these ids."""
    ranks = torch.empty_like(found.order).scatter_(0, found.order, torch.arange(len(found.order)))
    in_order = found.probability[found.order]
    below = torch.empty_like(in_order).scatter_(0, found.order, in_order.cumsum(-1) - in_order)
    index = torch.tensor(list(ids), dtype=torch.long)
    columns = (found.scores, found.softmax, found.probability, torch.isfinite(found.warped), ranks, below)
    rows = zip(ids, readable(model.tokenizer, ids), *(column[index].tolist() for column in columns), strict=True)
    return {row[0]: Candidate(*row) for row in rows}


def entropy(found: Prediction) -> float:
    """In nats, at temperature 1."""
    return float(torch.special.entr(found.softmax).sum())


def uniform(generator: torch.Generator) -> float:
    """The generator's next number in [0, 1)."""
    return float(torch.rand((), generator=generator, dtype=torch.float64))


def drawn_at(found: Prediction, u: float) -> int:
    """The candidate whose stretch of the cumulative curve `u` falls on."""
    cumulative = found.probability[found.order].cumsum(-1)
    place = int(torch.searchsorted(cumulative, u * float(cumulative[-1]), right=True))
    return int(found.order[min(place, int((found.probability > 0).sum()) - 1)])


def pipeline(
    scores: Tensor, temperature: float, top_k: int, top_p: float, min_p: float, order: Tensor | None = None
) -> tuple[Tensor, list[Step]]:
    """The scores [V] after every step, -inf where a candidate was dropped, and what each step did.

    `order`: all ids, the likeliest first, where that is known already; top-p needs it.

    >>> warped, steps = pipeline(torch.tensor([2.0, 1.0, 0.0]), 1.0, 2, 1.0, 0.0)
    >>> [(s.step, s.kept, round(s.removed_mass, 3)) for s in steps][1]  # e^0 / (e^2 + e^1 + e^0) = 0.090
    ('top-k', 2, 0.09)
    """
    greedy = temperature == 0.0
    warped = scores if greedy else (scores - scores.max()) / temperature  # the shift keeps tiny temperatures finite
    steps = [Step("temperature", len(scores), 0.0)]
    for name, keep in (
        ("top-k", partial(_likeliest, order=order) if greedy else partial(_top_k, top_k=top_k)),
        ("top-p", partial(_top_p, top_p=1.0 if greedy else top_p, order=order)),
        ("min-p", partial(_min_p, min_p=0.0 if greedy else min_p)),
    ):
        kept = keep(warped)
        removed = float(warped.softmax(-1)[~kept].sum())
        warped = warped.masked_fill(~kept, -torch.inf)
        steps.append(Step(name, int(torch.isfinite(warped).sum()), removed))
    return warped, steps


def _likeliest(scores: Tensor, order: Tensor | None) -> Tensor:
    """One, also where others are as likely: the first of them, as torch's argmax has it."""
    first = int(scores.argmax()) if order is None else int(order[0])
    return torch.arange(len(scores)) == first


def _top_k(scores: Tensor, top_k: int) -> Tensor:
    """Those not below the k-th largest: more than k where several are equal to it."""
    if not 0 < top_k < len(scores):
        return torch.ones_like(scores, dtype=torch.bool)
    return scores >= scores.topk(top_k).values[-1]


def _top_p(scores: Tensor, top_p: float, order: Tensor | None) -> Tensor:
    """The fewest, from the likeliest on, whose probabilities reach top_p; always the likeliest."""
    if top_p >= 1.0:
        return torch.ones_like(scores, dtype=torch.bool)
    ascending = (scores.argsort(descending=True, stable=True) if order is None else order).flip(0)
    kept = scores[ascending].softmax(-1).cumsum(-1) > 1.0 - top_p
    kept[-1] = True
    return torch.empty_like(kept).scatter_(0, ascending, kept)


def _min_p(scores: Tensor, min_p: float) -> Tensor:
    """Those at least min_p times as likely as the likeliest."""
    probability = scores.softmax(-1)
    return probability >= min_p * probability.max()


def first_removed(found: Prediction) -> dict[str, int]:
    """The likeliest id that each step of the pipeline took, by the step's name. What falls is the end of the order."""
    cuts, left = {}, len(found.order)
    for step in found.steps:
        if step.step in PRUNING and step.kept < left:
            cuts[step.step] = int(found.order[step.kept])
        left = step.kept
    return cuts


def steps_told(found: Prediction, cuts: Mapping[str, int], known: Mapping[int, Candidate]) -> list[Step]:
    """The steps with the candidates of `cuts`, which first_removed() found."""
    return [replace(step, first_removed=known[cuts[step.step]]) if step.step in cuts else step for step in found.steps]


def _matches(words: Sequence[str], search: str, order: Tensor, limit: int) -> list[int]:
    """The id that was asked for, the ids whose text is `search`, and those whose text contains it; at most `limit`."""
    asked = int(search[1:]) if search.startswith("#") and search[1:].isdecimal() and len(search) < 10 else -1
    wanted = search.casefold()
    named = [asked] if 0 <= asked < len(order) else []
    hits = [i for i in order.tolist() if i < len(words) and wanted in words[i].casefold()]
    whole = [i for i in hits if words[i].casefold().strip() == wanted.strip()]
    return list(itertools.islice(dict.fromkeys([*named, *whole, *hits]), limit))


def check_settings(temperature: float, top_k: int, top_p: float, min_p: float, limit: int) -> None:
    """Raises OutOfRange."""
    for value, low, high, name in (
        (temperature, 0.0, 100.0, "temperature"),
        (top_k, 0, 1_000_000_000, "top_k"),
        (top_p, 0.0, 1.0, "top_p"),
        (min_p, 0.0, 1.0, "min_p"),
        (limit, 1, MOST_CANDIDATES, "limit"),
    ):
        if not low <= value <= high:
            raise OutOfRange(f"`{name}` must lie between {low:g} and {high:g}.", "Choose a value in that range.")


def prediction_checks(found: Prediction) -> tuple[Check, ...]:
    """Both distributions sum to 1, and the largest logit is finite."""
    return (
        at_most("softmax-sums-to-1", abs(float(found.softmax.sum()) - 1.0), SUM_LIMIT),
        at_most("kept-sums-to-1", abs(float(found.probability.sum()) - 1.0), SUM_LIMIT),
        at_most("largest-logit", float(found.scores.abs().max()), torch.finfo(torch.float32).max),
    )
