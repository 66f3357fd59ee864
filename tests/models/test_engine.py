"""The engine, on the real MiniLM: equal requests share a pass, unwanted work stops, and the queue is bounded."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path

import pytest
import torch

from app.analyses.attention import attention
from app.errors import (
    Busy,
    Cancelled,
    EmptyText,
    ModelUnknown,
    PairUnsupported,
    PassFailed,
    RunExpired,
    TextTooLarge,
    TooManyTokens,
)
from app.models.engine import Engine
from app.models.run import Run, RunRequest
from app.settings import Settings

pytestmark = pytest.mark.real
TEXT = "The animal did not cross the street because it was too tired."


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    engine = Engine(Settings(cache_dir=tmp_path_factory.mktemp("cache"), hub=False, queue_limit=4))
    yield engine
    engine.close()


def test_posting_twice_computes_once(engine: Engine) -> None:
    first, new = engine.run(RunRequest("minilm", TEXT))
    again, new_again = engine.run(RunRequest("minilm", TEXT))
    assert (new, new_again) == (True, False)
    assert again is first
    assert engine.get(first.id) is first
    assert all(check.ok for check in first.checks)
    assert {check.name for check in first.checks} >= {"offsets-rejoin", "z-equals-the-models"}


def test_the_id_depends_on_everything_that_determines_the_run(engine: Engine, tmp_path: Path) -> None:
    requests = [RunRequest("minilm", TEXT), RunRequest("minilm", TEXT + " "), RunRequest("minilm", TEXT, "And yes.")]
    ids = {engine.run(request)[0].id for request in requests}
    assert len(ids) == 3
    other = Engine(Settings(cache_dir=tmp_path, hub=False))
    assert other.run(requests[0])[0].id not in ids, "another installation has another secret"
    other.close()
    again = Engine(Settings(cache_dir=tmp_path, hub=False))
    assert again.run(requests[0])[0].id == other.run(requests[0])[0].id, "the same installation keeps its ids"
    again.close()


def test_many_callers_share_one_pass(engine: Engine) -> None:
    before = engine.facts()["passes"]
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda _: engine.run(RunRequest("minilm", "Shared by many."))[0], range(8)))
    assert len({id(run) for run in runs}) == 1
    assert engine.facts()["passes"] == before + 1


def test_a_pass_that_everybody_left_stops_and_one_that_somebody_waits_for_does_not(engine: Engine) -> None:
    gone = threading.Event()
    gone.set()
    with pytest.raises(Cancelled):
        engine.run(RunRequest("minilm", "Nobody waits for this one."), cancelled=gone.is_set)
    before = engine.facts()["passes"]
    held = threading.Event()
    run = engine.run(RunRequest("minilm", TEXT))[0]
    blocker = ThreadPoolExecutor(1).submit(engine.look, run, lambda _: held.wait(5))
    leaves = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        left = pool.submit(engine.run, RunRequest("minilm", "Two waited."), leaves.is_set)
        stays = pool.submit(engine.run, RunRequest("minilm", "Two waited."))
        time.sleep(0.2)
        leaves.set()
        with pytest.raises(Cancelled):
            left.result(5)
        held.set()
        assert stays.result(5)[1]
    assert blocker.result(5)
    assert engine.facts()["passes"] == before + 1


def test_a_full_queue_refuses_at_once(engine: Engine) -> None:
    run = engine.run(RunRequest("minilm", TEXT))[0]
    held = threading.Event()
    with ThreadPoolExecutor(12) as pool:
        asked = [pool.submit(engine.look, run, lambda _: held.wait(10)) for _ in range(12)]
        time.sleep(0.3)
        held.set()
        outcomes = [future.exception(10) for future in asked]
    refused = [outcome for outcome in outcomes if outcome is not None]
    assert refused
    assert all(isinstance(outcome, Busy) and outcome.retry_after for outcome in refused)
    assert len(refused) == 12 - 1 - 4
    assert engine.look(run, lambda run: attention(run, layer=0, head=0)).values.shape == (1, 1, 15, 15)


def test_looks_go_before_runs(engine: Engine) -> None:
    run = engine.run(RunRequest("minilm", TEXT))[0]
    held, order = threading.Event(), []

    def look(_: Run) -> None:
        order.append("look")

    with ThreadPoolExecutor(3) as pool:
        first = pool.submit(engine.look, run, lambda _: held.wait(5))
        time.sleep(0.1)
        late = pool.submit(lambda: (engine.run(RunRequest("minilm", "A run that waits.")), order.append("run")))
        time.sleep(0.1)
        quick = pool.submit(engine.look, run, look)
        time.sleep(0.1)
        held.set()
        for future in (first, late, quick):
            future.result(5)
    assert order == ["look", "run"]


def test_an_error_in_a_look_reaches_its_caller_and_the_next_look_works(engine: Engine) -> None:
    run = engine.run(RunRequest("minilm", TEXT))[0]
    with pytest.raises(ZeroDivisionError):
        engine.look(run, lambda _: 1 // 0)
    assert engine.look(run, lambda _: 1) == 1


@pytest.mark.parametrize(
    ("asked", "error"),
    [
        (RunRequest("minilm", " \n\t"), EmptyText),
        (RunRequest("minilm", "word " * 600), TooManyTokens),
        (RunRequest("minilm", "x" * 300_000), TextTooLarge),
        (RunRequest("minilm", TEXT, target="Das Tier"), PairUnsupported),
        (RunRequest("no-such-model", TEXT), ModelUnknown),
    ],
    ids=["blank", "long", "huge", "target", "unknown"],
)
def test_what_cannot_be_run_is_refused(engine: Engine, asked: RunRequest, error: type[Exception]) -> None:
    with pytest.raises(error):
        engine.run(asked)


def test_an_evicted_run_has_expired_and_comes_back_when_posted(tmp_path: Path) -> None:
    engine = Engine(Settings(cache_dir=tmp_path, hub=False, run_budget=700_000))
    first = engine.run(RunRequest("minilm", TEXT))[0]
    engine.run(RunRequest("minilm", TEXT + " Indeed."))
    with pytest.raises(RunExpired):
        engine.get(first.id)
    assert engine.run(RunRequest("minilm", TEXT))[0].id == first.id
    assert engine.facts()["runs_evicted"] == 2
    engine.close()


def test_ready_means_a_pass_that_was_right(engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.run(RunRequest("minilm", "Ready soon."))
    assert engine.ready()
    monkeypatch.setattr(engine, "_last_pass", float("-inf"))
    before = len(threading.enumerate())
    assert engine.ready()
    assert len(threading.enumerate()) == before
    fresh = Engine(Settings(cache_dir=tmp_path, hub=False))
    assert not fresh.ready()
    fresh.close()
    monkeypatch.setattr(engine, "_last_pass", float("-inf"))
    monkeypatch.setattr("app.models.engine.make_run", lambda *_: (_ for _ in ()).throw(Cancelled("gone")))
    assert not engine.ready()


def test_words_of_several_tokens_are_grouped(engine: Engine) -> None:
    run = engine.run(RunRequest("minilm", "An unbelievably misunderstood axolotl."))[0]
    words = [token.word for token in run.tokens["encoder"].items]
    assert len(words) > len(set(words)), "some word has several tokens"
    whole = attention(run, layer=2, head=3).values[0, 0]
    grouped = attention(run, layer=2, head=3, group="word")
    edges = grouped.row_edges
    assert edges is not None
    for i, (a, b) in enumerate(pairwise(edges)):
        assert len(set(words[a:b])) == 1
        for j, (c, d) in enumerate(pairwise(edges)):
            assert torch.isclose(grouped.values[0, 0, i, j], whole[a:b, c:d].sum(-1).mean(), atol=1e-6)


def test_a_run_that_ends_after_its_model_was_let_go_is_not_kept(tmp_path: Path) -> None:
    engine = Engine(Settings(cache_dir=tmp_path, hub=False))
    first = engine.run(RunRequest("minilm", TEXT))[0]
    held = threading.Event()
    with ThreadPoolExecutor(2) as pool:
        look = pool.submit(engine.look, first, lambda _: (held.wait(5), engine.remove("minilm")))
        time.sleep(0.1)
        waits = pool.submit(engine.run, RunRequest("minilm", "It waits while the model goes."))
        time.sleep(0.2)
        held.set()
        look.result(5)
        with pytest.raises(Busy, match="let go"):
            waits.result(5)
    assert engine.facts()["runs_stored"] == 0
    with pytest.raises(RunExpired):
        engine.get(first.id)
    again = engine.run(RunRequest("minilm", TEXT))[0]
    assert again.id == first.id
    assert again.model is not first.model
    assert engine.get(first.id) is again
    engine.close()


def test_a_look_at_a_run_whose_model_was_let_go_is_answered(tmp_path: Path) -> None:
    engine = Engine(Settings(cache_dir=tmp_path, hub=False))
    run = engine.run(RunRequest("minilm", TEXT))[0]
    worker = engine._worker(run.model)
    worker.close()
    with pytest.raises(Busy, match="let go"):
        engine.look(run, lambda _: 1)
    engine.close()


def test_all_who_share_a_run_hear_its_progress(engine: Engine) -> None:
    held = threading.Event()
    run = engine.run(RunRequest("minilm", TEXT))[0]
    heard: list[list[int]] = [[], []]
    with ThreadPoolExecutor(3) as pool:
        blocker = pool.submit(engine.look, run, lambda _: held.wait(5))
        time.sleep(0.1)
        for listener in heard:
            pool.submit(
                engine.run,
                RunRequest("minilm", "Heard by two."),
                progress=lambda stage, own=listener: own.append(stage.done),
            )
        time.sleep(0.2)
        held.set()
        assert blocker.result(5)
    assert heard == [[0, 1, 2, 3, 4, 5]] * 2


def test_a_wrong_pass_does_not_make_it_ready(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    from app.checks import at_most
    from app.models import run as runs

    monkeypatch.setattr(engine, "_last_pass", float("-inf"))
    monkeypatch.setattr(runs, "run_checks", lambda *_: (at_most("broken", 2.0, 1.0),))
    engine.run(RunRequest("minilm", "A pass that is wrong."))
    assert not engine.ready()


def test_what_the_models_code_raises_is_said_and_the_next_run_works(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise IndexError("index out of range in self")

    asked = RunRequest("minilm", "A text that breaks it.")
    with monkeypatch.context() as patch:
        patch.setattr("app.models.run.forward", broken)
        with pytest.raises(PassFailed, match="IndexError"):
            engine.run(asked)
    assert engine.run(asked)[1]
