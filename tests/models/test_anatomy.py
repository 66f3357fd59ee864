"""Where each attention sits: found for every architecture, and refused where it is not what it looks like."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from app.models.anatomy import NO_PROJECTION, NO_SUM, find_anatomy
from app.models.forward import forward
from tests.models.tiny import EXACT, WEIGHTS_ONLY, inputs, tiny

POST = {"bert", "roberta", "distilbert", "electra", "albert", "bart", "marian"}
NOT_ADDED = {"gpt_neox", "gemma2", "gemma3"}
NORMS = {"bert": "attention.output.LayerNorm", "distilbert": "sa_layer_norm", "bart": "self_attn_layer_norm"}


@pytest.mark.parametrize("name", EXACT)
def test_every_architecture(name: str) -> None:
    network = tiny(name)
    given = inputs(network)
    done = forward(network, given)
    anatomy = find_anatomy(network)
    assert set(anatomy) == set(done.layers)
    for stack, sites in anatomy.items():
        assert [site.block for site in sites] == list(range(len(done.layers[stack])))
        for site, record in zip(sites, done.layers[stack], strict=True):
            assert site.output is not None
            assert record.v is not None
            assert site.output.weight.shape[0] == record.shape[0] * record.v.shape[-1]
            if stack == "cross":
                continue
            assert site.added == (name not in NOT_ADDED)
            assert (site.norm is not None) == (name in POST)
            assert site.why == (NO_SUM if name in NOT_ADDED else "")
        if name in NORMS and stack != "cross":
            layers = network.layout.layers[stack]
            assert [site.norm for site in sites] == [layer.get_submodule(NORMS[name]) for layer in layers]


@pytest.mark.parametrize("name", WEIGHTS_ONLY)
def test_models_of_weights_only_have_none(name: str) -> None:
    assert find_anatomy(tiny(name)) == {}


def test_it_leaves_no_trace() -> None:
    network = tiny("llama")
    find_anatomy(network)
    for module in network.model.modules():
        assert "forward" not in vars(module)
    layers = network.layout.layers["decoder"]
    assert not any(len(module._forward_hooks) for layer in layers for module in layer.modules() if module is not layer)


def test_a_projection_that_is_not_linear_in_its_weight_is_not_taken_for_one() -> None:
    """As an adapter would be: a Linear whose output has something more added."""

    class More(nn.Linear):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x) + 0.1 * x.tanh()

    network = tiny("llama")
    attention = network.layout.layers["decoder"][1].self_attn
    more = More(32, 32, bias=False)
    more.weight = attention.o_proj.weight
    attention.o_proj = more
    sites = find_anatomy(network)["decoder"]
    assert [site.output is None for site in sites] == [False, True, False]
    assert sites[1].why == NO_PROJECTION


def test_a_sum_that_is_scaled_is_not_taken_for_one() -> None:
    """As in Granite: the attention's output is multiplied before it is added to the stream."""
    network = tiny("llama")
    block = network.layout.layers["decoder"][0]
    block.self_attn.o_proj.register_forward_hook(lambda _, __, made: made)  # a hook of somebody else's, which stays
    block.self_attn.register_forward_hook(lambda _, __, made: (0.5 * made[0], *made[1:]))
    sites = find_anatomy(network)["decoder"]
    assert [site.added for site in sites] == [False, True, True]
