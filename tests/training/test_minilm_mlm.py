"""The training of `minilm-mlm`: masks, the fast path against the plain one, and that it can be broken off."""

from __future__ import annotations

import argparse
import re
from dataclasses import asdict, replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from torch.nn.functional import cross_entropy
from transformers import AutoModelForMaskedLM, AutoTokenizer, BertForMaskedLM

from app.models.sources.adapted import ADAPTER, CONFIG, HEAD, TOKENIZER, merge, write_merged
from training.english import Line
from training.masked_lines import MASK, PAD, VOCAB, Encoded, batches_of, encode, frequencies, mask, pad
from training.masked_model import AtChosen, base_folder, base_model, head_of, merged, new_model, take_over
from training.masked_score import evaluate, fill
from training.minilm_mlm import Plan, gradients, points, rate_at, take_up, train, whole_model
from training.minilm_mlm_card import write_files

pytestmark = [
    pytest.mark.real,
    pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing`:FutureWarning"),
]

TEXTS = (
    "coffee: a beverage consisting of an infusion of ground coffee beans. he ordered a cup of coffee.",
    "The paint in my house is peeling off.",
    "wolf spider: ground spider that hunts its prey instead of using a web.",
    "He asked him, What is your name?",
)
PLAN = Plan(rates=((0, 0.0), (1, 1e-3), (2, 1e-3), (4, 0.0)), batch=8, rank=2)


@pytest.fixture(scope="module")
def data() -> list[Encoded]:
    lines = [Line(source, text, False) for source in ("wordnet", "bible") for text in TEXTS]
    return encode(lines, AutoTokenizer.from_pretrained(base_folder()))


@pytest.fixture
def model(data: list[Encoded]) -> PeftModel:
    """With an adapter that changes something, as after some training."""
    adapted = new_model(0, 4, 2.0, frequencies(data))
    generator = torch.Generator().manual_seed(1)
    with torch.no_grad():
        for name, weight in adapted.named_parameters():
            if "lora_B" in name:
                weight.copy_(0.02 * torch.randn(weight.shape, generator=generator))
    return adapted


def test_masks() -> None:
    ids = torch.randint(1000, VOCAB, (40, 60), generator=torch.Generator().manual_seed(0))
    ids[:, 0], ids[:, 50], ids[:, 51:] = 101, 102, PAD
    batch = mask(ids, 0.2, torch.Generator().manual_seed(3))
    assert not batch.chosen[:, [0, *range(50, 60)]].any(), "neither [CLS], [SEP] nor padding is asked for"
    assert torch.equal(batch.inputs[~batch.chosen], ids[~batch.chosen])
    share = float(batch.chosen.sum()) / (40 * 49)
    became = batch.inputs[batch.chosen]
    masked = float((became == MASK).float().mean())
    stayed = float((became == ids[batch.chosen]).float().mean())
    assert (share, masked, stayed) == pytest.approx((0.2, 0.9, 0.1), abs=0.04)
    always = mask(ids, 0.15, torch.Generator().manual_seed(3), always=True)
    assert bool((always.inputs[always.chosen] == MASK).all())


def test_a_step_is_a_function_of_the_seed_and_its_number(data: list[Encoded]) -> None:
    first, again, other = (batches_of(0, step, 8, 0.2, data) for step in (5, 5, 6))
    assert all(torch.equal(a.inputs, b.inputs) for a, b in zip(first, again, strict=True))
    assert any(
        a.inputs.shape != b.inputs.shape or not torch.equal(a.inputs, b.inputs)
        for a, b in zip(first, other, strict=True)
    )
    lengths = [int((row != PAD).sum()) for batch in first for row in batch.ids]
    assert lengths == sorted(lengths)
    assert len(lengths) == 8


def test_the_rate_goes_from_point_to_point() -> None:
    plan = Plan(rates=points("0:0,10:1e-3,60:1e-3,100:0"))
    rates = [rate_at(plan, step) * 1e3 for step in range(plan.steps)]
    assert rates[:10] == pytest.approx([0.05 + 0.1 * n for n in range(10)])
    assert rates[10:60] == pytest.approx([1.0] * 50)
    assert rates[60:] == pytest.approx([(39.5 - n) / 40 for n in range(40)])


@pytest.mark.parametrize("text", ["", "0:0", "5:0,10:1", "0:0,0:1", "0:0,10:1,5:0", "0:a,1:1", "0,1"])
def test_points_that_are_none(text: str) -> None:
    with pytest.raises((argparse.ArgumentTypeError, ValueError)):
        points(text)


def test_an_adapter_that_was_not_trained_changes_nothing(data: list[Encoded]) -> None:
    adapted = new_model(0, 4, 2.0, frequencies(data))
    plain = dict(base_model(torch.float32).named_parameters())
    weights = merged(adapted)
    assert len(weights) == 6 * 6 + 5, "six maps in each of six layers, and the head"
    assert all(torch.equal(weight, plain[name]) for name, weight in weights.items() if name.startswith("bert."))
    trained = {name for name, weight in adapted.named_parameters() if weight.requires_grad}
    assert {name for name in trained if "lora" not in name} == {f"base_model.model.{name}" for name in head_of(adapted)}
    assert frequencies(data).sum() == pytest.approx(1)


@torch.no_grad()
def test_logits_at_the_chosen_positions_are_those_of_the_whole_model(model: PeftModel, data: list[Encoded]) -> None:
    ids = pad(data[0].tokens)
    batch = mask(ids, 0.3, torch.Generator().manual_seed(0))
    theirs = model(input_ids=batch.inputs, attention_mask=(ids != PAD).long()).logits[batch.chosen]
    assert torch.allclose(AtChosen(whole_model(model))(batch.inputs, batch.chosen), theirs, atol=2e-4)


def test_gradients_are_those_of_pefts_own_pass(model: PeftModel, data: list[Encoded]) -> None:
    batches = batches_of(0, 0, 8, 0.3, data)
    fast = AtChosen(base_model(torch.bfloat16)).requires_grad_(False)
    loss = gradients(model, fast, batches)
    ours = {name: weight.grad.clone() for name, weight in model.named_parameters() if weight.grad is not None}
    model.zero_grad()
    count = sum(int(batch.chosen.sum()) for batch in batches)
    theirs = torch.zeros(())
    for batch in batches:
        logits = model(input_ids=batch.inputs, attention_mask=(batch.ids != PAD).long()).logits[batch.chosen]
        theirs = theirs + cross_entropy(logits, batch.ids[batch.chosen], reduction="sum") / count
    theirs.backward()  # type: ignore[no-untyped-call]
    assert loss == pytest.approx(float(theirs.detach()), rel=0.01)
    for name, weight in model.named_parameters():
        if weight.requires_grad:
            assert weight.grad is not None
            alike = torch.nn.functional.cosine_similarity(ours[name].flatten(), weight.grad.flatten(), dim=0)
            assert float(alike) > 0.97, f"{name}: {float(alike):.3f} (bfloat16 against float32)"


def test_training_lowers_the_loss(tmp_path: Path, data: list[Encoded], capsys: pytest.CaptureFixture[str]) -> None:
    plan = replace(PLAN, rates=points("0:0,1:1e-3,15:1e-3,20:0"))
    train(plan, tmp_path / "state.pt", save_every=10, data=data, held=data)
    losses = [float(loss) for loss in re.findall(r"all: loss (\d+\.\d+)", capsys.readouterr().out)]
    assert len(losses) == 2
    assert losses[1] < losses[0] - 0.3


def test_a_training_that_was_broken_off_goes_on_as_if_it_had_not_been(
    tmp_path: Path, data: list[Encoded], monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = train(PLAN, tmp_path / "whole.pt", 4, data, data)
    real, steps = torch.optim.AdamW.step, []

    def breaks(self: torch.optim.AdamW, *arguments: object) -> object:
        steps.append(1)
        if len(steps) == 4:
            raise KeyboardInterrupt
        return real(self, *arguments)

    monkeypatch.setattr(torch.optim.AdamW, "step", breaks)
    with pytest.raises(KeyboardInterrupt):
        train(PLAN, tmp_path / "broken.pt", 2, data, data)
    monkeypatch.undo()
    again = train(PLAN, tmp_path / "broken.pt", 2, data, data)
    for name, weight in merged(whole).items():
        assert torch.equal(weight, merged(again)[name]), name


def test_a_state_is_only_taken_up_by_its_plan(tmp_path: Path, data: list[Encoded]) -> None:
    state = tmp_path / "state.pt"
    plan = replace(PLAN, rates=points("0:0,1:1e-3,2:0"))
    model = train(plan, state, 1, data, data)
    learned = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(learned)
    longer = replace(plan, rates=points("0:0,1:1e-3,9:0"))
    assert take_up(state, plan, learned, optimizer) == 2
    assert take_up(state, longer, learned, optimizer) == 0, "its second step would have been another"
    assert take_up(state, replace(plan, seed=1), learned, optimizer) == 0
    assert take_up(state, replace(plan, rates=points("0:0,1:1e-3")), learned, optimizer) == 0, "it is past that end"
    torch.save(torch.load(state, weights_only=True) | {"step": 1}, state)
    assert take_up(state, longer, learned, optimizer) == 1, "the future may change"


@torch.no_grad()
def test_what_is_written_is_what_was_trained(tmp_path: Path, model: PeftModel, data: list[Encoded]) -> None:
    tokenizer = AutoTokenizer.from_pretrained(base_folder())
    write_files(tmp_path, model, tokenizer, asdict(PLAN), data, data, None)
    assert {path.name for path in tmp_path.iterdir()} == {ADAPTER, CONFIG, HEAD, "card.md"} | (
        {"README.md"} if (tmp_path / "README.md").exists() else set()
    )
    wanted = merged(model)
    further = new_model(1, 4, 2.0, frequencies(data))
    take_over(further, tmp_path)
    for name, weight in merged(further).items():
        assert torch.allclose(weight, wanted[name], rtol=2e-3, atol=2e-4), name
    shipped = merge(base_folder(), tmp_path)
    for name, weight in wanted.items():
        assert torch.allclose(shipped[name], weight, rtol=2e-3, atol=2e-4), name
    peft_merged = PeftModel.from_pretrained(base_model(torch.float32), str(tmp_path)).merge_and_unload()
    for name, weight in peft_merged.named_parameters():
        if name in wanted and name.startswith("bert."):
            assert torch.allclose(shipped[name], weight, atol=1e-6), name
    folder = tmp_path / "merged"
    folder.mkdir()
    write_merged(base_folder(), tmp_path, folder)
    loaded = AutoModelForMaskedLM.from_pretrained(folder).eval()
    assert isinstance(loaded, BertForMaskedLM)
    assert all((folder / name).exists() for name in TOKENIZER)
    text = "a cup of [MASK]"
    inputs = tokenizer(text, return_tensors="pt")
    best = loaded(**inputs).logits[0, inputs.input_ids[0] == MASK].topk(5).indices[0].tolist()
    assert fill(loaded, tokenizer, text) == tokenizer.convert_ids_to_tokens(best)
    assert evaluate(loaded, data)["all"].count == sum(s.count for k, s in evaluate(loaded, data).items() if k != "all")
