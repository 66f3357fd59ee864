"""Saliency against autograd by hand: transformers alone, given embeddings in the place of ids."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from app.analyses.saliency import saliency
from app.errors import Cancelled, NoLanguageHead, NotApplicable, OutOfRange
from app.models import backend
from app.models.run import Run, inputs_of
from tests.made import TEXT, made_run

NAMES = (
    "bert", "roberta", "distilbert", "modernbert", "gpt2", "gpt_neox", "opt", "llama", "gemma2", "gemma3", "gpt_oss",
    "t5", "bart", "deberta_v2", "gptj",
)  # fmt: skip
LIMIT = 2e-4


def run_of(name: str) -> Run:
    masked = "w7 w8 w9 [MASK] w7 w8 w9 w11 w12 w7"
    return made_run(name, masked, target="w20 w21 w22 w23" if name in ("t5", "bart") else None)


def by_hand(run: Run, position: int, token: int, against: int | None, ends: tuple[str, ...], points: Tensor) -> Any:
    """(L at each point [P], its gradient by the embeddings times their way [P, N]) through `inputs_embeds`."""
    theirs: Any = run.model.network.model
    inputs = inputs_of(run.model, run.tokens)
    ids = {"inputs_embeds": inputs.pop("input_ids")}
    tables = {"inputs_embeds": theirs.get_input_embeddings()}
    if "decoder_input_ids" in inputs:
        ids["decoder_inputs_embeds"] = inputs.pop("decoder_input_ids")
        tables = {"inputs_embeds": theirs.get_encoder().get_input_embeddings()}
        tables["decoder_inputs_embeds"] = theirs.get_decoder().get_input_embeddings()
    real = {name: tables[name](part) for name, part in ids.items()}
    whole = {name: table(torch.arange(99)[None])[0] for name, table in tables.items()}
    mean = ends == ("mean",)
    start = {name: (whole[name].mean(0) if mean else torch.zeros(())).expand_as(t) for name, t in real.items()}
    if run.model.network.capture == "full":
        theirs.set_attn_implementation("eager")
    try:
        values, slopes = [], []
        for some in torch.split(points, 100):
            part = some[:, None, None]
            leaves = {
                name: (start[name] + part * (t - start[name])).detach().requires_grad_() for name, t in real.items()
            }
            others = {name: t.expand(len(some), -1) for name, t in inputs.items()}
            logits = theirs(**others, **leaves).logits[:, position].double()
            aim = logits.log_softmax(-1)[:, token] if against is None else logits[:, token] - logits[:, against]
            found = torch.autograd.grad(aim.sum(), list(leaves.values()))
            values.append(aim.detach())
            parts = zip(found, real, strict=True)
            slopes.append(torch.cat([(g * (real[name] - start[name])).sum(-1) for g, name in parts], 1).double())
    finally:
        if run.model.network.capture == "full":
            theirs.set_attn_implementation(backend.NAME)
    return torch.cat(values), torch.cat(slopes)


def where(run: Run) -> int:
    return 4 if "decoder" not in run.tokens else len(run.tokens["decoder"]) - 1


def joined(found: Any) -> Tensor:
    return torch.cat([found.tokens[name] for name in ("encoder", "decoder") if name in found.tokens]).double()


@pytest.mark.parametrize("against", [None, 40])
@pytest.mark.parametrize("name", NAMES)
def test_gradient_times_input(name: str, against: int | None) -> None:
    run = run_of(name)
    found = saliency(run, "gradient-x-input", where(run), 23, against)
    values, slopes = by_hand(run, where(run), 23, against, (), torch.tensor([0.0, 1.0]))
    difference = float((joined(found) - slopes[1]).abs().max())
    assert difference <= LIMIT * max(1.0, float(slopes[1].abs().max())), f"{difference:.2g}"
    assert [found.baseline, found.value] == pytest.approx(values.tolist(), abs=LIMIT)
    assert found.gap == pytest.approx(float(slopes[1].sum() - values[1] + values[0]), abs=LIMIT * 10)
    assert [check.name for check in found.checks if not check.ok] == []
    assert {name: len(part) for name, part in found.tokens.items()} == {n: len(t) for n, t in run.tokens.items()}


@pytest.mark.parametrize("name", ["bert", "roberta", "modernbert", "gpt2", "opt", "llama", "t5", "bart", "deberta_v2"])
def test_integrated_gradients(name: str) -> None:
    """Against 1,500 equal steps; ours are few, and put where they are needed."""
    run = run_of(name)
    found = saliency(run, "integrated-gradients", where(run), 23, 40, steps=256)
    count = 1500
    _, slopes = by_hand(run, where(run), 23, 40, ("mean",), (torch.arange(count) + 0.5) / count)
    values, _ = by_hand(run, where(run), 23, 40, ("mean",), torch.tensor([0.0, 1.0]))
    wanted = slopes.mean(0)
    largest = max(0.1, float(wanted.abs().max()))
    difference = float((joined(found) - wanted).abs().max()) / largest
    assert difference <= 0.05, f"{difference:.2g}"
    assert found.value - found.baseline == pytest.approx(float(values[1] - values[0]), abs=LIMIT)
    assert [check.name for check in found.checks if not check.ok] == []
    assert abs(found.gap) <= 0.05 * max(0.5, abs(found.value - found.baseline))
    assert found.steps <= 256


def test_too_few_steps_are_said_to_be_too_few() -> None:
    run = made_run("llama")
    found = saliency(run, "integrated-gradients", 9, 23, 40, steps=8)
    failed = [check.name for check in found.checks if not check.ok]
    assert failed == ["scores-sum-to-the-change"]
    assert len(found.warnings) == 1
    assert abs(found.gap) > 1e-4
    more = saliency(run, "integrated-gradients", 9, 23, 40, steps=256)
    assert abs(more.gap) < abs(found.gap)


def test_an_encoder_decoders_encoder_has_scores_too() -> None:
    found = saliency(run_of("t5"), "gradient-x-input", 2, 23)
    assert float(found.tokens["encoder"].abs().min()) > 0
    assert float(found.tokens["decoder"][:3].abs().min()) > 0
    assert found.tokens["decoder"][3:].tolist() == [0.0]  # what comes later has no part in it


def test_the_answer_does_not_depend_on_the_size_of_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.models import input_gradients

    run = made_run("llama")
    one = saliency(run, "integrated-gradients", 9, 23, steps=32)
    monkeypatch.setattr(input_gradients, "BATCH_CELLS", 1)
    other = saliency(run, "integrated-gradients", 9, 23, steps=32)
    assert float((one.tokens["decoder"] - other.tokens["decoder"]).abs().max()) <= 1e-4


def test_it_stops_within_a_block_on_the_way_there_and_back() -> None:
    run = made_run("llama", TEXT)
    asked = 0

    def later(after: int) -> Any:
        def gone() -> bool:
            nonlocal asked
            asked += 1
            return asked > after

        return gone

    saliency(run, "integrated-gradients", 9)  # what a model is asked once is asked now
    saliency(run, "integrated-gradients", 9, cancelled=later(10_000))
    whole = asked
    assert whole > 20
    for after in range(0, whole, 3):
        asked = 0
        with pytest.raises(Cancelled):
            saliency(run, "integrated-gradients", 9, cancelled=later(after))
        assert asked == after + 1
    assert saliency(run, "gradient-x-input", 9).checks[0].ok


def test_the_vocabularys_mean_is_made_once_for_a_model_and_stops_between_its_blocks(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from dataclasses import replace

    from app.models import input_gradients
    from tests.made import made_model

    monkeypatch.setattr(input_gradients, "IDS_AT_ONCE", 10)
    run = made_run("llama", model=replace(made_model("llama"), means=input_gradients.Means()))
    asked: list[int] = []

    def asks(most: int = 10_000) -> Any:
        asked.clear()
        return lambda: bool(asked.append(1)) or len(asked) > most

    with pytest.raises(Cancelled):
        saliency(run, "integrated-gradients", 9, 23, steps=8, cancelled=asks(5))
    assert len(asked) == 6
    first = saliency(run, "integrated-gradients", 9, 23, steps=8, cancelled=asks())
    whole = len(asked)
    again = saliency(run, "integrated-gradients", 9, 23, steps=8, cancelled=asks())
    assert len(asked) == whole - 10, "99 ids are ten blocks"
    assert torch.equal(first.tokens["decoder"], again.tokens["decoder"])


def test_it_leaves_no_trace() -> None:
    run = made_run("llama")
    saliency(run, "gradient-x-input", 9)
    network: Any = run.model.network
    assert not any(parameter.requires_grad or parameter.grad is not None for parameter in network.model.parameters())
    assert not network.model.get_input_embeddings()._forward_hooks
    assert all("forward" not in vars(module) for module in network.model.modules())


def test_bad_input() -> None:
    run = made_run("llama")
    for arguments in ({"position": 10}, {"token": 99}, {"against": 99}, {"steps": 7}, {"steps": 513}):
        with pytest.raises(OutOfRange):
            saliency(run, "integrated-gradients", **arguments)
    with pytest.raises(NotApplicable, match="mask"):
        saliency(made_run("bert"), "gradient-x-input", 1)
    with pytest.raises(NotApplicable, match="unusual"):
        saliency(made_run("xlnet", "w7 [MASK]"), "gradient-x-input")


def test_a_model_without_a_head_says_so() -> None:
    from dataclasses import replace

    from tests.made import made_model

    bare = replace(made_model("llama"), info=replace(made_model("llama").info, language_head=False))
    with pytest.raises(NoLanguageHead):
        saliency(made_run("llama", model=bare), "gradient-x-input")
