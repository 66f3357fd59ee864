"""The classic probe for induction on the real SmolLM2: random words, and then the same words again."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
import torch

from app.analyses.head_roles import head_roles
from app.analyses.roles_evidence import evidence
from app.models.engine import Engine
from app.models.run import Run, RunRequest
from app.settings import Settings

pytestmark = pytest.mark.real
INDUCT = {(17, 3), (17, 4), (18, 6), (18, 7)}
WORDS = 40


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(Settings(warm=False, hub=False))  # its own cache: converting the model takes longer than the test
    engine.load("smollm2")
    yield engine
    engine.close()


@pytest.fixture(scope="module", params=[0, 1])
def probe(engine: Engine, request: pytest.FixtureRequest) -> Run:
    """Forty random words of one token each, twice."""
    model = engine.run(RunRequest("smollm2", "words"))[0].model
    plain = sorted(
        word for word in model.vocabulary if word.startswith(" ") and word[1:].islower() and word[1:].isascii()
    )
    words = random.Random(request.param).sample([word for word in plain if len(word) > 4 and word[1:].isalpha()], WORDS)
    run, _ = engine.run(RunRequest("smollm2", "".join(words * 2)))
    ids = run.tokens["decoder"].ids
    assert len(ids) == 2 * WORDS
    assert ids[:WORDS] == ids[WORDS:]
    return run


def test_the_induction_heads_come_out_on_top_and_far_from_their_null(engine: Engine, probe: Run) -> None:
    answer = engine.look(probe, head_roles)
    assert [check.name for check in answer.checks if not check.ok] == []
    assert answer.null is not None
    null = answer.null.roles["induction"]
    ranked = sorted(answer.heads, key=lambda head: -(head.induction or 0.0))
    assert {(head.layer, head.head) for head in ranked[:4]} == INDUCT
    for head in ranked[:4]:
        at = head.layer * 9 + head.head
        mean, effect = null.mean[at], head.effect["induction"]
        assert head.induction is not None
        assert mean is not None
        assert effect is not None
        assert head.induction > 0.5
        assert mean < 0.05
        assert effect > 20.0
    middle = torch.tensor([head.induction for head in answer.heads]).median()
    assert float(middle) < 0.05, "most heads do not induct"


def test_a_head_of_position_is_not_taken_for_one_of_identity(engine: Engine, probe: Run) -> None:
    answer = engine.look(probe, head_roles)
    previous = max(answer.heads, key=lambda head: head.previous or 0.0)
    assert previous.previous is not None
    assert previous.previous > 0.7
    assert (previous.effect["previous"] or 0.0) > 20.0
    assert abs(previous.effect["induction"] or 0.0) < 10.0


def test_the_evidence_of_induction_is_the_word_behind_the_first(engine: Engine, probe: Run) -> None:
    found = engine.look(probe, lambda run: evidence(run, None, 17, 4, "induction", limit=10))
    assert found.total == WORDS
    assert {cell.query - cell.key for cell in found.cells} == {WORDS - 1}
    assert all(cell.weight > 0.5 for cell in found.cells)
