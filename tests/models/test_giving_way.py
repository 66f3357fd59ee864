"""Long questions, once they run, let others go first: those are answered while they are under way, and all are right.

How soon is tried on the real MiniLM, and what comes of it on tiny models, where something is let in at every step.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import fields, is_dataclass
from functools import cache
from itertools import count
from typing import Any

import pytest
import torch
from torch import Tensor

from app.analyses.attention import attention
from app.analyses.compare import compare
from app.analyses.edits import edits
from app.analyses.effects import effects
from app.analyses.head_roles import head_roles
from app.analyses.saliency import saliency
from app.attention.edits import Knockout
from app.models.engine import Engine
from app.models.loaded import LoadedModel
from app.models.progress import Cancelled, Progress, Stage, never, silent
from app.models.run import Run, RunRequest, make_run, read_tokens
from app.settings import Settings
from tests.made import made_model, made_run

TEXT = "The animal did not cross the street because it was too tired. "
Long = Callable[[Run, Progress, Cancelled], object]


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(Settings(hub=False, warm=False, threads=1))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def run(engine: Engine) -> Run:
    return engine.run(RunRequest("minilm", TEXT * 12))[0]


def roles(run: Run, progress: Progress, cancelled: Cancelled) -> object:
    return head_roles(run, progress=progress, cancelled=cancelled)


def comparison(run: Run, progress: Progress, cancelled: Cancelled) -> object:
    return compare(run, run, None, progress, cancelled)


@pytest.mark.real
@pytest.mark.parametrize("long", [roles, comparison])
def test_a_look_is_answered_while_a_long_question_runs(engine: Engine, run: Run, long: Long) -> None:
    """The long one stands still at its first stage until the look waits: so it was running before the look came."""
    order: list[str] = []
    running = threading.Event()

    def progress(stage: Stage) -> None:
        running.set()
        limit = time.monotonic() + 10
        while "look" not in order and engine.facts()["jobs_waiting"] == 0 and time.monotonic() < limit:
            time.sleep(0.001)
        order.append(f"{stage.stage} {stage.done}")

    def ask() -> None:
        way = engine.giving_way(run, lambda: False)
        engine.look(run, lambda run: long(run, progress, way), long=True)
        order.append("answered")

    asking = threading.Thread(target=ask)
    asking.start()
    assert running.wait(10)
    engine.look(run, lambda _: order.append("look"))
    asking.join(60)
    assert order[-1] == "answered"
    assert 1 <= order.index("look") <= 2, f"the look waited for {order.index('look')} stages: {order[:8]}"


SHORT = Settings(hub=False, warm=False, threads=1, answer_limit=5)


class TinyModels:
    """A library that has every tiny model."""

    def load(self, name: str, *_: object) -> LoadedModel:
        return made_model(name)

    def holds(self, _: LoadedModel) -> bool:
        return True


@cache
def long_run(name: str) -> Run:
    return made_run(name, "w7 w8 w9 [MASK] w7 w8", target="w20 w21 w22" if name == "t5" else None)


def others() -> Iterator[str]:
    """Other texts, of other lengths."""
    return (" ".join(f"w{5 + (i * step + 11 * i) % 90}" for step in range(3 + i % 5)) for i in count())


def alone(run: Run) -> Run:
    """The run of the same request on an engine that does nothing else."""
    tokens = read_tokens(run.model, run.request, SHORT)
    return make_run(run.id, run.model, run.request, tokens, SHORT, 0.0, silent, never)


def tensors(answer: Any) -> list[Tensor]:
    """All numbers of an answer, in order."""
    if isinstance(answer, Tensor):
        return [answer.double()]
    if isinstance(answer, int | float):
        return [torch.tensor(float(answer))]
    if is_dataclass(answer):
        answer = [getattr(answer, field.name) for field in fields(answer)]
    parts = answer.values() if isinstance(answer, dict) else answer if isinstance(answer, list | tuple) else ()
    return [found for part in parts for found in tensors(part)]


def same(answer: object, wanted: object) -> bool:
    found, expected = tensors(answer), tensors(wanted)
    assert len(found) == len(expected) > 1
    return all(torch.allclose(a, b, rtol=1e-5, atol=1e-6, equal_nan=True) for a, b in zip(found, expected, strict=True))


def slopes(run: Run, cancelled: Cancelled) -> object:
    return saliency(run, "gradient-x-input", token=23, cancelled=cancelled)


def integral(run: Run, cancelled: Cancelled) -> object:
    return saliency(run, "integrated-gradients", token=23, steps=8, cancelled=cancelled)


def heads(run: Run, cancelled: Cancelled) -> object:
    return effects(run, run.stacks[-1].name, cancelled=cancelled)


def zeroing(run: Run, cancelled: Cancelled) -> object:
    return attention(run, run.stacks[0].name, size=8, lens="value-zeroing", cancelled=cancelled)


def gradient(run: Run, cancelled: Cancelled) -> object:
    return attention(run, run.stacks[-1].name, size=8, lens="gradient", cancelled=cancelled)


def knocked(run: Run, cancelled: Cancelled) -> object:
    asked = [Knockout("token", run.stacks[0].name, key=1), Knockout("head", run.stacks[-1].name, 1, 2)]
    return edits(run, asked, cancelled=cancelled)


Question = Callable[[Run, Cancelled], Any]


@pytest.mark.parametrize("name", ["bert", "llama", "t5"])
@pytest.mark.parametrize("question", [slopes, integral, heads, zeroing, gradient, knocked])
def test_what_is_let_in_and_what_lets_it_in_are_both_right(
    question: Question, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At every step a run of another text, or a look that takes gradients of its own.

    A t5 is given no target, so that its run writes an answer first.
    """
    run, texts = long_run(name), others()
    engine = Engine(SHORT)
    monkeypatch.setattr(engine, "_library", TinyModels())
    runs: list[Future[tuple[Run, bool]]] = []
    looks: list[tuple[Question, Future[Any]]] = []
    let_in = count()
    giving = threading.Lock()
    with ThreadPoolExecutor(8) as pool:

        def cancelled() -> bool:
            assert not giving.locked(), "what was let in came to the long question's recorder"
            turn = next(let_in)
            if turn % 3 == 2:
                asked = (gradient, integral)[turn // 3 % 2]
                looks.append((asked, pool.submit(engine.look, run, lambda run: asked(run, never))))
            else:
                runs.append(pool.submit(engine.run, RunRequest(name, next(texts))))
            limit = time.monotonic() + 10
            while engine.facts()["jobs_waiting"] == 0 and time.monotonic() < limit:
                time.sleep(0.0002)
            with giving:
                return way()

        way = engine.giving_way(run, never)
        try:
            found = engine.look(run, lambda run: question(run, cancelled), long=True)
            made = [future.result(10)[0] for future in runs]
            seen = [(asked, future.result(10)) for asked, future in looks]
        finally:
            engine.close()
    assert len(made) >= 3
    assert seen
    assert same(found, question(run, never))  # its checks too
    for other in made:
        by_itself = alone(other)
        assert [check.name for check in other.checks if not check.ok] == []
        assert other.tokens == by_itself.tokens
        assert other.answer == by_itself.answer
        assert torch.allclose(other.kept.final, by_itself.kept.final, atol=1e-5)
        counts = {stack: len(records) for stack, records in other.kept.layers.items()}
        assert counts == {stack: len(records) for stack, records in by_itself.kept.layers.items()}
        assert not other.kept.final.requires_grad
    for asked, answer in seen:
        assert same(answer, asked(run, never))
