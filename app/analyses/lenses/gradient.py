"""Gradient: attention times its gradient for the predicted token.

    A ⊙ ∂L/∂A,  ∂L/∂A_h[i,j] = <∂L/∂z_h[i], v_h[j]>

L is the log-probability (nats) of the token that the model finds likeliest at the predicted position. A cell is the
rise of L, to first order, that the edge brings over having no such edge; below zero it speaks against the token. Rows
sum to <∂L/∂z, z>. It is about small changes: where the softmax or a norm saturates, a large part can have a small
gradient. Applies to models with a language-model head that give their values; cross attention and encoders too.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from torch import Tensor

from app.analyses.lenses.lens import Asked, Prediction, Shown, per_head
from app.analyses.pace import pass_seconds
from app.analyses.position import predicted_position
from app.attention.maps import worse
from app.attention.recorder import PassStopped
from app.checks import at_most
from app.errors import nobody_waits
from app.models.forward import z_limit
from app.models.gradients import directional_derivative, z_gradients
from app.models.run import inputs_of
from app.tokens.vocabulary import readable

PASSES = 6
"""What it costs, in forward passes: there, back (each block again, and its gradient), and two for the check."""
DERIVATIVE_LIMIT = 0.05


def gradient(asked: Asked) -> Iterator[Shown]:
    """Each head's attention times its gradient, for the prediction at `position` (the usual one unless told)."""
    asked.sites()
    run = asked.run
    position = predicted_position(run, asked.position)
    asked.afford(PASSES * pass_seconds(asked.run))
    network, inputs, records = run.model.network, inputs_of(run.model, run.tokens), asked.records()
    blocks = sum(len(states) - 1 for states in run.kept.hidden.values())
    try:
        found = z_gradients(
            network, inputs, asked.stack, asked.layers, position, run.kept.final,
            lambda done: asked.step("gradient", done, blocks + len(asked.layers), "Layer"), asked.cancelled,
        )  # fmt: skip
    except PassStopped as exc:
        raise nobody_waits() from exc
    expected, true, rounding = directional_derivative(network, inputs, asked.stack, asked.layers[-1], found)
    apart = 0.0 if expected == 0.0 else worse(0.0, abs(expected - true) - rounding) / expected
    checks = (
        at_most("replay-equals-the-run", found.difference, z_limit(run.kept.final.dtype)),
        at_most("derivative-equals-a-difference", apart, DERIVATIVE_LIMIT),
    )
    about = Prediction(position, found.token, readable(run.model.tokenizer, [found.token])[0], found.log_probability)
    for layer in asked.layers:
        record = records[layer]
        assert record.v is not None
        values = per_head(record.v, record.shape[0])[asked.heads]
        change = partial(_times_gradient, found.of[layer][asked.heads], values)
        yield Shown(record, change, found.dots[layer][asked.heads], checks, prediction=about)


def _times_gradient(dz: Tensor, v: Tensor, probs: Tensor, rows: range) -> Tensor:
    """probs [heads, rows, K] times <dL/dz_i, v_j>; dz [heads, Q, Dv], v [heads, K, Dv]."""
    return probs * (dz[:, rows.start : rows.stop] @ v.transpose(-1, -2))
