"""`minilm-mlm`: what its card says is true, it is merged exactly as peft merges, and our engine runs it right."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertForMaskedLM

from app.analyses.logits import logits
from app.errors import ModelFailed, ModelUnknown
from app.models import catalogue
from app.models.catalogue import ADAPTED
from app.models.config_check import check_config
from app.models.engine import Engine
from app.models.listing import offered
from app.models.progress import Stage, never, silent
from app.models.run import RunRequest
from app.models.sources import adapted, locate, wheel
from app.models.sources.adapted import ADAPTER, CONFIG, HEAD, merge, write_merged
from app.settings import Settings
from training.english import Line
from training.masked_lines import encode
from training.masked_score import SENTENCES, evaluate, fill

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),
]

(LINE,) = ADAPTED
FOLDER = adapted.place(LINE)
PACKAGE = wheel.place(adapted.base_of(LINE))
HELD_OUT = Path(__file__).parent / "held_out_wordnet.txt"
SENSIBLE = {
    "The violin is a stringed [MASK].": "instrument",
    "A week has seven [MASK].": "days",
    "The patient was taken to the [MASK].": "hospital",
    "They had dinner at a [MASK].": "restaurant",
    "The ship sailed across the [MASK].": "sea",
    "He drank a cup of [MASK].": "coffee",
    "A surgeon is a [MASK] who performs operations.": "doctor",
}
"""Among the first five. Facts are beyond it (the card's twenty sentences say so): no Paris for France."""


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(cache_dir=tmp_path_factory.mktemp("cache"), hub=False)


@pytest.fixture(scope="module")
def engine(settings: Settings) -> Iterator[Engine]:
    engine = Engine(settings)
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def merged(settings: Settings) -> Path:
    return locate(LINE.id, settings).folder


@pytest.fixture(scope="module")
def model(merged: Path) -> BertForMaskedLM:
    loaded, facts = AutoModelForMaskedLM.from_pretrained(merged, attn_implementation="eager", output_loading_info=True)
    assert (facts["missing_keys"], facts["unexpected_keys"], facts["mismatched_keys"]) == (set(), set(), set())
    assert isinstance(loaded, BertForMaskedLM)
    return loaded


def card(field: str | None = None) -> str:
    text = (FOLDER / "card.md").read_text("utf-8")
    if field is None:
        return text
    (value,) = re.findall(rf"^{field}: (\S+)$", text, re.MULTILINE)
    return str(value)


def test_the_card_is_of_these_weights() -> None:
    for name, field in ((ADAPTER, "adapter_sha256"), (HEAD, "head_sha256")):
        assert card(field) == hashlib.sha256((FOLDER / name).read_bytes()).hexdigest()
    size = sum((FOLDER / name).stat().st_size for name in (ADAPTER, HEAD))
    assert f"({size:,} bytes)" in card()
    for word in ("## Data", "WordNet 3.0 licence", "GPL-2", "CC-BY-SA", "steps", "seed", "## Limits", "Apache-2.0"):
        assert word in card()


def test_it_is_small_and_whole() -> None:
    sizes = {path.name: path.stat().st_size for path in FOLDER.iterdir()}
    assert set(sizes) == {ADAPTER, CONFIG, HEAD, "card.md"}
    assert sum(sizes.values()) < 7_000_000
    head = load_file(FOLDER / HEAD)
    assert head["cls.predictions.bias"].shape == (30522,)
    assert all(bool(torch.isfinite(tensor).all()) for tensor in [*load_file(FOLDER / ADAPTER).values(), *head.values()])


def test_it_is_listed_and_found(settings: Settings, merged: Path) -> None:
    info = next(info for info in offered(settings) if info.id == LINE.id)
    found = locate(LINE.id, settings)
    assert (info.kind, info.architecture, info.layers, info.heads) == ("encoder", "bert", 6, 12)
    assert (info.revision, info.licence, info.source) == (found.revision, "Apache-2.0", found.source)
    assert (info.name, info.warnings) == (LINE.name, ())
    assert found.folder == merged
    assert merged.is_relative_to(settings.cache_dir)
    assert check_config(merged, settings).model_type == "bert"
    assert next(info for info in offered(settings) if info.id == "minilm").source == "pip package " + (
        adapted.base_of(LINE).requirement
    ), "minilm itself is untouched"


def test_it_is_merged_once(settings: Settings, merged: Path) -> None:
    stages: list[Stage] = []
    adapted.find(LINE, settings, stages.append, never)
    assert stages == []
    fresh = settings.model_copy(update={"cache_dir": settings.cache_dir / "other"})
    assert adapted.find(LINE, fresh, stages.append, never).folder != merged
    assert [(stage.stage, stage.message) for stage in stages] == [
        ("convert", "Merging the adapter into the weights (once)")
    ]


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch, settings: Settings) -> None:
    other = replace(adapted.base_of(LINE), version="9.9")
    monkeypatch.setattr(catalogue, "CATALOGUE", (other,))
    with pytest.raises(ModelUnknown) as raised:
        locate(LINE.id, settings)
    assert other.command in raised.value.hint
    info = next(info for info in offered(settings) if info.id == "minilm-mlm")
    assert info.bytes is None or info.warnings == ()


def test_a_damaged_adapter_is_refused(tmp_path: Path) -> None:
    broken = tmp_path / "adapter"
    broken.mkdir()
    for name in (ADAPTER, CONFIG, HEAD):
        (broken / name).write_bytes((FOLDER / name).read_bytes())
    (broken / ADAPTER).write_bytes(b"not safetensors")
    with pytest.raises(ModelFailed):
        write_merged(PACKAGE, broken, tmp_path)
    assert not (tmp_path / "model.safetensors").exists()


def test_the_merge_is_pefts(model: BertForMaskedLM) -> None:
    base = BertForMaskedLM.from_pretrained(PACKAGE)
    theirs = PeftModel.from_pretrained(base, str(FOLDER)).merge_and_unload()
    ours = merge(PACKAGE, FOLDER)
    seen = 0
    for name, weight in theirs.named_parameters():
        if name.startswith("bert."):
            assert torch.allclose(ours[name], weight, atol=1e-6), name
            assert torch.equal(ours[name], model.get_parameter(name)), name
            seen += not torch.equal(weight, base_weight(name))
    assert seen == 36, "six maps in each of six layers"


def base_weight(name: str) -> torch.Tensor:
    return load_file(PACKAGE / "model.safetensors")[name.removeprefix("bert.")]


def test_the_decoder_is_the_embeddings(model: BertForMaskedLM) -> None:
    assert torch.equal(model.cls.predictions.decoder.weight, base_weight("bert.embeddings.word_embeddings.weight"))
    assert torch.equal(model.cls.predictions.decoder.bias, load_file(FOLDER / HEAD)["cls.predictions.bias"].float())


def test_it_passes_the_self_check(engine: Engine) -> None:
    info = engine.load(LINE.id)
    assert info.warnings == ()
    assert (info.capture, info.language_head, info.max_tokens, info.pairs) == ("full", True, 512, True)
    run, _ = engine.run(RunRequest(LINE.id, "The capital of France is [MASK]."))
    assert {check.name for check in run.model.checks} >= {"recomputed-equals-eager", "logits", "z-equals-the-models"}
    assert all(check.ok for check in (*run.model.checks, *run.checks))


@pytest.mark.parametrize("text", SENSIBLE)
def test_it_fills_in_what_people_would(engine: Engine, text: str) -> None:
    run, _ = engine.run(RunRequest(LINE.id, text))
    position = next(token.index for token in run.tokens["encoder"].items if token.text == "[MASK]")
    answer = logits(run, position)
    assert SENSIBLE[text] in [candidate.text for candidate in answer.candidates[:5]]
    assert all(check.ok for check in answer.checks)


@torch.no_grad()
def test_our_logits_are_transformers_own(engine: Engine, model: BertForMaskedLM, merged: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(merged)
    text = "He opened the [MASK] with a key."
    inputs = tokenizer(text, return_tensors="pt")
    position = inputs.input_ids[0].tolist().index(tokenizer.mask_token_id)
    theirs = model(**inputs).logits[0, position]
    run, _ = engine.run(RunRequest(LINE.id, text))
    ours = logits(run, position, limit=50).candidates
    assert [c.id for c in ours[:5]] == theirs.topk(5).indices.tolist()
    assert [c.logit for c in ours] == pytest.approx([float(theirs[c.id]) for c in ours], abs=2e-3)


def test_the_figure_of_the_card_comes_out_again(model: BertForMaskedLM, merged: Path) -> None:
    """On 160 of the held-out lines of WordNet, about 400 masked words: two standard errors are about five points."""
    lines = [line for line in HELD_OUT.read_text("utf-8").splitlines() if not line.startswith("#")]
    assert len(lines) == 160
    held = encode([Line("wordnet", line, True) for line in lines], AutoTokenizer.from_pretrained(merged))
    score = evaluate(model, held)["wordnet"]
    row = re.search(r"^\| wordnet \| ([\d.]+) \| ([\d.]+)% \| ([\d.]+)% \|", card(), re.MULTILINE)
    assert row is not None
    assert score.count > 300
    assert score.top1 == pytest.approx(float(row[2]) / 100, abs=0.06)
    assert score.top5 == pytest.approx(float(row[3]) / 100, abs=0.07)
    assert score.loss == pytest.approx(float(row[1]), abs=0.4)


def test_the_twenty_sentences_come_out_as_the_card_says(model: BertForMaskedLM, merged: Path) -> None:
    tokenizer = AutoTokenizer.from_pretrained(merged)
    filled = {text: fill(model, tokenizer, text) for text in SENTENCES}
    assert len(filled) == 20
    assert sum(words[0] in SENTENCES[text] for text, words in filled.items()) == int(card("sentences_top1"))
    assert sum(any(w in SENTENCES[text] for w in words) for text, words in filled.items()) == int(
        card("sentences_top5")
    )


def test_removing_it_frees_the_merged_copy(tmp_path: Path) -> None:
    settings = Settings(cache_dir=tmp_path, hub=False)
    locate(LINE.id, settings, silent)
    engine = Engine(settings)
    assert engine.remove(LINE.id) > 80_000_000
    engine.close()
    assert not list((tmp_path / "models").glob("minilm-mlm-*"))
