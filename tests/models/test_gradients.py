"""The check of a gradient by two passes holds where the model is nearly certain too, and a wrong gradient fails it."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from app.analyses.lenses.gradient import DERIVATIVE_LIMIT
from app.models.forward import Network
from app.models.gradients import ZGradients, directional_derivative, log_odds, z_gradients
from app.models.run import inputs_of
from tests.made import TEXT, made_run
from tests.models.tiny import tiny


def found(network: Network, certain: float) -> tuple[dict[str, torch.Tensor], ZGradients]:
    """The gradients of a tiny Llama's last prediction, its head made `certain` times as steep."""
    with torch.no_grad():
        network.model.lm_head.weight *= certain
    run = made_run("llama", TEXT)
    inputs = inputs_of(run.model, run.tokens)
    states = run.kept.final
    return inputs, z_gradients(network, inputs, "decoder", [0, 2], len(states) - 1, states)


def off(network: Network, inputs: dict[str, torch.Tensor], gradients: ZGradients, layer: int) -> float:
    """What the check of the gradient lens shows."""
    expected, true, rounding = directional_derivative(network, inputs, "decoder", layer, gradients)
    return max(0.0, abs(expected - true) - rounding) / expected


@pytest.mark.parametrize(("certain", "least"), [(1.0, 0.0), (40.0, 0.9), (100.0, 0.995), (150.0, 0.9995)])
@pytest.mark.parametrize("layer", [0, 2])
def test_the_difference_is_the_derivative_however_certain_the_prediction(
    certain: float, least: float, layer: int
) -> None:
    network = tiny("llama")
    inputs, gradients = found(network, certain)
    assert torch.tensor(gradients.log_probability).exp() > least
    assert off(network, inputs, gradients, layer) <= DERIVATIVE_LIMIT / 2


@pytest.mark.parametrize("certain", [1.0, 100.0])
def test_a_gradient_that_is_wrong_fails(certain: float) -> None:
    network = tiny("llama")
    inputs, gradients = found(network, certain)
    of = gradients.of[2]
    scaled = replace(gradients, of=gradients.of | {2: of * 1.2})
    one_head_less = replace(gradients, of=gradients.of | {2: of * torch.tensor([0.0, 1.0, 1.0, 1.0])[:, None, None]})
    turned = replace(gradients, of=gradients.of | {2: of.roll(1, 0)})
    assert off(network, inputs, scaled, 2) > DERIVATIVE_LIMIT
    assert off(network, inputs, turned, 2) > DERIVATIVE_LIMIT
    # what is there is right, and so is its rise: that a part is missing is for the reference test to find
    assert off(network, inputs, one_head_less, 2) <= DERIVATIVE_LIMIT


def test_log_odds_keep_their_digits() -> None:
    scores = torch.tensor([30.0, 0.0, -50.0], dtype=torch.float64).log_softmax(-1)
    assert log_odds(scores, 0) == pytest.approx(30.0, abs=1e-12)
