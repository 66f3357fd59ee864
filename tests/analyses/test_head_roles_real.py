"""The classic probes for induction on the real SmolLM2: random words or any random tokens, and then the same again."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence

import pytest
import torch
from transformers import PreTrainedTokenizerBase

from app.analyses.head_roles import head_roles
from app.analyses.roles_evidence import evidence
from app.models.engine import Engine
from app.models.run import Run, RunRequest
from app.settings import Settings

pytestmark = pytest.mark.real
INDUCT = {(17, 3), (17, 4), (18, 6), (18, 7)}
ONCE = 40
"""Tokens of a probe, which are then repeated."""


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(Settings(warm=False, hub=False))  # its own cache: converting the model takes longer than the test
    engine.load("smollm2")
    yield engine
    engine.close()


def words(vocabulary: Sequence[str], seed: int) -> str:
    """Random lowercase words of one token each."""
    plain = sorted(word for word in vocabulary if word.startswith(" ") and word[1:].islower() and word[1:].isascii())
    return "".join(random.Random(seed).sample([w for w in plain if len(w) > 4 and w[1:].isalpha()], ONCE))


def tokens(tokenizer: PreTrainedTokenizerBase, seed: int) -> list[int]:
    """Random ids of the whole vocabulary, of which each next one is drawn until the text, twice, has just these."""
    draw = random.Random(seed)
    ids: list[int] = []
    while len(ids) < ONCE:
        more = [*ids, draw.randrange(len(tokenizer))]
        if more[-1] in ids or more[-1] in tokenizer.all_special_ids:
            continue
        if tokenizer(tokenizer.decode(more * 2, clean_up_tokenization_spaces=False))["input_ids"] == more * 2:
            ids = more
    return ids


@pytest.fixture(scope="module", params=["words 0", "words 1", "tokens 0", "tokens 1"])
def probe(engine: Engine, request: pytest.FixtureRequest) -> Run:
    """Forty random tokens, twice."""
    model = engine.run(RunRequest("smollm2", "words"))[0].model
    kind, seed = request.param.split()
    if kind == "words":
        text = words(model.vocabulary, int(seed)) * 2
    else:
        drawn = tokens(model.tokenizer, int(seed))
        text = model.tokenizer.decode(drawn * 2, clean_up_tokenization_spaces=False)
    run, _ = engine.run(RunRequest("smollm2", text))
    ids = run.tokens["decoder"].ids
    assert len(ids) == 2 * ONCE
    assert ids[:ONCE] == ids[ONCE:]
    assert kind == "words" or ids == drawn * 2
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


def test_the_evidence_of_induction_is_the_token_behind_the_first(engine: Engine, probe: Run) -> None:
    found = engine.look(probe, lambda run: evidence(run, None, 17, 4, "induction", limit=10))
    assert found.total == ONCE
    assert {cell.query - cell.key for cell in found.cells} == {ONCE - 1}
    assert all(cell.weight > 0.5 for cell in found.cells)
