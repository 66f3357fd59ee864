"""Writing step by step: transformers' greedy text, a draw that its numbers say, branches, ends, and what is refused."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch
from transformers import DynamicCache, EncoderDecoderCache, GenerationConfig

from app.analyses.generate import Generated, Sampling, Start, Written, choose, generate
from app.analyses.logits import first_removed
from app.errors import Cancelled, HeadlightError, NoLanguageHead, NotApplicable, OutOfRange, TooManyTokens
from app.limits import MOST_STEPS
from app.models.run import RunRequest, inputs_of
from app.models.self_check import eager_maps
from app.models.writing import read_prompt
from app.settings import Settings
from tests.made import made_model
from tests.models.tiny import EXACT, WEIGHTS_ONLY

LIMIT = 1e-5
GREEDY = Sampling(temperature=0.0)
WRITERS = [name for name in (*EXACT, *WEIGHTS_ONLY) if made_model(name).info.kind != "encoder"]
ENCODERS = [name for name in (*EXACT, *WEIGHTS_ONLY) if made_model(name).info.kind == "encoder"]
TEXT = "w7 w8 w9 w10 w7 w8 w9"
MASKS = "w7 [MASK] w9 [MASK] w11 [MASK]"


@pytest.fixture
def endless(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    """Tiny models soon write their end by chance."""
    monkeypatch.setattr(made_model(name).network.model.generation_config, "eos_token_id", None)


def write(
    name: str, sampling: Sampling = GREEDY, text: str = TEXT, before: tuple[int, ...] = (), steps: int = 6, **more: Any
) -> tuple[Generated, list[Written], Start]:
    prompt = read_prompt(made_model(name), RunRequest(name, text), before, steps, Settings())
    told: list[Written] = []
    started: list[Start] = []
    end = generate(prompt, sampling, started.append, told.append, **more)
    return end, told, started[0]


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize("name", WRITERS)
def test_temperature_0_writes_what_transformers_writes(name: str) -> None:
    model = made_model(name)
    end, told, start = write(name)
    tokens = read_prompt(model, RunRequest(name, TEXT), (), 6, Settings()).tokens
    both = "encoder" in tokens
    ids = torch.tensor([tokens["encoder" if both else "decoder"].ids])
    cache = {"past_key_values": EncoderDecoderCache(DynamicCache(), DynamicCache())} if both else {}
    theirs = model.network.model.generate(
        ids, max_new_tokens=6, do_sample=False, forced_eos_token_id=None, pad_token_id=0, **cache
    )[0, 1 if both else ids.shape[1] :].tolist()
    assert end.ids == theirs
    assert [written.token.id for written in told] == theirs
    assert (end.ended, len(theirs)) == ("steps", 6)
    assert (start.sampling, start.seed, end.seed) == ("greedy", None, None)
    assert "greedy" in start.says
    assert all(written.draw is None and written.chosen.probability == 1.0 for written in told)
    assert end.checks
    assert all(check.ok for check in end.checks), end.checks


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize("name", WRITERS)
def test_each_row_is_the_last_of_a_full_pass(name: str) -> None:
    model = made_model(name)
    _, told, start = write(name)
    worst = 0.0
    for i, written in enumerate(told):
        given = inputs_of(model, read_prompt(model, RunRequest(name, TEXT), (), 6, Settings()).tokens)
        key = "decoder_input_ids" if "decoder_input_ids" in given else "input_ids"
        ids = torch.tensor([[before.token.id for before in told[:i]]], dtype=torch.long)
        given[key] = torch.cat([given[key], ids], dim=1)
        eager = eager_maps(model.network, given)
        for row in (written.attention, written.cross):
            if row is None:
                continue
            assert row.query == written.position - 1 == len(start.tokens["decoder"]) + i - 1
            theirs = torch.stack([layer[:, -1] for layer in eager[row.stack]])
            assert row.values.shape == theirs.shape
            assert (len(row.layers), len(row.heads), row.cols) == (*theirs.shape[:2], (0, theirs.shape[2]))
            worst = max(worst, float((row.values - theirs).abs().max()))
    assert (told[0].cross is not None) == (model.info.kind == "encoder-decoder")
    assert worst <= LIMIT, f"largest difference of a new row {worst:.2e}"


@pytest.mark.parametrize("name", ENCODERS)
def test_masks_are_filled_from_left_to_right(name: str) -> None:
    model = made_model(name)
    end, told, start = write(name, text=MASKS, steps=9)
    given = inputs_of(model, read_prompt(model, RunRequest(name, MASKS), (), 9, Settings()).tokens)
    masks = (given["input_ids"][0] == 4).nonzero()[:, 0].tolist()
    assert start.masks == masks == [written.position for written in told]
    assert "left to right" in start.says
    worst = 0.0
    for written in told:
        logits = model.network.model(**given, **model.network.family.arguments).logits[0, written.position]
        assert written.token.id == int(logits.argmax())
        theirs = torch.stack([m[:, written.position] for m in eager_maps(model.network, given)["encoder"]])
        worst = max(worst, float((written.attention.values - theirs).abs().max()))
        given["input_ids"][0, written.position] = written.token.id
    assert worst <= LIMIT, f"largest difference of a mask's row {worst:.2e}"
    assert end.ended == "masks"
    words = [f"{written.token.display}" for written in told]
    assert end.text == "w7 {} w9 {} w11 {}".format(*words)
    branch, more, begun = write(name, text=MASKS, before=(20,), steps=9)
    assert [written.step for written in more] == [1, 2]
    assert begun.tokens["encoder"][masks[0]].id == branch.ids[0] == 20
    assert branch.text.startswith("w7 w20 w9 ")


def test_the_same_seed_writes_the_same_text() -> None:
    sampling = Sampling(temperature=1.5, top_k=30, seed=7)
    end, told, start = write("llama", sampling, steps=12)
    again, _, _ = write("llama", sampling, steps=12)
    assert (start.sampling, start.seed) == ("drawn", 7)
    assert end.ids == again.ids
    others = {tuple(write("llama", dataclasses.replace(sampling, seed=seed), steps=12)[0].ids) for seed in range(5)}
    assert len(others) > 1
    for written in told:
        assert written.draw is not None
        assert written.draw.id == written.token.id == written.chosen.id
        assert written.chosen.kept
        assert [step.step for step in written.pipeline] == ["temperature", "top-k", "top-p", "min-p"]
        below = 0.0
        for candidate in written.candidates:
            if candidate.id == written.token.id:
                assert below <= written.draw.u < below + candidate.probability + 1e-12
            below += candidate.probability


def test_a_seed_that_was_not_given_is_told_and_writes_the_same_text() -> None:
    end, _, start = write("llama", Sampling(temperature=1.5), steps=8)
    assert start.seed is not None
    assert write("llama", Sampling(temperature=1.5, seed=start.seed), steps=8)[0].ids == end.ids


@pytest.mark.parametrize("kept", [5, 999, 1000, 2000])
@pytest.mark.parametrize("step", ["top-k", "min-p"])
def test_the_first_removed_is_the_next_in_rank_however_many_are_kept(step: str, kept: int) -> None:
    scores = torch.randn(49_152, generator=torch.Generator().manual_seed(1))
    best = scores.argsort(descending=True)
    enough = float((scores[best[kept - 1 : kept + 1]].mean() - scores.max()).double().exp())  # between two in rank
    sampling = Sampling(top_k=kept) if step == "top-k" else Sampling(min_p=enough)
    found, token_id = choose(scores, None, sampling, 0.0)
    assert next(one.kept for one in found.steps if one.step == step) == kept
    assert first_removed(found) == {step: int(best[kept])}
    assert token_id == int(best[0])


@pytest.mark.usefixtures("endless")
@pytest.mark.parametrize("name", ["llama", "gemma2", "gpt_oss", "bloom", "t5"])
def test_a_branch_goes_on_as_if_the_whole_had_been_written(name: str) -> None:
    sampling = Sampling(temperature=1.2, seed=3)
    end, told, _ = write(name, sampling, steps=8)
    branch, more, start = write(name, sampling, before=tuple(end.ids[:4]), steps=4)
    assert branch.ids == end.ids
    assert [written.step for written in more] == list(range(4, 8))
    assert [token.id for token in start.tokens["decoder"]][-4:] == end.ids[:4]
    difference = max(
        float((a.attention.values - b.attention.values).abs().max()) for a, b in zip(told[4:], more, strict=True)
    )
    assert difference <= LIMIT, f"largest difference of a row {difference:.2e}"
    other = next(candidate.id for candidate in told[3].candidates if candidate.id != end.ids[3])
    assert write(name, sampling, before=(*end.ids[:3], other), steps=3)[0].ids[:4] == [*end.ids[:3], other]


def test_it_ends_at_the_end_token(monkeypatch: pytest.MonkeyPatch) -> None:
    end, _, _ = write("llama")
    model = made_model("llama").network.model
    monkeypatch.setattr(model.generation_config, "eos_token_id", [98, end.ids[2]])
    stopped, told, _ = write("llama")
    assert stopped.ids == end.ids[: end.ids.index(end.ids[2]) + 1]
    assert stopped.ended == "end-token"
    assert len(told) == len(stopped.ids)


def test_what_has_ended_already_is_told_without_a_step(monkeypatch: pytest.MonkeyPatch) -> None:
    end, told, start = write("bert", text=MASKS, before=(20, 21, 22))
    assert (end.ended, told) == ("masks", [])
    assert end.text == start.text == "w7 w20 w9 w21 w11 w22"
    monkeypatch.setattr(made_model("llama").network.model.generation_config, "eos_token_id", 98)
    end, told, _ = write("llama", before=(20, 98))
    assert (end.ended, end.ids, told) == ("end-token", [20, 98], [])


def test_what_the_model_asks_for_of_its_own_text_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, _, _ = write("bart")
    model = made_model("bart").network.model
    wanted = {"suppress_tokens": [plain.ids[0]], "min_new_tokens": 4, "no_repeat_ngram_size": 1}
    monkeypatch.setattr(
        model, "generation_config", GenerationConfig(decoder_start_token_id=2, eos_token_id=2, **wanted)
    )
    end, told, _ = write("bart")
    ids = torch.tensor(
        [read_prompt(made_model("bart"), RunRequest("bart", TEXT), (), 6, Settings()).tokens["encoder"].ids]
    )
    theirs = model.generate(
        ids, max_new_tokens=6, do_sample=False, past_key_values=EncoderDecoderCache(DynamicCache(), DynamicCache())
    )
    assert end.ids == theirs[0, 1:].tolist()
    assert plain.ids[0] not in end.ids
    assert told[0].pipeline[0].step == "own-rules"
    assert told[0].pipeline[0].kept == 99 - len(
        {plain.ids[0], 2}
    )  # what is suppressed, and the end, which is the start
    assert told[0].pipeline[0].removed_mass > 0
    assert all(check.ok for check in end.checks)


def test_a_row_is_pooled_to_a_size() -> None:
    exact = write("llama", steps=2)[1][1].attention
    pooled = write("llama", Sampling(temperature=0.0, size=3), steps=2)[1][1].attention
    assert (exact.col_edges, exact.values.shape[2]) == (None, 8)
    assert pooled.col_edges == [0, 2, 5, 8]
    assert torch.equal(pooled.values[..., 1], exact.values[..., 2:5].amax(-1))


def test_work_stops_before_a_step_and_within_one() -> None:
    asked = 0

    def second() -> bool:
        nonlocal asked
        asked += 1
        return asked == 2

    told: list[Written] = []
    prompt = read_prompt(made_model("llama"), RunRequest("llama", TEXT), (), 6, Settings())
    with pytest.raises(Cancelled):
        generate(prompt, GREEDY, tell=told.append, between=second)
    assert len(told) == 1
    asked = 0
    told.clear()
    with pytest.raises(Cancelled):
        generate(prompt, GREEDY, tell=told.append, stopped=second)
    assert (len(told), asked) == (0, 2)


WRONG: dict[str, tuple[type[HeadlightError], str, dict[str, Any]]] = {
    "no steps": (OutOfRange, "llama", {"steps": 0}),
    "too many steps": (OutOfRange, "llama", {"steps": MOST_STEPS + 1}),
    "below 0": (OutOfRange, "llama", {"sampling": Sampling(temperature=-0.1)}),
    "no number": (OutOfRange, "llama", {"sampling": Sampling(temperature=float("nan"))}),
    "top-p": (OutOfRange, "llama", {"sampling": Sampling(top_p=1.1)}),
    "no token": (OutOfRange, "llama", {"before": (7, 99)}),
    "below every token": (OutOfRange, "llama", {"before": (-1,)}),
    "no token of a masked model": (OutOfRange, "bert", {"text": MASKS, "before": (99,)}),
    "no mask": (NotApplicable, "bert", {}),
    "more than the masks": (OutOfRange, "bert", {"text": MASKS, "before": (7, 8, 9, 10)}),
}  # fmt: skip


@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_is_refused(name: str) -> None:
    error, model, asked = WRONG[name]
    with pytest.raises(error) as caught:
        write(model, **asked)
    assert caught.value.hint


def test_a_text_that_leaves_no_room_says_how_much_there_is() -> None:
    model = made_model("gpt2")  # 1,024 positions
    text = " ".join(["w7"] * 1020)
    with pytest.raises(TooManyTokens, match="room for 4 of the 1024") as caught:
        read_prompt(model, RunRequest("gpt2", text), (), 5, Settings())
    assert "at most 4 steps" in caught.value.hint
    with pytest.raises(TooManyTokens, match="room for 0"):
        read_prompt(model, RunRequest("gpt2", text), (7, 8, 9, 10), 1, Settings())
    assert read_prompt(model, RunRequest("gpt2", text), (), 4, Settings()).steps == 4


def test_too_many_weights_for_one_answer_are_refused() -> None:
    prompt = read_prompt(made_model("llama"), RunRequest("llama", " ".join(["w7"] * 1700)), (), 256, Settings())
    stack = dataclasses.replace(prompt.model.shapes.stacks[0], layers=100, heads=100)
    shapes = dataclasses.replace(prompt.model.shapes, stacks=(stack,))
    wide = dataclasses.replace(prompt.model, shapes=shapes)
    with pytest.raises(OutOfRange, match="weights"):
        generate(dataclasses.replace(prompt, model=wide), GREEDY)


def test_a_model_without_a_head_writes_nothing() -> None:
    model = made_model("llama")
    headless = dataclasses.replace(model, info=dataclasses.replace(model.info, language_head=False))
    with pytest.raises(NoLanguageHead):
        read_prompt(headless, RunRequest("llama", TEXT), (), 3, Settings())
