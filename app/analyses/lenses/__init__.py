"""The lenses, by name: ways to show a layer's attention on the same axes. Each file has its formula and its source."""

from __future__ import annotations

from app.analyses.lenses import alti, gradient, no_sink, norm, raw, rollout, value_zeroing
from app.analyses.lenses.lens import Asked, Lens, Prediction, Shown

__all__ = ["LENSES", "Asked", "Lens", "Prediction", "Shown"]

LENSES: dict[str, Lens] = {
    "raw": Lens(
        raw.raw,
        "How much of its attention each query gives each key.",
    ),
    "no-sink": Lens(
        no_sink.no_sink,
        "The attention that a head does not leave on its sink, the rest of each row renormalised to 1.",
        null="A query that saw nothing but the sink has no row left; it is null.",
    ),
    "norm": Lens(
        norm.norm,
        "How much each key really brings: attention times the length of its value behind the output projection.",
        bounded=False,
    ),
    "rollout": Lens(
        rollout.rollout,
        "How much of each token has come to each position by this layer, if there were nothing but attention (its "
        "heads averaged) and the residual stream.",
        heads=False,
    ),
    "alti": Lens(
        alti.alti,
        "How much of each token has come to each position by this layer, by how far what it adds carries the sum.",
        heads=False,
        null="Some queries are carried by no token at this layer; their rows are null.",
    ),
    "value-zeroing": Lens(
        value_zeroing.value_zeroing,
        "How far a position's output of this layer turns when a token's value is taken away, rows normalised to 1.",
        heads=False,
        null="Some queries are moved by no token's value; their rows are null.",
    ),
    "gradient": Lens(
        gradient.gradient,
        "How much each edge speaks for the predicted token (below zero: against it): attention times its gradient.",
        signed=True,
        bounded=False,
    ),
}
