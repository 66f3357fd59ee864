"""A model that is wrong does not pass its self-check, whichever way it is wrong."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from app.attention.maps import Look, look
from app.errors import ModelFailed
from app.models import backend, self_check
from app.models.build import build, check
from app.models.checkpoint import Checkpoint
from app.models.families.family import Family
from app.models.forward import Network
from app.models.progress import Stage
from app.settings import Settings
from tests.made import made_model, word_tokenizer
from tests.models.tiny import EXACT, WEIGHTS_ONLY, tiny

CHECKPOINT = Checkpoint("made", Path(), "made for tests", "0", None, 0, 0)


def failing(network: Network) -> set[str]:
    return {c.name for c in check(CHECKPOINT, network, word_tokenizer(False)).checks if not c.ok}


@pytest.mark.parametrize("name", [*EXACT, *WEIGHTS_ONLY])
def test_right_models_pass(name: str) -> None:
    model = made_model(name)
    assert model.info.warnings == ()
    assert model.info.capture == ("full" if name in EXACT else "weights")
    assert all(c.ok for c in model.checks)
    names = {c.name for c in model.checks}
    assert {"rows-sum-to-1", "recomputed-equals-eager", "logits"} <= names
    assert ("attention-changes-the-output" in names) == (name in EXACT)
    assert ("causal" in names) == (model.info.kind != "encoder")


def test_a_decoder_without_its_mask_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    right = backend.sdpa_attention_forward

    def sees_ahead(module: nn.Module, *args: Any, **kwargs: Any) -> Any:
        return right(module, *args, **{**kwargs, "is_causal": False})

    monkeypatch.setattr(backend, "sdpa_attention_forward", sees_ahead)
    assert {"logits", "z-equals-the-models"} <= failing(tiny("llama"))


def test_attention_that_is_not_used_is_noticed() -> None:
    network = tiny("gpt2")
    for block in network.model.transformer.h:
        nn.init.zeros_(block.attn.c_proj.weight)
    assert "attention-changes-the-output" in failing(network)


def test_a_wrong_head_is_noticed_and_not_offered() -> None:
    def wrong(model: Any, final: Tensor) -> Tensor:
        logits: Tensor = model.get_output_embeddings()(final) + 1.0
        return logits

    model = check(CHECKPOINT, replace(tiny("gpt2"), family=Family(unembed=wrong)), word_tokenizer(False))
    assert not model.info.language_head
    assert any("logits" in warning for warning in model.info.warnings)


def test_broken_weights_are_refused() -> None:
    network = tiny("gpt2")
    network.model.transformer.h[0].mlp.c_fc.weight.data.fill_(float("nan"))
    with pytest.raises(ModelFailed):
        check(CHECKPOINT, network, word_tokenizer(False))


@pytest.mark.parametrize("name", ["bert", "llama", "t5", "gptj"])
def test_a_saved_model_is_built_and_an_incomplete_one_refused(name: str, tmp_path: Path) -> None:
    network = tiny(name)
    network.model.save_pretrained(tmp_path)
    word_tokenizer(special=name == "bert").save_pretrained(tmp_path)
    checkpoint = replace(CHECKPOINT, folder=tmp_path)
    stages: list[Stage] = []
    built = build(checkpoint, Settings(), stages.append)
    assert built.info.language_head
    assert built.info.kind == network.layout.kind
    assert built.info.warnings == ()
    assert built.bytes == sum(
        t.numel() * t.element_size() for t in (*network.model.parameters(), *network.model.buffers())
    )
    assert [stage.stage for stage in stages] == ["tokenizer", "weights", "check"]
    lost = next(key for key in network.model.state_dict() if "layer" in key or "block" in key or ".h." in key)
    state = {key: value for key, value in network.model.state_dict().items() if key != lost}
    network.model.save_pretrained(tmp_path, state_dict=state)
    with pytest.raises(ModelFailed, match="1 of the model's weights"):
        build(checkpoint, Settings(), stages.append)


def test_what_transformers_cannot_read_is_said_in_our_words(tmp_path: Path) -> None:
    word_tokenizer(False).save_pretrained(tmp_path)
    (tmp_path / "config.json").write_text('{"model_type": "no-such-type"}')
    with pytest.raises(ModelFailed) as raised:
        build(replace(CHECKPOINT, folder=tmp_path), Settings(), lambda _: None)
    assert raised.value.__cause__ is not None
    assert str(tmp_path) not in raised.value.detail
    assert torch.is_grad_enabled()


def test_maps_that_are_not_numbers_fail_every_check_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*args: Any, **named: Any) -> Look:
        seen = look(*args, **named)
        return replace(seen, row_sum_error=float("nan"), above_diagonal=float("nan"))

    monkeypatch.setattr(self_check, "look", broken)
    assert {"rows-sum-to-1", "causal"} <= failing(tiny("llama"))
