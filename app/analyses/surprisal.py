"""Surprisal: how little a model expected each token of its text, −ln p, and the loss over them all.

    clm      p(token | the tokens before it), for all but the first: read one position before the token
    mlm      p(token | all others), each masked in turn: pseudo-log-likelihood (Salazar et al. 2020); no special tokens
    seq2seq  p(token | the text, the target before it): teacher-forced, the end of the target included

The loss is the mean; perplexity = e^loss; bits per byte = summed nats / (ln 2 · bytes of the scored tokens). Where
transformers has a loss of its own (`labels=`), this is it. Logits are made for a block of positions at a time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Literal

import torch
from torch import Tensor
from torch.nn import functional

from app.analyses.distributions import BLOCK_CELLS, NOWHERE, Distributions, ranks
from app.analyses.pace import afford, pass_seconds, reading_seconds
from app.analyses.text_bytes import scored_bytes
from app.attention.recorder import PassStopped
from app.checks import Check, at_most, worst
from app.errors import NotApplicable, TextTooShort, nobody_waits
from app.models.forward import unembed, z_limit
from app.models.info import require_language_head
from app.models.masked import masked_states
from app.models.progress import Cancelled, Progress, Stage, never, silent
from app.models.run import Run, inputs_of
from app.tokens.token import Token
from app.tokens.vocabulary import readable

Objective = Literal["clm", "mlm", "seq2seq"]

LOSS_LIMIT = 1e-4
"""How far float32's cross entropy may be from ours, in nats."""
NUMBERS = ("nats", "ranks", "entropy", "best", "best_softmax")
UNSCORED: dict[Objective, str] = {
    "clm": "The first token has nothing before it that could predict it; it is null.",
    "mlm": "Special tokens are not scored; they are null.",
    "seq2seq": "The decoder begins with its start token, which nothing predicts; it is null.",
}
"""Why some tokens have no numbers."""


@dataclass(frozen=True, slots=True)
class Scored:
    """A token. `nats`, `rank` (from 0) and `entropy` of the distribution it was scored by; None where it was not.

    `best` is the likeliest token in its place, with its text and softmax.
    """

    index: int
    id: int
    text: str
    nats: float | None
    rank: int | None
    entropy: float | None
    best: int | None
    best_text: str | None
    best_softmax: float | None


@dataclass(frozen=True, slots=True)
class SurprisalAnswer:
    """`tokens` of the stack that predicts, for seq2seq with the end of the target, which is behind the run's tokens.

    `loss` is the mean nats of the `scored`; `bits_per_byte` is None where the tokenizer does not tell which characters
    were scored.
    """

    run: str
    stack: str
    objective: Objective
    tokens: list[Scored]
    scored: int
    nats: float
    loss: float
    perplexity: float | None
    bytes: int | None
    bits_per_byte: float | None
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Part:
    """Numbers of some tokens: their indexes, the rest in the same order."""

    indexes: Sequence[int]
    nats: Tensor
    ranks: Tensor
    entropy: Tensor
    best: Tensor
    best_softmax: Tensor
    checks: tuple[Check, ...]


def surprisal(
    run: Run, budget: float | None = None, progress: Progress = silent, cancelled: Cancelled = never
) -> SurprisalAnswer:
    """Every token of the run scored. `budget` is the seconds it may take.

    Raises NoLanguageHead, TextTooShort where there is nothing to score, NotApplicable for a tokenizer without a mask,
    Cancelled, and NeedsStream for what would take longer.
    """
    require_language_head(run.model.info)
    objective = objective_of(run)
    items = scored_tokens(run, objective)
    wanted = [token for token in items if _is_scored(objective, token)]
    if not wanted:
        raise too_short(objective)
    passes = len(wanted) + 1 if objective == "mlm" else 0
    afford(passes * pass_seconds(run) + reading_seconds(run, len(wanted)), budget, "This text's surprisal")
    parts = []
    done = 0
    for part in (_masked if objective == "mlm" else _forced)(run, wanted, cancelled):
        done += len(part.indexes)
        parts.append(part)
        progress(Stage("surprisal", done, len(wanted), f"Token {done} of {len(wanted)}"))
    return _answer(run, objective, items, parts)


def too_short(objective: Objective) -> TextTooShort:
    """What is missing from a text of which no token can be scored, and what to add."""
    if objective == "mlm":
        return TextTooShort("The text holds only special tokens, and these are not scored.", "Add a word.")
    return TextTooShort(
        "The first token is not scored, since nothing stands before it to predict it by, and there is no other.",
        "Add another word behind it.",
    )


def objective_of(run: Run) -> Objective:
    """What the model was trained for."""
    objectives: dict[str, Objective] = {"encoder": "mlm", "decoder": "clm", "encoder-decoder": "seq2seq"}
    return objectives[run.model.network.layout.kind]


def scored_tokens(run: Run, objective: Objective) -> tuple[Token, ...]:
    """The tokens of the side that predicts, and what stands behind a decoder's last."""
    tokens = run.tokens["encoder" if objective == "mlm" else "decoder"]
    return tokens.items if tokens.behind is None else (*tokens.items, tokens.behind)


def _is_scored(objective: Objective, token: Token) -> bool:
    return not token.special if objective == "mlm" else token.index > 0


def _forced(run: Run, wanted: Sequence[Token], cancelled: Cancelled) -> Iterator[_Part]:
    """Each token by the distribution one position before it."""
    step = _rows_at_once(run)
    for first in range(0, len(wanted), step):
        if cancelled():
            raise nobody_waits()
        here = wanted[first : first + step]
        yield _part(here, run.logits(slice(here[0].index - 1, here[-1].index)))


def _masked(run: Run, wanted: Sequence[Token], cancelled: Cancelled) -> Iterator[_Part]:
    """Each token by the distribution in its own place, masked. The first is masked once more, alone, as a check."""
    network, mask = run.model.network, run.model.tokenizer.mask_token_id
    if mask is None:
        raise NotApplicable("This model's tokenizer has no mask token.", "Choose a model that was trained with one.")
    states = partial(masked_states, network, inputs_of(run.model, run.tokens), mask, stopped=cancelled)
    items = {token.index: token for token in wanted}
    try:
        ((_, alone),) = states([wanted[0].index], most=1)
        for here, final in states(list(items), most=_rows_at_once(run)):
            check = _same_check(final[:1], alone) if here[0] == wanted[0].index else ()
            yield _part([items[i] for i in here], unembed(network, final).cpu(), check)
    except PassStopped as exc:
        raise nobody_waits() from exc


def _same_check(batched: Tensor, alone: Tensor) -> tuple[Check, ...]:
    difference = float((batched - alone).abs().max() / alone.abs().max().clamp_min(1e-30))
    return (at_most("batched-equals-alone", difference, z_limit(alone.dtype)),)


def _rows_at_once(run: Run) -> int:
    return max(1, BLOCK_CELLS // (run.model.info.vocab or 1))


def _part(tokens: Sequence[Token], logits: Tensor, checks: tuple[Check, ...] = ()) -> _Part:
    """Logits [R, V] of as many tokens."""
    ids = torch.tensor([token.id for token in tokens])
    found = Distributions(logits)
    nats = -found.log_p.gather(-1, ids[:, None])[:, 0]
    nats[nats >= -NOWHERE] = torch.inf
    best = found.p.max(-1)
    plain = functional.cross_entropy(logits, ids, reduction="none").double()
    apart = torch.where(plain == nats, 0.0, (plain - nats).abs())  # both may be infinite
    return _Part(
        [token.index for token in tokens],
        nats,
        ranks(logits, ids),
        found.entropies(),
        best.indices,
        best.values,
        (
            at_most("probabilities-sum-to-1", found.sum_error(), 1e-6),
            at_most("nats-equal-torchs-cross-entropy", float(apart.max()), LOSS_LIMIT),
            *checks,
        ),
    )


def _answer(run: Run, objective: Objective, items: Sequence[Token], parts: Sequence[_Part]) -> SurprisalAnswer:
    columns = [torch.cat([getattr(part, name) for part in parts]).tolist() for name in NUMBERS]
    indexes = [i for part in parts for i in part.indexes]
    found = dict(zip(indexes, zip(*columns, strict=True), strict=True))
    likeliest = sorted({row[3] for row in found.values()})
    texts = dict(zip(likeliest, readable(run.model.tokenizer, likeliest), strict=True))
    total = math.fsum(row[0] for row in found.values())
    loss = total / len(found)
    length = scored_bytes(run, objective, items, found.keys())
    warnings: list[str] = []
    perplexity: float | None
    if len(found) < len(items):
        warnings.append(UNSCORED[objective])
    if length is None:
        warnings.append("This tokenizer does not tell its tokens' places, so there are no bits per byte.")
    try:
        perplexity = math.exp(loss)
    except OverflowError:
        perplexity = None
        warnings.append("The perplexity is too large for a number.")

    def scored(token: Token) -> Scored:
        nats, rank, entropy, best, softmax = found.get(token.index, (None,) * 5)
        text = None if best is None else texts[best]
        return Scored(token.index, token.id, token.display, nats, rank, entropy, best, text, softmax)

    return SurprisalAnswer(
        run=run.id,
        stack="encoder" if objective == "mlm" else "decoder",
        objective=objective,
        tokens=[scored(token) for token in items],
        scored=len(found),
        nats=total,
        loss=loss,
        perplexity=perplexity,
        bytes=length,
        bits_per_byte=None if not length else total / (math.log(2) * length),
        checks=worst(check for part in parts for check in part.checks),
        warnings=tuple(warnings),
    )
