"""Knockouts: what the model predicts when an edge, a head, a layer's attention or a token is taken away.

One forward pass with all the edits at once, beside the run as it is: the candidates before and after, how far each
logit moved, and KL(before ‖ after) in nats. What an edit means is in `app/attention/edits.py`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.analyses.distributions import Distributions
from app.analyses.edits_asked import checked_edits
from app.analyses.position import predicted_position
from app.analyses.ranges import index
from app.analyses.words import RankedWord
from app.attention.edits import Knockout, Mode
from app.attention.maps import worse
from app.attention.recorder import PassStopped
from app.checks import Check, at_most
from app.errors import NotApplicable, OutOfRange, nobody_waits
from app.limits import MOST_CANDIDATES
from app.models.edited import Edited, edited_pass
from app.models.forward import unembed, z_limit
from app.models.progress import Cancelled, never
from app.models.run import Run, inputs_of
from app.tokens.vocabulary import readable

SUM_LIMIT = 1e-5
KL_LIMIT = 1e-6
"""How far below 0 rounding may bring a divergence."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What the edits did to a candidate: `change` is its logit after them minus the one before."""

    id: int
    text: str
    logit_before: float
    logit_after: float
    change: float
    softmax_before: float
    softmax_after: float
    rank_before: int
    rank_after: int


@dataclass(frozen=True, slots=True)
class Difference:
    """The logit of one token minus that of another."""

    token: int
    against: int
    before: float
    after: float
    change: float


@dataclass(frozen=True, slots=True)
class EditsAnswer:
    """`before` and `after`: the likeliest. `changes`: all of these, and the tokens asked about, by their first rank.

    `flips`: is the likeliest token another one now? `kl` is KL(before ‖ after) over the whole vocabulary, in nats.
    """

    run: str
    position: int
    mode: Mode
    edits: list[Knockout]
    before: list[RankedWord]
    after: list[RankedWord]
    changes: list[Moved]
    difference: Difference | None
    kl: float
    flips: bool
    entropy_before: float
    entropy_after: float
    checks: tuple[Check, ...]


def edits(
    run: Run,
    asked: Sequence[Knockout],
    mode: Mode = "zero",
    position: int | None = None,
    token: int | None = None,
    against: int | None = None,
    limit: int = 10,
    cancelled: Cancelled = never,
) -> EditsAnswer:
    """Make the pass with the edits `asked` for and hold its prediction at `position` against the run's.

    `token` is the likeliest unless told; with `against` their difference is given too. Raises NotApplicable,
    NoLanguageHead, OutOfRange, StackUnknown, Unprocessable for edits that name nothing, Cancelled.
    """
    refuse_weights(run)
    position = predicted_position(run, position)
    if not 1 <= limit <= MOST_CANDIDATES:
        raise OutOfRange(f"`limit` must lie between 1 and {MOST_CANDIDATES}.", "Ask for 10, say.")
    network = run.model.network
    try:
        knockouts = checked_edits(run, asked, cancelled)
        found = edited_pass(network, inputs_of(run.model, run.tokens), run.kept, knockouts, mode, cancelled)
    except PassStopped as exc:
        raise nobody_waits() from exc
    states = torch.stack([run.kept.final[position], found.final[position]])
    before, after = unembed(network, states).cpu().double()
    chosen = pair_of(before, token, against)
    first, then = Distributions(before), Distributions(after)
    kl = float(first.divergences(then.log_p))
    ids = _listed(before, after, limit, chosen)
    texts = dict(zip(ids, readable(run.model.tokenizer, ids), strict=True))
    return EditsAnswer(
        run=run.id,
        position=position,
        mode=mode,
        edits=list(knockouts),
        before=_choices(before, limit, texts),
        after=_choices(after, limit, texts),
        changes=_moved(before, after, ids, texts),
        difference=_difference(before, after, *chosen),
        kl=worse(0.0, kl),
        flips=bool(before.argmax() != after.argmax()),
        entropy_before=float(first.entropies()),
        entropy_after=float(then.entropies()),
        checks=_checks(run, found, worse(first.sum_error(), then.sum_error()), after, kl),
    )


def refuse_weights(run: Run) -> None:
    """Raises NotApplicable for a model that gives its maps only."""
    if run.model.info.capture == "weights":
        raise NotApplicable(
            "This architecture gives its attention's weights only, so nothing can be taken out of it.",
            "Choose a model that goes through transformers' attention interface.",
        )


def pair_of(before: Tensor, token: int | None, against: int | None) -> tuple[int, int | None]:
    """The token asked about, the likeliest if it is None, and the one it is held against. Raises OutOfRange."""
    vocab = len(before)
    token = int(before.argmax()) if token is None else index(token, vocab, "token")
    return token, None if against is None else index(against, vocab, "token")


def _listed(before: Tensor, after: Tensor, limit: int, chosen: tuple[int, int | None]) -> list[int]:
    """The ids that the answer is about, each once."""
    likeliest = [i for scores in (before, after) for i in scores.topk(min(limit, len(scores))).indices.tolist()]
    return list(dict.fromkeys([*likeliest, *(one for one in chosen if one is not None)]))


def _choices(scores: Tensor, limit: int, texts: dict[int, str]) -> list[RankedWord]:
    softmax = scores.softmax(-1)
    order = scores.topk(min(limit, len(scores))).indices.tolist()
    return [RankedWord(i, texts[i], float(scores[i]), float(softmax[i]), rank) for rank, i in enumerate(order)]


def _moved(before: Tensor, after: Tensor, ids: list[int], texts: dict[int, str]) -> list[Moved]:
    p, q = before.softmax(-1), after.softmax(-1)
    found = [
        Moved(
            i, texts[i], float(before[i]), float(after[i]), float(after[i] - before[i]), float(p[i]), float(q[i]),
            int((before > before[i]).sum()), int((after > after[i]).sum()),
        )
        for i in ids
    ]  # fmt: skip
    return sorted(found, key=lambda one: min(one.rank_before, one.rank_after))


def _difference(before: Tensor, after: Tensor, token: int, against: int | None) -> Difference | None:
    if against is None:
        return None
    first, then = (float(scores[token] - scores[against]) for scores in (before, after))
    return Difference(token, against, first, then, then - first)


def _checks(run: Run, found: Edited, sums: float, after: Tensor, kl: float) -> tuple[Check, ...]:
    return (
        at_most("same-up-to-the-first-edit", found.difference, z_limit(run.kept.final.dtype)),
        at_most("kl-is-not-negative", -min(kl, 0.0), KL_LIMIT),
        at_most("softmax-sums-to-1", sums, SUM_LIMIT),
        at_most("largest-logit", float(after.abs().max()), torch.finfo(torch.float32).max),
    )
