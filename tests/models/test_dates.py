"""`dates`, the model that ships with the app: what its card says is true, and our engine runs it right."""

from __future__ import annotations

import hashlib
import json
import random
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

from app.analyses.attention import attention
from app.errors import EmptyText, TooManyTokens
from app.examples import EXAMPLES
from app.models.catalogue import SHIPPED
from app.models.config_check import check_config
from app.models.engine import Engine
from app.models.listing import offered
from app.models.run import Run, RunRequest
from app.models.sources import locate, shipped
from app.settings import Settings
from training.dates_data import FORMS, MONTHS, ORDINALS, split, write

FOLDER = shipped.place(SHIPPED[0])
WRITTEN = {
    "the third of March 2021": "2021-03-03",
    "Tue 4 Nov 99": "1999-11-04",
    "3/12/07": "2007-12-03",
    "2021-03-03": "2021-03-03",
    "March 3rd, '21": "2021-03-03",
    "Saturday, 29 February 2020": "2020-02-29",
    "the thirty-first of December, 1999": "1999-12-31",
    "1 JAN 00": "2000-01-01",
}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(Settings(cache_dir=tmp_path_factory.mktemp("cache"), hub=False))
    yield engine
    engine.close()


def run_of(engine: Engine, text: str, target: str | None = None) -> Run:
    return engine.run(RunRequest("dates", text, target=target))[0]


def card() -> str:
    return (FOLDER / "card.md").read_text("utf-8")


def test_the_card_is_of_these_weights() -> None:
    weights = FOLDER / "model.safetensors"
    (digest,) = re.findall(r"^sha256: ([0-9a-f]{64})$", card(), re.MULTILINE)
    assert digest == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert f"({weights.stat().st_size:,} bytes)" in card()


def test_the_card_has_a_figure_and_it_is_good_enough() -> None:
    (figure,) = re.findall(r"^held_out_exact: (\d\.\d+)$", card(), re.MULTILINE)
    assert float(figure) >= 0.99
    tried = [int(count.replace(",", "")) for count in re.findall(r"% of ([\d,]+) \|", card())]
    assert tried == [3652] * len(FORMS), "the figure is of every held-out day in every form"
    for word in ("## Data", "steps", "seed", "## Limits", "Apache-2.0"):
        assert word in card()


def test_it_is_small_and_whole() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(sizes) == {
        "card.md", "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
        "tokenizer_config.json",
    }  # fmt: skip
    assert sum(sizes.values()) < 3_000_000
    assert check_config(FOLDER, Settings()).model_type == "bart"


def test_each_shipped_model_is_listed_and_found() -> None:
    listed = {info.id: info for info in offered(Settings())}
    for line in SHIPPED:
        found = locate(line.id, Settings(hub=False))
        info = listed[line.id]
        assert (info.revision, info.licence, info.source) == (found.revision, "Apache-2.0", "trained here")
        assert (info.kind, info.architecture, info.layers, info.heads) == ("encoder-decoder", "bart", 2, 4)
        assert info.warnings == ()
        assert hashlib.sha256((found.folder / "model.safetensors").read_bytes()).hexdigest().startswith(found.revision)


def test_an_operators_folder_of_that_name_goes_before_it(tmp_path: Path) -> None:
    settings = Settings(hub=False, models={"dates": tmp_path})
    assert [info.source for info in offered(settings) if info.id == "dates"] == ["folder"]


def test_it_passes_the_self_check(engine: Engine) -> None:
    info = engine.load("dates")
    assert info.warnings == ()
    assert (info.capture, info.language_head, info.max_tokens, info.pairs) == ("full", True, 64, False)
    checks = run_of(engine, "3/12/07").model.checks
    assert {c.name for c in checks} >= {"recomputed-equals-eager", "causal", "logits", "attention-changes-the-output"}
    assert all(c.ok for c in checks)


@pytest.mark.parametrize("text", WRITTEN)
def test_it_reads_dates(engine: Engine, text: str) -> None:
    run = run_of(engine, text)
    assert run.answer == WRITTEN[text]
    assert "".join(t.text for t in run.tokens["decoder"].items) == f"<s>{WRITTEN[text]}"
    assert [(t.start, t.end) for t in run.tokens["decoder"].items[1:]] == [(i, i + 1) for i in range(10)]
    assert all(check.ok for check in run.checks)
    assert run.warnings == ()


def test_it_is_exact_on_held_out_days(engine: Engine) -> None:
    rng = random.Random(5)
    _, held = split()
    examples = [write(rng, day, form) for form in FORMS for day in rng.sample(held, 20)]
    wrong = [(e.text, e.iso) for e in examples if run_of(engine, e.text).answer != e.iso]
    assert len(wrong) <= 1, wrong


def test_the_answer_is_transformers_own(engine: Engine) -> None:
    tokenizer = AutoTokenizer.from_pretrained(FOLDER)
    model = AutoModelForSeq2SeqLM.from_pretrained(FOLDER, attn_implementation="eager").eval()
    assert tokenizer.is_fast
    for text in [*WRITTEN, "hello", "zz zz zz"]:
        ids = model.generate(**tokenizer(text, return_tensors="pt"), do_sample=False, num_beams=1, max_new_tokens=64)
        assert run_of(engine, text).tokens["decoder"].ids == ids[0, :-1].tolist(), text


def test_the_stacks(engine: Engine) -> None:
    run = run_of(engine, "3 Mar 2021")
    assert [(s.name, s.layers, s.heads, s.rows, s.cols) for s in run.stacks] == [
        ("encoder", 2, 4, 11, 11), ("decoder", 2, 4, 11, 11), ("cross", 2, 4, 11, 11)
    ]  # fmt: skip
    longer = run_of(engine, "the third of March 2021")
    assert [(s.name, s.rows, s.cols) for s in longer.stacks][2] == ("cross", 11, 24)
    answer = attention(longer, "cross", 1, None)
    assert answer.values.shape == (1, 4, 11, 24)
    assert torch.allclose(answer.values.sum(-1), torch.ones(1, 4, 11), atol=1e-5)


def test_cross_attention_reads_year_month_and_day(engine: Engine) -> None:
    """The head that the page's example shows: the share of its attention that lies on the part being written."""
    example = next(example for example in EXAMPLES if example.model == "dates")
    where = example.selection
    _, held = split()
    rows = {"year": slice(2, 4), "month": slice(5, 7), "day": slice(8, 10)}  # a row looks for the sign behind it
    shares: dict[str, list[float]] = {part: [] for part in rows}
    for day in random.Random(6).sample(held, 25):
        parts = {"day": ORDINALS[day.day - 1], "month": MONTHS[day.month - 1], "year": str(day.year)}
        text = f"the {parts['day']} of {parts['month']} {parts['year']}"
        run = run_of(engine, text, day.isoformat())
        seen = attention(run, str(where["stack"]), int(str(where["layer"])), int(str(where["head"]))).values[0, 0]
        for part, word in parts.items():
            at = text.rindex(word)
            shares[part].append(float(seen[rows[part], at : at + len(word)].sum(-1).mean()))
    means = {part: sum(found) / len(found) for part, found in shares.items()}
    assert means["year"] > 0.95
    assert means["month"] > 0.9
    assert means["day"] > 0.8


def test_with_a_target_it_reads_that(engine: Engine) -> None:
    run = run_of(engine, "3 Mar 2021", "1999-12-31")
    assert run.answer is None
    assert "".join(t.text for t in run.tokens["decoder"].items) == "<s>1999-12-31"


@pytest.mark.parametrize(
    ("text", "target", "error", "says"),
    [
        ("3 Mar 2021", "9" * 65, TooManyTokens, "The target comes to 66 tokens; the model has positions for 64."),
        ("9" * 64, None, TooManyTokens, "The text comes to 65 tokens; the model has positions for 64."),
        ("3 Mar 2021", "", EmptyText, "The target is empty or blank."),
        ("", None, EmptyText, "The text is empty or blank."),
    ],
)
def test_bad_input(engine: Engine, text: str, target: str | None, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=re.escape(says)):
        run_of(engine, text, target)


@pytest.mark.parametrize("text", ["日本語", "<s></s><pad>", "\x00", "🎉" * 20, "9" * 63])
def test_nonsense_gets_an_answer_within_bounds(engine: Engine, text: str) -> None:
    run = run_of(engine, text)
    assert run.answer is not None
    assert len(run.tokens["decoder"]) <= 64
    assert all(check.ok for check in run.checks)


def test_the_tokenizer_file_is_the_one_the_training_makes() -> None:
    from training.dates_tokenizer import character_tokenizer

    made = json.loads(character_tokenizer().backend_tokenizer.to_str())
    kept = json.loads((FOLDER / "tokenizer.json").read_text("utf-8"))
    assert made == kept | {"truncation": made["truncation"], "padding": made["padding"]}
