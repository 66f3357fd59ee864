"""One query of one head, step by step: q and k by dimension, their product, scores, probabilities, z.

    product = q ⊙ k          score = scale · Σ product          entering = softcap(score) + bias
    probs = softmax(entering of the keys that may be seen, and of the sink)          z = Σ probs v

The steps are taken here one by one in float64, and held against attend() and against the model's own z.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from app.analyses.ranges import Span, index, span
from app.attention.core import attend
from app.attention.maps import worse
from app.attention.recorder import LayerRecord
from app.attention.rules import Rules, added, visible
from app.checks import Check, at_most
from app.errors import NotApplicable, Unprocessable
from app.limits import MOST_NEURON_NUMBERS
from app.models.forward import z_limit
from app.models.run import Run

PROBS_LIMIT = 1e-5
SCORES_LIMIT = 1e-4


@dataclass(frozen=True, slots=True, eq=False)
class NeuronAnswer:
    """q [D], k and product [keys, D], v [keys, Dv] of the keys `keys` = (a, b); everything else over all K keys.

    scores [K] are scale * q·k, before softcap, bias and mask; `entering` [K] those after softcap and bias, which the
    softmax takes where `mask` [K] is 1. `sink` is the share that goes to no token (gpt-oss), `sink_score` what enters
    the softmax for it; None for models without. z [Dv]. `kv_head` is the key/value head that the head shares.
    """

    run: str
    stack: str
    layer: int
    head: int
    query: int
    keys: Span
    q: Tensor
    k: Tensor
    v: Tensor
    product: Tensor
    scores: Tensor
    bias: Tensor
    entering: Tensor
    mask: Tensor
    sink: float | None
    sink_score: float | None
    probs: Tensor
    z: Tensor
    scale: float
    softcap: float | None
    kv_head: int
    checks: tuple[Check, ...]


def neuron(run: Run, stack: str | None, layer: int, head: int, query: int, keys: Span | None = None) -> NeuronAnswer:
    """The steps of one query. `keys` limits k, v and product to a range.

    Raises OutOfRange, StackUnknown, NotApplicable for a model that gives its maps only, and Unprocessable for more
    numbers than one answer holds.
    """
    chosen = run.stack(stack)
    record = run.records(chosen.name)[index(layer, chosen.layers, "layer")]
    index(head, chosen.heads, "head")
    index(query, chosen.rows, "query")
    shown = span(keys, chosen.cols, "keys")
    if record.q is None or record.k is None or record.v is None:
        raise NotApplicable(
            "This model gives its attention maps only; its queries, keys and values are not seen.",
            "Choose a model whose `capture` is full, such as minilm or smollm2.",
        )
    width, value_width = record.k.shape[-1], record.v.shape[-1]
    if len(shown) * (2 * width + value_width) > MOST_NEURON_NUMBERS:
        raise Unprocessable(
            "That is too many numbers for one answer.", f"Ask for some of the keys, such as keys=0:{10_000 // width}."
        )
    kv_head = head // (record.q.shape[1] // record.k.shape[1])
    q, k, v = record.q[0, head, query], record.k[0, kv_head], record.v[0, kv_head]
    rules = record.rules.for_heads(slice(head, head + 1))
    steps = _steps(q.double(), k.double(), v.double(), rules, query, chosen.rows)
    rows = slice(query, query + 1)
    theirs = attend(record.q[:1, head : head + 1], k[None, None], v[None, None], rules, rows)
    probs, z = theirs.probs[0, 0, 0], theirs.z[0, 0, 0]
    part = slice(shown.start, shown.stop)
    return NeuronAnswer(
        run=run.id,
        stack=chosen.name,
        layer=layer,
        head=head,
        query=query,
        keys=(shown.start, shown.stop),
        q=_plain(q),
        k=_plain(k[part]),
        v=_plain(v[part]),
        product=_plain(steps.product[part]),
        scores=_plain(steps.scores),
        bias=_plain(steps.bias),
        entering=_plain(steps.entering),
        mask=steps.mask.int().cpu(),
        sink=None if rules.sinks is None else worse(0.0, 1.0 - float(probs.double().sum())),
        sink_score=None if rules.sinks is None else float(rules.sinks[0]),
        probs=_plain(probs),
        z=_plain(z),
        scale=float(rules.scale),
        softcap=rules.softcap,
        kv_head=kv_head,
        checks=_checks(run, record, steps, theirs.scores[0, 0, 0], probs, z),
    )


class Steps(NamedTuple):
    """What _steps found, all float64 but mask: product [K, D], z [Dv], the others [K]."""

    product: Tensor
    scores: Tensor
    bias: Tensor
    entering: Tensor
    mask: Tensor
    probs: Tensor
    z: Tensor


def _steps(q: Tensor, k: Tensor, v: Tensor, rules: Rules, query: int, queries: int) -> Steps:
    """q [D], k [K, D] and v [K, Dv] of one head, and its rules."""
    keys, row = len(k), slice(query, query + 1)
    product = q * k
    scores = rules.scale * product.sum(-1)
    capped = scores if rules.softcap is None else torch.tanh(scores / rules.softcap) * rules.softcap
    given = added(rules, row, queries, keys, q.device)
    bias = torch.zeros_like(scores) if given is None else given[0, 0, 0].double()
    hidden = bias <= torch.finfo(torch.float32 if given is None else given.dtype).min / 2  # a mask within the bias
    seen = visible(rules, row, queries, keys, q.device)
    mask = ~hidden if seen is None else ~hidden & seen[0, 0, 0]
    bias = bias.masked_fill(hidden, 0.0)
    entering = capped + bias
    shown = entering.masked_fill(~mask, -torch.inf)
    if rules.sinks is not None:
        shown = torch.cat([shown, rules.sinks[:1].double()])
    probs = torch.softmax(shown, -1)[:keys] if bool(mask.any()) else torch.zeros_like(entering)
    return Steps(product, scores, bias, entering, mask, probs, probs @ v)


def _plain(x: Tensor) -> Tensor:
    return x.float().cpu().contiguous()


def _checks(run: Run, record: LayerRecord, steps: Steps, scores: Tensor, probs: Tensor, z: Tensor) -> tuple[Check, ...]:
    """Each step against attend(), and attend() against what the model itself made of this layer in its pass."""
    assert record.v is not None
    limit = z_limit(run.kept.final.dtype)
    largest = max(float(record.v.abs().max()), 1e-30)
    entered = torch.where(steps.mask, steps.entering - scores, 0.0).abs().max()
    size = max(1.0, float(torch.where(steps.mask, steps.entering, 0.0).abs().max()))
    checks = [
        at_most("product-sums-to-the-score", float(entered) / size, SCORES_LIMIT),
        at_most("probs-recomputed", float((steps.probs - probs).abs().max()), PROBS_LIMIT),
        at_most("z-is-the-sum-of-probs-times-v", float((steps.z - z).abs().max()) / largest, limit),
    ]
    if record.rules.sinks is None:
        checks.append(
            at_most("probs-sum-to-1", abs(float(probs.double().sum()) - float(steps.mask.any())), PROBS_LIMIT)
        )
    apart = record.z_difference
    if apart is not None:
        checks.append(at_most("z-equals-the-models", apart / largest, limit))
    return tuple(checks)
