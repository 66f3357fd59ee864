"""The training of `dates`: its data mean what they say, nothing held out is trained on, and it can be broken off."""

from __future__ import annotations

import os
import random
import re
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from transformers import AutoTokenizer

from training.dates import Plan, draw, held_out_examples, new_model, rate_at, train
from training.dates_data import FIRST, FORMS, LAST, MONTHS, ORDINALS, SHORT_FIRST, SHORT_LAST, split, write
from training.dates_tokenizer import LONGEST, character_tokenizer

ROOT = Path(__file__).parent.parent.parent


def read(text: str) -> date:
    """A written date, read by plain rules: the conventions of dates_data.py a second time, without a model."""
    words = {word: str(n) for n, word in enumerate(ORDINALS, 1)}
    months = {month.lower(): n for n, month in enumerate(MONTHS, 1)}
    text = text.lower().removeprefix("on ").removesuffix(".")
    text = re.sub(r"^(mon|tues?|wed(nes)?|thu(rs)?|fri|sat(ur)?|sun)(day)?[.,]? ", "", text)
    for word in sorted(words, key=len, reverse=True):
        text = re.sub(rf"\b{word}\b", words[word], re.sub(rf"\b{word.replace('-', ' ')}\b", words[word], text))
    months |= {month[:3]: n for month, n in months.items()} | {"sept": 9}
    parts = [p for p in re.findall(r"\d+|[a-z]+", text) if p not in ("the", "of", "st", "nd", "rd", "th")]
    named = next((p for p in parts if p in months), None)
    first_is_year = len(parts[0]) == 4 and parts[0].isdigit()
    if named is None:
        year, month, day = parts if first_is_year else reversed(parts)
    else:
        numbers = [p for p in parts if p != named]
        year, day = numbers if first_is_year else reversed(numbers)
        month = str(months[named])
    century = 0 if len(year) == 4 else 1900 if int(year) >= 69 else 2000
    return date(century + int(year), int(month), int(day))


@pytest.mark.parametrize("form", FORMS)
def test_every_form_says_the_day_that_it_stands_for(form: str) -> None:
    rng = random.Random(1)
    days, held = split()
    for _ in range(1500):
        example = write(rng, rng.choice([*days[:2000], *days[-40_000:], *held]), form)
        assert read(example.text).isoformat() == example.iso, example
        assert len(example.text) < LONGEST


@pytest.mark.parametrize(
    ("text", "iso"),
    [
        ("the third of March 2021", "2021-03-03"),
        ("Tue 4 Nov 99", "1999-11-04"),
        ("3/12/07", "2007-12-03"),
        ("March 3rd, '21", "2021-03-03"),
        ("1.1.69", "1969-01-01"),
        ("1.1.68", "2068-01-01"),
    ],
)
def test_the_conventions(text: str, iso: str) -> None:
    assert read(text).isoformat() == iso


def test_no_held_out_day_is_trained_on() -> None:
    days, held = split()
    assert not set(days) & set(held)
    assert len(days) + len(held) == (LAST - FIRST).days + 1
    assert len(held) == 3652
    trained = {e.iso for step in range(40) for e in draw(Plan(), step, days)}
    tested = {e.iso for examples in held_out_examples(10_000).values() for e in examples}
    assert tested == {day.isoformat() for day in held}
    assert not trained & tested


def test_two_digits_are_only_written_where_they_can_be_read() -> None:
    rng = random.Random(2)
    for day in (date(1968, 12, 31), date(2069, 1, 1)):
        assert not SHORT_FIRST <= day <= SHORT_LAST
        assert all(str(day.year) in write(rng, day).text for _ in range(200))


def test_a_steps_examples_depend_on_seed_and_step_alone() -> None:
    days, _ = split()
    assert draw(Plan(), 7, days) == draw(Plan(), 7, days)
    assert draw(Plan(), 7, days) != draw(Plan(), 8, days)
    assert draw(Plan(seed=1), 7, days) != draw(Plan(), 7, days)


def test_the_rate_rises_and_falls() -> None:
    plan = Plan()
    rates = [rate_at(plan, step) for step in range(plan.steps)]
    assert max(rates) == pytest.approx(plan.rate, rel=1e-3)
    assert rates.index(max(rates)) in range(plan.warmup - 1, plan.warmup + 1)
    assert 0 < rates[0] < plan.rate / 100
    assert rates[-1] == pytest.approx(plan.rate / 100, rel=0.01)


def test_the_tokenizer_knows_characters_words_and_offsets() -> None:
    tokenizer = character_tokenizer()
    text = "The 3rd of Märch, 2021"
    encoding = tokenizer(text, return_offsets_mapping=True)
    assert encoding.tokens() == [*"the 3rd of m", "<unk>", *"rch, 2021", "</s>"]
    assert encoding["offset_mapping"][:-1] == [(i, i + 1) for i in range(len(text))]
    words = ["".join(text[i] for i, w in enumerate(encoding.word_ids()) if w == word) for word in range(11)]
    assert words == ["The", " ", "3", "rd", " ", "of", " ", "Märch", ",", " ", "2021"]
    assert tokenizer.decode(tokenizer("2021-03-03").input_ids, skip_special_tokens=True) == "2021-03-03"


def test_a_training_that_was_broken_off_goes_on_as_if_it_had_not_been(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plan = Plan(steps=4, batch=8)
    whole = train(plan, tmp_path / "whole.pt", save_every=4)
    kept = torch.optim.AdamW.step
    steps = 0

    def breaks(self: torch.optim.AdamW, *args: object) -> object:
        nonlocal steps
        steps += 1
        if steps == 4:
            raise KeyboardInterrupt
        return kept(self, *args)

    monkeypatch.setattr(torch.optim.AdamW, "step", breaks)
    with pytest.raises(KeyboardInterrupt):
        train(plan, tmp_path / "broken.pt", save_every=2)
    monkeypatch.undo()
    again = train(plan, tmp_path / "broken.pt", save_every=2)
    for name, weight in whole.state_dict().items():
        assert torch.equal(weight, again.state_dict()[name]), name


def test_another_plan_begins_anew(tmp_path: Path) -> None:
    train(Plan(steps=1, batch=8), tmp_path / "state.pt", save_every=1)
    other = train(Plan(steps=1, batch=8, seed=1), tmp_path / "state.pt", save_every=1)
    fresh = train(Plan(steps=1, batch=8, seed=1), tmp_path / "fresh.pt", save_every=1)
    assert torch.equal(other.get_input_embeddings().weight, fresh.get_input_embeddings().weight)
    assert not torch.equal(other.get_input_embeddings().weight, new_model(0).get_input_embeddings().weight)


def test_the_command_writes_a_model_that_loads(tmp_path: Path) -> None:
    out = tmp_path / "dates"
    options = ["--steps", "2", "--batch", "8", "--held-out", "2", "--out", out, "--state", tmp_path / "state.pt"]
    command = [sys.executable, "-m", "training.dates", *map(str, options)]
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=240, env=os.environ | {"HF_HUB_OFFLINE": "1"}
    )
    assert done.returncode == 0, done.stderr
    assert re.search(r"held-out days, exact: \d+\.\d+%", done.stdout)
    assert {p.name for p in out.iterdir()} == {p.name for p in (ROOT / "app/weights/dates").iterdir()}
    assert load_file(out / "model.safetensors")
    assert AutoTokenizer.from_pretrained(out).is_fast
