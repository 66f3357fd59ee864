"""What each lens refuses and why, how far its memory goes, and how it is stopped."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from app.analyses.attention import attention
from app.analyses.lenses import LENSES
from app.errors import Cancelled, HeadlightError, NeedsStream, NoLanguageHead, NotApplicable, OutOfRange
from app.models.anatomy import NO_SUM
from app.models.build import check
from app.models.checkpoint import Checkpoint
from tests.made import TEXT, made_run, word_tokenizer
from tests.models.tiny import EXACT, WEIGHTS_ONLY, tiny

VALUES = ("norm", "alti", "value-zeroing", "gradient")


@pytest.mark.parametrize("name", EXACT)
def test_every_lens_on_every_architecture_holds_its_checks_or_says_why_not(name: str) -> None:
    special = "[MASK] " if made_run(name).model.info.kind == "encoder" else ""
    run = made_run(name, special + TEXT, target="w20 w21 w22" if name in ("t5", "bart", "marian") else None)
    for stack in run.stacks:
        for lens, through in LENSES.items():
            try:
                answer = attention(run, stack.name, stack.layers - 1, lens=lens)
            except NotApplicable:
                headless_cross = stack.name == "cross" and not through.heads
                not_added = lens == "alti" and name in ("gpt_neox", "gemma2", "gemma3")
                assert headless_cross or not_added, (stack.name, lens)
                continue
            assert answer.values.shape == (1, stack.heads if through.heads else 1, stack.rows, stack.cols)
            assert bool(answer.heads) == through.heads
            assert all(check.ok for check in answer.checks), (stack.name, lens, answer.checks)
            assert (answer.meaning, answer.signed, answer.bounded) == (through.meaning, through.signed, through.bounded)
            if not through.signed:
                assert float(answer.values.nan_to_num(0.0).min()) >= 0.0
            if through.bounded:
                assert float(answer.values.nan_to_num(0.0).max()) <= 1.0 + 1e-5


@pytest.mark.parametrize("name", ["llama", "bert", "t5"])
def test_a_model_in_bfloat16_keeps_its_head_and_its_lenses(name: str) -> None:
    network = tiny(name)
    network.model.to(torch.bfloat16)
    checkpoint = Checkpoint(name, Path(), "made for tests", "0", None, 0, 0)
    model = check(checkpoint, network, word_tokenizer(special=name == "bert"))
    assert model.info.language_head
    assert model.info.warnings == ()
    run = made_run(name, "[MASK] w7 w8 w9" if name == "bert" else TEXT, "w8 w9" if name == "t5" else None, model)
    for stack in run.stacks:
        for lens, through in LENSES.items():
            if stack.name == "cross" and not through.heads:
                continue
            answer = attention(run, stack.name, 0, lens=lens)
            assert answer.values.dtype == torch.float32
            assert all(check.ok for check in answer.checks), (stack.name, lens, answer.checks)


@pytest.mark.parametrize("name", list(EXACT))
def test_one_token_is_enough(name: str) -> None:
    run = made_run(name, "w7", "w8" if name in ("t5", "bart", "marian") else None)
    for lens in ("norm", "rollout", "alti", "value-zeroing"):
        stack = run.stacks[0]
        try:
            answer = attention(run, stack.name, 0, lens=lens)
        except NotApplicable:
            continue
        assert bool(torch.isfinite(answer.values).all())
        assert all(check.ok for check in answer.checks)


@pytest.mark.parametrize("name", ["gpt_neox", "gemma2"])
def test_alti_says_what_in_the_architecture_it_does_not_understand(name: str) -> None:
    with pytest.raises(NotApplicable) as raised:
        attention(made_run(name), layer=1, lens="alti")
    assert NO_SUM in raised.value.detail


@pytest.mark.parametrize("name", WEIGHTS_ONLY)
def test_models_that_give_weights_only_have_the_lenses_of_weights(name: str) -> None:
    run = made_run(name)
    for lens in LENSES:
        if lens in VALUES:
            with pytest.raises(NotApplicable, match="weights only"):
                attention(run, layer=0, lens=lens)
        else:
            assert all(check.ok for check in attention(run, layer=0, lens=lens).checks)


WRONG: list[tuple[str, dict[str, Any], type[HeadlightError]]] = [
    ("llama", {"position": 10}, OutOfRange),
    ("llama", {"position": -1}, OutOfRange),
    ("bert", {}, NotApplicable),
    ("bert", {"position": 3}, NotApplicable),
]


@pytest.mark.parametrize(("name", "asked", "error"), WRONG, ids=str)
def test_a_gradient_needs_a_prediction(name: str, asked: dict[str, Any], error: type[HeadlightError]) -> None:
    with pytest.raises(error):
        attention(made_run(name), layer=0, lens="gradient", **asked)


def test_the_gradient_is_about_the_position_asked_for() -> None:
    run = made_run("llama")
    early, late = (attention(run, layer=1, lens="gradient", position=p) for p in (4, 9))
    assert (early.prediction and early.prediction.position, late.prediction and late.prediction.position) == (4, 9)
    assert float(early.values[..., 5:, :].abs().max()) == 0.0, "what comes after a position has no part in it"
    assert float(late.values[..., 5:, :].abs().max()) > 0.0


def test_a_model_without_a_head_has_no_gradient_lens() -> None:
    run = made_run("gpt2")
    bare = replace(run, model=replace(run.model, info=replace(run.model.info, language_head=False)))
    with pytest.raises(NoLanguageHead):
        attention(bare, layer=0, lens="gradient")


@pytest.mark.parametrize("lens", ["rollout", "alti", "value-zeroing", "gradient"])
def test_long_work_is_left_to_a_stream_reports_there_and_can_be_stopped(lens: str) -> None:
    run = made_run("llama")
    with pytest.raises(NeedsStream):
        attention(run, layer=2, lens=lens, budget=1e-12)
    stages: list[Any] = []
    attention(run, layer=2, lens=lens, progress=stages.append)
    assert [stage.done for stage in stages] == sorted(stage.done for stage in stages)
    assert all(0 <= stage.done <= stage.total and stage.stage == lens for stage in stages)
    for after in (0, 1, len(stages) // 2):
        asked = 0

        def left(after: int = after) -> bool:
            nonlocal asked
            asked += 1
            return asked > after

        with pytest.raises(Cancelled):
            attention(run, layer=2, lens=lens, cancelled=left)


def test_a_lens_that_was_stopped_leaves_the_model_as_it_was() -> None:
    run = made_run("llama")
    layers = [layer for found in run.model.network.layout.layers.values() for layer in found]
    before = attention(run, layer=1, lens="gradient").values
    for lens in ("gradient", "value-zeroing"):
        with pytest.raises(Cancelled):
            attention(run, layer=1, lens=lens, cancelled=iter([False] * 3 + [True] * 99).__next__)
        assert not any("forward" in vars(layer) for layer in layers)
    assert torch.equal(attention(run, layer=1, lens="gradient").values, before)
    assert not any(parameter.requires_grad for parameter in run.model.network.model.parameters())


class Largest(TorchDispatchMode):
    """The most numbers that any tensor made meanwhile holds."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self.numbers = max(self.numbers, tensor.untyped_storage().nbytes() // 4)
        return made


@pytest.mark.parametrize(
    "lens", ["no-sink", "norm", "alti", "gradient", pytest.param("value-zeroing", marks=pytest.mark.slow)]
)
def test_no_lens_makes_all_maps_of_a_long_text_at_once(lens: str, monkeypatch: pytest.MonkeyPatch) -> None:
    tokens, block = 1100, 512 * 1024
    for module in ("app.attention.maps", "app.analyses.lenses.norm", "app.analyses.lenses.alti"):
        monkeypatch.setattr(f"{module}.BLOCK_CELLS", block)
    monkeypatch.setattr("app.models.replay.BATCH_CELLS", 8 * block)
    run = made_run("llama", " ".join(f"w{5 + i % 90}" for i in range(tokens)))
    with Largest() as seen:
        answer = attention(run, layer=0, lens=lens, size=64)
    assert all(check.ok for check in answer.checks)
    assert seen.numbers <= 2 * tokens**2, "two maps, where there are four heads"
