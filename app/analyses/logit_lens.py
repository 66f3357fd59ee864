"""The logit lens (nostalgebraist 2020): what each layer would predict, if its states were the last ones.

    p_l = softmax(head(norm_f(h_l))),  h_l what goes into layer l, h_L what comes out of the last, before norm_f

So layer 0 is the embeddings, and the last row is the model's own prediction. Beside the likeliest tokens of each layer
stand its entropy and KL(p_l ‖ p_L), both in nats. BERT has no final norm, and its head was trained on the last states
alone: read through the whole MLM head, as BART through its own, the layers below are an approximation.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from app.analyses.distributions import Distributions, ranks
from app.analyses.position import target_of, usual_position
from app.analyses.ranges import index
from app.analyses.words import RankedWord
from app.checks import Check, at_most
from app.errors import NotApplicable, OutOfRange
from app.limits import MOST_CANDIDATES
from app.models.ending import Ending, read_stack
from app.models.forward import unembed, z_limit
from app.models.info import require_language_head
from app.models.run import Run
from app.tokens.vocabulary import readable

BELOW_ZERO = 1e-6
"""How far rounding may carry a divergence below zero."""


@dataclass(frozen=True, slots=True)
class LensLayer:
    """`layer` layers lie below. `final` is the token the model ends with, `target` what really stands there."""

    layer: int
    candidates: list[RankedWord]
    entropy: float
    kl_to_final: float
    final: RankedWord
    target: RankedWord | None


@dataclass(frozen=True, slots=True)
class LensAnswer:
    """From the embeddings (layer 0) to the final states. `approximate`: the head was trained on the last states alone.

    `settled` is the first layer from which on the likeliest token is the one the model ends with.
    """

    run: str
    stack: str
    position: int
    approximate: bool
    settled: int
    layers: list[LensLayer]
    checks: tuple[Check, ...]


def lens(run: Run, position: int | None = None, limit: int = 10) -> LensAnswer:
    """The lens at one position, any of the text; the usual one if it is None.

    Raises NoLanguageHead, OutOfRange, and NotApplicable where no way leads from a layer's states to the head, or no
    position is told and a masked model has no mask.
    """
    states, ending = lens_states(run)
    if not 1 <= limit <= MOST_CANDIDATES:
        raise OutOfRange(f"`limit` must lie between 1 and {MOST_CANDIDATES}.", "Choose a value in that range.")
    stack = read_stack(run.model.network)
    tokens = run.tokens[stack]
    position = usual_position(run) if position is None else index(position, len(tokens), "position")
    if position is None:
        raise NotApplicable(
            "A masked model predicts at a mask token, and this text has none.",
            "Put the mask token into the text, or say which `position` the lens is held over.",
        )
    logits = read(run, ending, torch.stack([state[position] for state in states]))  # [L+1, V]
    found = Distributions(logits)
    best = logits.argmax(-1)
    target = target_of(run, position)
    top = logits.topk(min(limit, logits.shape[-1])).indices  # [L+1, limit]
    followed = [int(best[-1]), *([] if target is None else [target])]
    ids = sorted({*top.flatten().tolist(), *followed})
    texts = dict(zip(ids, readable(run.model.tokenizer, ids), strict=True))
    places = {i: ranks(logits, torch.full_like(best, i)).tolist() for i in followed}
    entropy, kl = found.entropies().tolist(), found.divergences(found.log_p[-1])

    def reading(layer: int, token: int, rank: int) -> RankedWord:
        return RankedWord(token, texts[token], float(logits[layer, token]), float(found.p[layer, token]), rank)

    return LensAnswer(
        run=run.id,
        stack=stack,
        position=position,
        approximate=is_approximate(run, ending),
        settled=settled(best[:, None])[0],
        layers=[
            LensLayer(
                layer=layer,
                candidates=[reading(layer, token, rank) for rank, token in enumerate(top[layer].tolist())],
                entropy=entropy[layer],
                kl_to_final=float(kl[layer]),
                final=reading(layer, followed[0], places[followed[0]][layer]),
                target=None if target is None else reading(layer, target, places[target][layer]),
            )
            for layer in range(len(states))
        ],
        checks=(final_check(run, ending), *distribution_checks(found, kl)),
    )


def lens_states(run: Run) -> tuple[tuple[Tensor, ...], Ending]:
    """h_0 .. h_L [N, W] of the stack whose last layer the head reads, and what stands between. Raises as `lens`."""
    require_language_head(run.model.info)
    ending = run.model.ending
    if ending is None:
        raise NotApplicable(
            "What this architecture does between its last layer and its head could not be made out.",
            "Ask for its last prediction (logits).",
        )
    return run.kept.hidden[read_stack(run.model.network)], ending


def read(run: Run, ending: Ending, hidden: Tensor) -> Tensor:
    """Logits [R, V] of states [R, W] of any layers, on the CPU in float32."""
    return unembed(run.model.network, ending(hidden)).cpu()


def is_approximate(run: Run, ending: Ending) -> bool:
    """Was the head trained to read nothing but the last layer's states, without a norm of their own before it?"""
    return run.model.info.kind == "encoder" or not ending.has_norm


def settled(best: Tensor) -> list[int]:
    """Of the likeliest ids [L+1, N]: the first layer from which on they are those of the last.

    >>> settled(torch.tensor([[1], [2], [1], [1]]))
    [2]
    """
    same = (best == best[-1]).flip(0).long().cumprod(0).sum(0)  # layers in a row, from the last down
    first: list[int] = (len(best) - same).tolist()
    return first


def final_check(run: Run, ending: Ending) -> Check:
    """The way that all layers are read by leads from the last layer's states to the run's own final ones."""
    states = run.kept.hidden[read_stack(run.model.network)][-1]
    final = run.kept.final
    difference = (ending(states) - final).abs().max() / final.abs().max().clamp_min(1e-30)
    return at_most("last-layer-equals-the-models", float(difference), z_limit(final.dtype))


def distribution_checks(found: Distributions, kl: Tensor) -> tuple[Check, ...]:
    """Of distributions and the divergences between them."""
    return (
        at_most("probabilities-sum-to-1", found.sum_error(), 1e-6),
        at_most("divergence-below-zero", 0.0 - float(kl.min()), BELOW_ZERO),
    )
