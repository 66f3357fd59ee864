"""A number that is none (NaN) fails the checks of an analysis, and is not told as 0."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from app.analyses.attention import attention
from app.analyses.compare import compare
from app.analyses.disagreement import disagreement
from app.analyses.edits import edits
from app.analyses.logits import logits
from app.analyses.neuron import neuron
from app.analyses.roles_evidence import evidence
from app.attention.edits import Knockout
from app.checks import Check
from app.models.run import Run
from tests.made import made_run

LAYER, HEAD, QUERY = 1, 2, 5


def spoiled(name: str) -> Run:
    """A decoder's run in which one query of one head is NaN, and with it the query's row of probabilities."""
    run = made_run(name)
    records = list(run.records("decoder"))
    asked = records[LAYER].q
    assert asked is not None
    q = asked.clone()
    q[0, HEAD, QUERY] = torch.nan
    records[LAYER] = replace(records[LAYER], q=q)
    return replace(run, kept=replace(run.kept, layers={**run.kept.layers, "decoder": tuple(records)}))


def failed(checks: Sequence[Check]) -> list[str]:
    return [check.name for check in checks if not check.ok]


def test_side_by_side() -> None:
    found = compare(made_run("llama"), spoiled("llama"))
    assert failed(found.checks) == ["paired-rows-sum-to-1", "divergence-at-most-1-bit"]
    *others, last = found.heads
    assert (last.layer, last.head) == (LAYER, HEAD)
    assert math.isnan(last.divergence)
    assert not any(math.isnan(head.divergence) for head in others)


@pytest.mark.parametrize("lenses", [("raw", "norm"), ("raw", "no-sink"), ("norm", "raw")])
def test_between_lenses(lenses: tuple[str, str]) -> None:
    found = disagreement(spoiled("llama"), lenses=lenses)
    assert "shares-sum-to-1" in failed(found.checks)
    assert failed(disagreement(made_run("llama"), lenses=lenses).checks) == []


@pytest.mark.parametrize("found", [(0.02, math.nan, 1e-6), (math.nan, 0.02, 1e-6)])
def test_a_derivative(monkeypatch: pytest.MonkeyPatch, found: tuple[float, float, float]) -> None:
    monkeypatch.setattr("app.analyses.lenses.gradient.directional_derivative", lambda *_: found)
    answer = attention(made_run("llama"), layer=0, lens="gradient")
    assert failed(answer.checks) == ["derivative-equals-a-difference"]


def test_an_edited_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    from app.analyses import edits as module

    made = module.edited_pass

    def spoil(*given: object) -> object:
        found = made(*given)  # type: ignore[arg-type]
        return replace(found, final=torch.full_like(found.final, torch.nan))

    monkeypatch.setattr(module, "edited_pass", spoil)
    found = edits(made_run("llama"), [Knockout("head", "decoder", 0, 0)])
    assert math.isnan(found.kl)
    assert failed(found.checks) == ["kl-is-not-negative", "softmax-sums-to-1", "largest-logit"]


def test_the_evidence_of_a_role() -> None:
    found = evidence(spoiled("llama"), None, LAYER, HEAD, "previous")
    assert failed(found.checks) == ["rows-sum-to-at-most-1"]


def test_the_share_of_a_learned_sink() -> None:
    found = neuron(spoiled("gpt_oss"), None, LAYER, HEAD, QUERY)
    assert found.sink is not None
    assert math.isnan(found.sink)


def test_the_entropy_of_a_prediction() -> None:
    run = made_run("llama")
    broken = replace(run, kept=replace(run.kept, final=torch.full_like(run.kept.final, torch.nan)))
    found = logits(broken)
    assert math.isnan(found.entropy)
    assert failed(found.checks) == ["softmax-sums-to-1", "kept-sums-to-1", "largest-logit"]
