"""Every map of every architecture equals transformers' eager attention, and so do the logits.

The maps are recomputed from the q and k that were kept while the pass ran by sdpa.
"""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from app.attention.maps import bin_edges, look
from app.models.forward import Network, forward, unembed
from app.models.self_check import eager_maps, eager_output
from tests.models.tiny import EXACT, WEIGHTS_ONLY, inputs, tiny

LIMIT = 1e-5


def real_queries(network: Network, given: dict[str, Tensor]) -> dict[str, Tensor]:
    """Which queries of each stack are tokens: what padding sees is left to each implementation."""
    first = given.get("attention_mask", torch.ones_like(given["input_ids"]))[0].bool()
    if network.layout.kind != "encoder-decoder":
        return {network.layout.kind: first}
    second = torch.ones_like(given["decoder_input_ids"])[0].bool()
    return {"encoder": first, "decoder": second, "cross": second}


@pytest.mark.parametrize("padding", ["none", "right", "left"])
@pytest.mark.parametrize("name", EXACT)
def test_every_map_and_the_logits_equal_eager(name: str, padding: str) -> None:
    network = tiny(name)
    given = inputs(network, padding=padding)
    ours, theirs = forward(network, given), eager_maps(network, given)
    assert set(ours.layers) == set(theirs)
    real = real_queries(network, given)
    for stack, records in ours.layers.items():
        assert len(records) == len(theirs[stack]), stack
        for record, their in zip(records, theirs[stack], strict=True):
            heads, rows, cols = record.shape
            maps = look(record, slice(0, heads), bin_edges(range(rows)), bin_edges(range(cols))).values
            assert real[stack].any()
            difference = float((maps - their)[:, real[stack]].abs().max())
            assert difference <= LIMIT, f"{name} {stack} layer {record.layer}: largest difference {difference:.2e}"
            assert record.z_difference is not None
    logits = eager_output(network, given).logits[0].float()
    predicts = real["decoder" if "decoder" in real else "encoder"]
    difference = float((unembed(network, ours.final) - logits)[predicts].abs().max())
    scale = max(1.0, float(logits.abs().max()))
    assert difference / scale <= LIMIT, f"{name} logits: largest difference {difference:.2e} of {scale:.1f}"


@pytest.mark.parametrize("name", EXACT)
def test_what_is_kept_is_smaller_than_the_maps_it_stands_for(name: str) -> None:
    network = tiny(name)
    done = forward(network, inputs(network, tokens=60))
    for records in done.layers.values():
        for record in records:
            _, rows, cols = record.shape
            assert record.maps is None
            assert record.rules.mask is None, "a plain or windowed mask is kept as rules, not as N x N cells"
            assert all(t.numel() < rows * cols * 4 for t in record.rules.tensors())


@pytest.mark.parametrize("name", ["modernbert", "gemma2", "gemma3", "phi3", "gpt_oss"])
def test_a_window_is_kept_as_a_window(name: str) -> None:
    network = tiny(name)
    records = next(iter(forward(network, inputs(network)).layers.values()))
    assert any(record.rules.window is not None for record in records)


@pytest.mark.parametrize("name", WEIGHTS_ONLY)
def test_architectures_off_the_interface_give_their_maps(name: str) -> None:
    network = tiny(name)
    given = inputs(network)
    done, theirs = forward(network, given), eager_maps(network, given)
    (stack,) = done.layers
    assert network.capture == "weights"
    assert len(done.layers[stack]) == 3
    assert len(done.hidden[stack]) == 4
    for record, their in zip(done.layers[stack], theirs[stack], strict=True):
        heads, rows, cols = record.shape
        maps = look(record, slice(0, heads), bin_edges(range(rows)), bin_edges(range(cols)))
        assert torch.equal(maps.values, their)
        assert maps.row_sum_error <= LIMIT
    logits = eager_output(network, given).logits[0]
    difference = float((unembed(network, done.final) - logits).abs().max())
    assert difference <= LIMIT * max(1.0, float(logits.abs().max())), (
        f"{name} logits: largest difference {difference:.2e}"
    )


def test_hidden_states_equal_transformers_own() -> None:
    network = tiny("bert")
    given = inputs(network)
    done = forward(network, given)
    with torch.no_grad():
        theirs = network.model(**given, output_hidden_states=True).hidden_states
    assert len(done.hidden["encoder"]) == len(theirs)
    for ours, their in zip(done.hidden["encoder"], theirs, strict=True):
        assert torch.equal(ours, their[0])
