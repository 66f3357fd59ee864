"""An encoder-decoder without a target writes its own answer: transformers' greedy one, within bounds, once."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from transformers import GenerationConfig

from app.errors import Cancelled, EmptyText, ModelFailed, PairUnsupported, TooManyTokens
from app.models.answer import greedy_config
from app.models.loaded import LoadedModel
from app.models.price import run_bytes
from app.models.progress import Stage, never, silent
from app.models.run import Run, RunRequest, check_price, inputs_of, make_run, read_tokens, run_id
from app.settings import Settings
from tests.made import TEXT, made_model, made_run

NAMES = ["t5", "bart", "marian"]
SHORT = Settings(answer_limit=12)


def run_of(model: LoadedModel, settings: Settings = SHORT, target: str | None = None, **options: Any) -> Run:
    request = RunRequest(model.info.id, TEXT, target=target)
    tokens = read_tokens(model, request, settings)
    check_price(model, tokens, settings)
    given = {"progress": silent, "cancelled": never} | options
    return make_run("made", model, request, tokens, settings, 0.0, **given)


def theirs(model: LoadedModel, most: int, **options: Any) -> list[int]:
    """transformers' own greedy answer by eager attention, start token included; no cache, as a model is trained."""
    network = model.network.model
    inputs = inputs_of(model, {"encoder": read_tokens(model, RunRequest("", TEXT), SHORT)["encoder"]})
    used = network.config._attn_implementation
    network.set_attn_implementation("eager")
    try:
        return network.generate(
            **inputs, max_new_tokens=most, do_sample=False, num_beams=1, use_cache=False, **options
        )[0].tolist()
    finally:
        network.set_attn_implementation(used)


@pytest.mark.parametrize("name", NAMES)
def test_it_is_transformers_own_greedy_answer(name: str) -> None:
    model = made_model(name)
    run = run_of(model)
    ids = theirs(model, 12)
    assert run.tokens["decoder"].ids == ids[:-1], "the start token and what was written, without its last"
    assert run.answer == model.tokenizer.decode(ids[1:], skip_special_tokens=True)
    assert [t.index for t in run.tokens["decoder"].items] == list(range(len(ids) - 1))
    sizes = {s.name: (s.rows, s.cols) for s in run.stacks}
    n, m = len(run.tokens["encoder"]), len(ids) - 1
    assert sizes == {"encoder": (n, n), "decoder": (m, m), "cross": (m, n)}
    assert all(check.ok for check in run.checks)


@pytest.mark.parametrize("name", NAMES)
def test_each_position_predicts_what_was_written_next(name: str) -> None:
    """The one pass over the answer says the same as the passes that wrote it."""
    model = made_model(name)
    best = run_of(model).logits(slice(None)).argmax(-1).tolist()
    written = theirs(model, 12)[1:]
    forced = model.network.model.generation_config.forced_eos_token_id is not None and len(written) == 12
    assert best[: len(best) - forced] == written[: len(written) - forced]


@pytest.mark.parametrize("name", NAMES)
def test_what_a_model_asks_for_of_its_answer_is_kept_to(name: str) -> None:
    model = made_model(name)
    network = model.network.model
    before = network.generation_config
    try:
        network.generation_config = greedy_config(
            GenerationConfig(**before.to_diff_dict() | {"no_repeat_ngram_size": 1, "forced_bos_token_id": 40})
        )
        ids = run_of(model).tokens["decoder"].ids
        assert ids == theirs(model, 12)[:-1]
        assert ids[1] == 40
        assert len(set(ids[1:])) == len(ids[1:]), "no token twice"
    finally:
        network.generation_config = before


def test_chance_beams_and_foreign_code_are_left_out() -> None:
    wild = GenerationConfig(do_sample=True, temperature=9.0, num_beams=4, eos_token_id=3, length_penalty=2.0)
    wild.penalty_alpha, wild.top_k, wild.custom_generate, wild.cache_implementation = 0.6, 4, "org/code", "paged"
    kept = greedy_config(wild)
    assert (kept.do_sample, kept.num_beams, kept.eos_token_id) == (False, 1, 3)
    for name in ("temperature", "penalty_alpha", "top_k", "custom_generate", "cache_implementation"):
        assert getattr(kept, name, None) is None, name


def test_a_loaded_model_has_that_config_alone() -> None:
    config = made_model("bart").network.model.generation_config
    assert config.to_diff_dict() == greedy_config(config).to_diff_dict()


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_is_bounded_and_says_so(name: str) -> None:
    model = made_model(name)
    run = run_of(model, Settings(answer_limit=3))
    assert len(run.tokens["decoder"]) <= 3
    if len(run.tokens["decoder"]) == 3:
        assert any("broken off after 3 tokens" in warning for warning in run.warnings)


def test_an_answer_never_outgrows_the_memory_of_a_run() -> None:
    model = made_model("t5")
    tokens = {"encoder": 10, "decoder": 5}
    settings = Settings(run_limit=run_bytes(model.shapes, tokens))
    run = run_of(model, settings)
    assert len(run.tokens["decoder"]) == 5
    assert run.bytes <= settings.run_limit


def test_an_answer_never_outgrows_the_models_positions() -> None:
    model = made_model("marian")
    model = replace(model, info=replace(model.info, max_tokens=11))
    assert len(run_of(model, Settings()).tokens["decoder"]) == 11


def test_progress_is_told_and_nobody_waiting_stops_it() -> None:
    model, heard = made_model("t5"), []
    run_of(model, progress=heard.append)
    assert [s.done for s in heard if s.stage == "answer"] == list(range(1, 13))
    asked = 0

    def gone() -> bool:
        nonlocal asked
        asked += 1
        return asked == 4

    heard.clear()
    with pytest.raises(Cancelled):
        run_of(model, progress=heard.append, cancelled=gone)
    assert [(s.stage, s.done) for s in heard] == [("answer", 1), ("answer", 2), ("answer", 3)]


@pytest.mark.parametrize("name", NAMES)
def test_a_target_is_read_as_given(name: str) -> None:
    run = made_run(name, target="w20 w21 w22")
    assert run.answer is None
    assert [t.text for t in run.tokens["decoder"].items][1:] == ["w20", "w21"]
    assert run.milliseconds.answer == 0.0


def test_the_answer_as_target_is_the_same_pass() -> None:
    model = made_model("t5")
    own = run_of(model)
    assert own.answer is not None
    given = run_of(model, target=own.answer)
    assert given.tokens["decoder"].ids == own.tokens["decoder"].ids
    assert torch.allclose(given.kept.final, own.kept.final, atol=1e-6)


def test_the_id_depends_on_the_request_alone() -> None:
    model = made_model("t5")
    ids = {run_id(b"secret", model, RunRequest("t5", TEXT, target=target)) for target in (None, "w20", None)}
    assert len(ids) == 2


def test_without_a_head_the_decoder_sees_its_start_only() -> None:
    model = made_model("bart")
    run = run_of(replace(model, network=replace(model.network, has_head=False)))
    assert run.answer is None
    assert len(run.tokens["decoder"]) == 1
    assert any("start token only" in warning for warning in run.warnings)


@pytest.mark.parametrize("target", ["", "  \n"])
def test_an_empty_target_is_refused(target: str) -> None:
    with pytest.raises(EmptyText, match="target"):
        read_tokens(made_model("bart"), RunRequest("bart", TEXT, target=target), Settings())


def test_a_target_that_is_too_long_is_refused() -> None:
    model = made_model("marian")
    request = RunRequest("marian", TEXT, target="w7 " * 2000)
    with pytest.raises(TooManyTokens, match="target comes to 2,000 tokens; the model has positions for 1,024"):
        check_price(model, read_tokens(model, request, Settings()), Settings())


def test_only_an_encoder_decoder_takes_a_target() -> None:
    with pytest.raises(PairUnsupported):
        read_tokens(made_model("llama"), RunRequest("llama", TEXT, target="w7"), Settings())


def test_a_config_that_cannot_be_followed_is_a_problem_and_no_crash() -> None:
    model = made_model("bart")
    network = model.network.model
    before = network.generation_config
    try:
        network.generation_config = greedy_config(
            GenerationConfig(**before.to_diff_dict() | {"forced_bos_token_id": 10**6})
        )
        with pytest.raises(ModelFailed, match="IndexError"):
            run_of(model)
    finally:
        network.generation_config = before


def test_stages_are_stages() -> None:
    heard: list[Stage] = []
    run_of(made_model("bart"), progress=heard.append)
    assert all(isinstance(stage, Stage) and 0 <= stage.done <= stage.total for stage in heard)
