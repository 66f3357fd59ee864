"""What stands between the last layer and the head is found in every architecture, or is said not to be a chain."""

from __future__ import annotations

import pytest
import torch

from app.models.ending import find_ending, read_stack
from app.models.forward import forward
from tests.models.tiny import EXACT, WEIGHTS_ONLY, inputs, tiny

POST_NORM = {"bert", "roberta", "distilbert", "electra", "albert", "bart", "marian", "deberta_v2", "xlnet"}


@pytest.mark.parametrize("name", [*EXACT, *WEIGHTS_ONLY])
def test_it_leads_from_the_last_layer_to_the_final_states(name: str) -> None:
    network = tiny(name)
    ending = find_ending(network)
    assert ending is not None
    assert len(ending.modules) == (0 if name in POST_NORM else 1)
    assert ending.has_norm == (name not in POST_NORM)
    done = forward(network, inputs(network))
    assert torch.equal(ending(done.hidden[read_stack(network)][-1]), done.final)
    assert not any(module._forward_hooks for module in ending.modules), "watching leaves no trace"


def test_a_projection_behind_the_last_layer_is_no_norm(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in OPT-350m: its layers end in their norms, and behind the last one there is a projection alone."""
    kind, config, sizes = EXACT["opt"]
    changed = sizes | {"word_embed_proj_dim": 16, "do_layer_norm_before": False}
    monkeypatch.setitem(EXACT, "opt", (kind, config, changed))
    network = tiny("opt")
    ending = find_ending(network)
    assert ending is not None
    assert [type(module).__name__ for module in ending.modules] == ["Linear"]
    assert not ending.has_norm


def test_an_ending_that_is_no_chain_of_modules_is_not_made_up() -> None:
    network = tiny("llama")

    def double(_: object, __: object, output: object) -> object:
        output.last_hidden_state = output.last_hidden_state * 2  # type: ignore[attr-defined]
        return output

    network.model.base_model.register_forward_hook(double)
    assert find_ending(network) is None
