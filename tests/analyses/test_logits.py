"""The pipeline equals transformers' own warpers over the whole vocabulary, and the draw is the one its numbers say."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from app.analyses.logit_lens import lens
from app.analyses.logits import logits, pipeline
from app.analyses.surprisal import surprisal
from app.errors import NoLanguageHead, NotApplicable, OutOfRange
from app.models.run import inputs_of
from app.models.self_check import eager_output
from tests.made import made_model, made_run
from tests.models.tiny import EXACT, WEIGHTS_ONLY

LIMIT = 1e-6


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**31), st.floats(0.1, 5.0), st.integers(0, 60), st.floats(0.05, 1.0), st.floats(0.0, 0.5),
)  # fmt: skip
def test_equals_transformers_warpers(seed: int, temperature: float, top_k: int, top_p: float, min_p: float) -> None:
    scores = torch.randn(997, generator=torch.Generator().manual_seed(seed)).double() * 4
    warpers = LogitsProcessorList([TemperatureLogitsWarper(temperature)])
    if top_k:
        warpers.append(TopKLogitsWarper(top_k))
    if top_p < 1.0:
        warpers.append(TopPLogitsWarper(top_p))
    if min_p:
        warpers.append(MinPLogitsWarper(min_p))
    theirs = warpers(torch.zeros(1, 1, dtype=torch.long), scores[None].clone())[0].softmax(-1)
    warped, steps = pipeline(scores, temperature, top_k, top_p, min_p)
    difference = float((warped.softmax(-1) - theirs).abs().max())
    assert difference <= LIMIT, f"largest difference {difference:.2e}"
    assert steps[-1].kept == int((theirs > 0).sum())
    assert [step.step for step in steps] == ["temperature", "top-k", "top-p", "min-p"]


def test_each_step_says_what_it_took() -> None:
    _, steps = pipeline(torch.tensor([2.0, 1.0, 0.0, -1.0]).double(), 1.0, 3, 0.9, 0.5)
    whole = torch.tensor([2.0, 1.0, 0.0, -1.0]).double().softmax(-1)
    three = whole[:3] / whole[:3].sum()
    assert [step.kept for step in steps] == [4, 3, 2, 1]
    assert steps[1].removed_mass == pytest.approx(float(whole[3]))
    assert steps[2].removed_mass == pytest.approx(float(three[2]))
    assert steps[3].removed_mass == pytest.approx(float(three[1] / three[:2].sum()))


@pytest.mark.parametrize("name", [*EXACT, *WEIGHTS_ONLY])
def test_the_logits_are_the_models_own(name: str) -> None:
    masked = made_model(name).info.kind == "encoder"
    target = "w20 w21 w22" if made_model(name).info.kind == "encoder-decoder" else None
    run = made_run(name, text="w7 w8 [MASK] w9" if masked else "w7 w8 w9", target=target)
    position = [token.text for token in run.tokens["encoder"].items].index("[MASK]") if masked else 1
    answer = logits(run, position, limit=99)
    theirs = eager_output(run.model.network, inputs_of(run.model, run.tokens)).logits[0, position].float()
    ours = {c.id: c.logit for c in answer.candidates}
    difference = max(abs(ours[i] - float(theirs[i])) for i in range(99))
    assert difference <= 1e-5 * max(1.0, float(theirs.abs().max())), f"largest difference {difference:.2e}"
    assert answer.entropy == pytest.approx(float(torch.distributions.Categorical(logits=theirs).entropy()), abs=1e-4)
    assert [c.rank for c in answer.candidates] == list(range(99))
    assert all(check.ok for check in answer.checks)
    assert answer.target is None if masked else answer.target is not None


def test_the_draw_falls_where_the_cumulative_curve_says() -> None:
    run = made_run("llama")
    seen = set()
    for seed in range(200):
        answer = logits(run, 3, temperature=0.7, top_k=5, limit=5, draw=seed)
        assert answer.draw is not None
        below = 0.0
        for c in answer.candidates:
            if below <= answer.draw.u < below + c.probability:
                assert c.id == answer.draw.id
            below += c.probability
        assert below == pytest.approx(1.0)
        seen.add(answer.draw.id)
        assert logits(run, 3, temperature=0.7, top_k=5, draw=seed).draw == answer.draw
    assert len(seen) > 1


def test_the_entropy_after_the_steps_is_of_what_they_left() -> None:
    run = made_run("llama")
    answer = logits(run, 3, temperature=0.7, top_k=5, limit=5)
    left = torch.tensor([c.probability for c in answer.candidates], dtype=torch.float64)
    assert answer.entropy_after == pytest.approx(float(torch.distributions.Categorical(probs=left).entropy()), abs=1e-6)
    plain = logits(run, 3)
    assert plain.entropy_after == pytest.approx(plain.entropy, abs=1e-9)
    assert logits(run, 3, temperature=0.0).entropy_after == 0.0


def test_greedy_takes_one_where_two_are_as_likely() -> None:
    warped, steps = pipeline(torch.tensor([0.0, 2.0, 2.0]), 0.0, 0, 1.0, 0.0)
    assert torch.isfinite(warped).tolist() == [False, True, False]
    assert steps[1].kept == 1


def test_temperature_0_is_greedy() -> None:
    answer = logits(made_run("llama"), 3, temperature=0.0, draw=4)
    assert [c.kept for c in answer.candidates[:3]] == [True, False, False]
    assert answer.candidates[0].probability == 1.0
    assert answer.draw is not None
    assert answer.draw.id == answer.candidates[0].id


def test_every_candidate_is_found_by_its_text_and_by_its_id() -> None:
    run = made_run("llama")
    answer = logits(run, 3, search="W9")
    assert answer.candidates[0].text == "w9"
    assert {c.text for c in answer.candidates} == {"w9", *(f"w9{i}" for i in range(9))}
    containing = [c.logit for c in answer.candidates[1:]]
    assert containing == sorted(containing, reverse=True)
    assert logits(run, 3, search="nowhere").candidates == []
    words = run.model.vocabulary
    for i in range(len(words)):
        assert logits(run, 3, search=f"#{i}", limit=1).candidates[0].id == i
        assert logits(run, 3, search=words[i], limit=1).candidates[0].text.strip() == words[i].strip()
    assert logits(run, 3, search=f"#{len(words)}").candidates == []


@pytest.mark.parametrize("steps", [{"top_k": 12}, {"top_p": 0.5}, {"min_p": 0.3}, {"top_k": 40, "top_p": 0.6}])
def test_what_is_removed_is_the_end_of_the_order_and_stretches_lie_end_to_end(steps: dict[str, Any]) -> None:
    answer = logits(made_run("llama"), 3, temperature=0.7, limit=99, draw=5, **steps)
    for before, step in itertools.pairwise(answer.pipeline):
        if step.kept == before.kept:
            assert step.first_removed is None
        else:
            assert step.first_removed is not None
            assert step.first_removed.rank == step.kept
            assert step.first_removed.probability == 0.0
    assert [c.kept for c in answer.candidates] == [c.rank < answer.pipeline[-1].kept for c in answer.candidates]
    below = 0.0
    for c in answer.candidates:
        assert c.below == pytest.approx(below, abs=1e-12)
        below += c.probability
    assert answer.draw is not None
    assert answer.drawn is not None
    assert answer.drawn.id == answer.draw.id
    assert answer.drawn.below <= answer.draw.u < answer.drawn.below + answer.drawn.probability


def test_what_was_asked_lately_is_not_given_for_another_run_or_position() -> None:
    first, second = made_run("llama"), made_run("llama", text="w20 w21 w22 w23 w24")
    for run, position in ((first, 3), (first, 4), (second, 4), (first, 4)):
        exact = run.logits(torch.tensor([position]))[0]
        best = logits(run, position, limit=1).candidates[0]
        assert best.id == int(exact.argmax())
        assert best.logit == float(exact.max())


def test_the_target_is_the_next_token() -> None:
    run = made_run("llama")
    answer = logits(run, 3)
    assert answer.target is not None
    assert answer.target.text == "w7"
    assert logits(run, 9).target is None


def test_the_end_of_a_target_is_what_its_last_position_should_say() -> None:
    run = made_run("t5", target="w20 w21 w22 w23")
    behind = run.tokens["decoder"].behind
    assert behind is not None
    last = len(run.tokens["decoder"]) - 1
    for answer in (logits(run), logits(run, last)):
        assert answer.target is not None
        assert (answer.position, answer.target.id) == (last, behind.id)
    seen = lens(run, last).layers[-1].target
    assert seen is not None
    assert (seen.id, seen.rank) == (answer.target.id, answer.target.rank)
    scored = surprisal(run).tokens[-1]
    assert (scored.id, scored.rank) == (answer.target.id, answer.target.rank)


WRONG: list[dict[str, Any]] = [
    {"position": 10}, {"position": -1}, {"position": 0, "temperature": -1.0}, {"position": 0, "top_p": 1.5},
    {"position": 0, "min_p": -0.1}, {"position": 0, "top_k": -1}, {"position": 0, "limit": 0},
    {"position": 0, "temperature": float("nan")},
]  # fmt: skip


@pytest.mark.parametrize("asked", WRONG, ids=str)
def test_what_cannot_be_is_refused(asked: dict[str, Any]) -> None:
    with pytest.raises(OutOfRange):
        logits(made_run("llama"), **asked)


def test_a_masked_model_is_asked_at_a_mask_and_a_headless_one_not_at_all() -> None:
    with pytest.raises(NotApplicable):
        logits(made_run("bert"), 1)
    from dataclasses import replace

    run = made_run("bert")
    headless = replace(run, model=replace(run.model, info=replace(run.model.info, language_head=False)))
    with pytest.raises(NoLanguageHead):
        logits(headless, 1)
