"""What the attention analysis answers, for every kind of model, and what it refuses."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from app.analyses.attention import attention, word_edges
from app.errors import HeadlightError, NeedsStream, NotApplicable, OutOfRange, StackUnknown, Unprocessable
from app.models.forward import forward
from app.models.run import inputs_of
from app.models.self_check import eager_maps
from tests.made import made_run
from tests.models.tiny import EXACT, WEIGHTS_ONLY


@pytest.mark.parametrize("name", [*EXACT, *WEIGHTS_ONLY])
def test_every_head_of_every_stack_equals_eager(name: str) -> None:
    run = made_run(name, target="w20 w21 w22" if name in ("t5", "bart", "marian") else None)
    theirs = eager_maps(run.model.network, inputs_of(run.model, run.tokens))
    for stack in run.stacks:
        for layer in range(stack.layers):
            answer = attention(run, stack.name, layer)
            assert answer.values.shape == (1, stack.heads, stack.rows, stack.cols)
            difference = float((answer.values[0] - theirs[stack.name][layer]).abs().max())
            assert difference <= 1e-5, f"{stack.name} layer {layer}: largest difference {difference:.2e}"
            assert all(check.ok for check in answer.checks)
            assert answer.checks


def test_a_window_is_the_window_of_the_whole() -> None:
    run = made_run("llama")
    whole = attention(run, layer=1, head=2).values[0, 0]
    part = attention(run, layer=1, head=2, rows=(2, 7), cols=(1, 5))
    assert torch.equal(part.values[0, 0], whole[2:7, 1:5])
    assert (part.rows, part.cols, part.row_edges) == ((2, 7), (1, 5), None)


def test_all_heads_at_once_are_pooled_and_each_head_is_its_own() -> None:
    run = made_run("llama")
    grid = attention(run, size=4)
    assert grid.values.shape == (3, 4, 4, 4)
    assert (grid.layers, grid.heads, grid.row_edges) == ([0, 1, 2], [0, 1, 2, 3], [0, 2, 5, 7, 10])
    for layer in range(3):
        for head in range(4):
            assert torch.equal(grid.values[layer, head], attention(run, layer=layer, head=head, size=4).values[0, 0])


def test_words_sum_their_keys_and_average_their_queries() -> None:
    run = made_run("bert")
    words = [token.word for token in run.tokens["encoder"].items]
    assert words[0] is None
    answer = attention(run, layer=0, head=1, group="word")
    assert torch.allclose(answer.values.sum(-1), torch.ones(1, 1, 12))
    assert word_edges(run.tokens["encoder"], range(12)) == list(range(13))


def test_rollout_by_its_formula() -> None:
    run = made_run("bert")
    reached = torch.eye(12)
    for layer in range(3):
        mixed = attention(run, layer=layer).values[0].mean(0) + torch.eye(12)
        reached = (mixed / mixed.sum(-1, keepdim=True)) @ reached
        answer = attention(run, layer=layer, lens="rollout")
        assert answer.heads == []
        assert torch.allclose(answer.values[0, 0], reached, atol=1e-6)
        assert all(check.ok for check in answer.checks)
    grid = attention(run, lens="rollout", size=64)
    assert torch.allclose(grid.values[2, 0], reached, atol=1e-6)


WRONG: list[tuple[dict[str, Any], type[HeadlightError]]] = [
    ({"layer": 3}, OutOfRange),
    ({"layer": -1}, OutOfRange),
    ({"layer": 0, "head": 4}, OutOfRange),
    ({"layer": 0, "rows": (3, 3)}, OutOfRange),
    ({"layer": 0, "rows": (4, 2)}, OutOfRange),
    ({"layer": 0, "cols": (0, 11)}, OutOfRange),
    ({"layer": 0, "cols": (-1, 3)}, OutOfRange),
    ({"layer": 0, "size": 0}, OutOfRange),
    ({}, Unprocessable),
    ({"size": 65}, Unprocessable),
    ({"layer": 0, "stack": "cross"}, StackUnknown),
    ({"layer": 0, "lens": "nothing"}, Unprocessable),
]


@pytest.mark.parametrize(("asked", "error"), WRONG, ids=str)
def test_what_cannot_be_is_refused(asked: dict[str, Any], error: type[HeadlightError]) -> None:
    with pytest.raises(error) as raised:
        attention(made_run("llama"), **asked)
    assert raised.value.hint


def test_several_stacks_must_be_named_and_cross_attention_has_no_rollout() -> None:
    run = made_run("bart", target="w20 w21 w22")
    with pytest.raises(StackUnknown):
        attention(run, layer=0)
    assert attention(run, "cross", 0).values.shape == (1, 4, 3, 10)
    with pytest.raises(NotApplicable):
        attention(run, "cross", 0, lens="rollout")


def test_long_work_is_left_to_a_stream_and_done_there() -> None:
    run = made_run("llama")
    with pytest.raises(NeedsStream):
        attention(run, layer=2, lens="rollout", budget=1e-12)
    stages = []
    assert attention(run, layer=2, lens="rollout", progress=stages.append).values.shape == (1, 1, 10, 10)
    assert [stage.done for stage in stages] == [0, 1, 2]


def test_a_wrong_map_fails_its_checks() -> None:
    run = made_run("gptj")
    maps = run.records("decoder")[0].maps
    assert maps is not None
    kept = maps.clone()
    maps[0, 1, 2, 5] = 0.5
    try:
        checks = {check.name: check for check in attention(run, layer=0).checks}
    finally:
        maps.copy_(kept)
    assert not checks["rows-sum-to-1"].ok
    assert checks["nothing-above-the-diagonal"].value == 0.5


def test_a_second_pass_gives_the_same_maps() -> None:
    run = made_run("gemma2")
    again = forward(run.model.network, inputs_of(run.model, run.tokens))
    assert torch.equal(again.final, run.kept.final)
