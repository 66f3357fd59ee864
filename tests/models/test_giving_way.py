"""Long questions, once they run, let a look go first: it is answered while they are under way, on the real MiniLM."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import pytest

from app.analyses.compare import compare
from app.analyses.head_roles import head_roles
from app.models.engine import Engine
from app.models.progress import Cancelled, Progress, Stage
from app.models.run import Run, RunRequest
from app.settings import Settings

pytestmark = pytest.mark.real
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
