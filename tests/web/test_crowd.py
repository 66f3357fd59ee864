"""More callers than there are places: what is refused, what is not, and answers that many share."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.errors import Busy
from app.models.info import ModelInfo
from app.server import create_app
from app.settings import Settings
from app.web.crowd import Line, Shared
from tests.web.conftest import HOME, FakeEngine, FakeModel, FakeRun, info, resolved

LOOK = "/api/runs/r/logits?position=0"


@dataclass
class Crowded(FakeEngine):
    """Looks at its one run, `r`, last until `go` is set. Lists are counted, and hold what was loaded."""

    go: threading.Event = field(default_factory=threading.Event)
    looking: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))
    lists: int = 0
    held: list[str] = field(default_factory=lambda: ["minilm"])

    def __post_init__(self) -> None:
        self.runs["r"] = FakeRun("r", FakeModel(info()), {})

    def look(self, run: FakeRun, question: Callable[[FakeRun], Any], cancelled: Callable[[], bool]) -> Any:  # noqa: ARG002
        self.looking.release()
        assert self.go.wait(20)
        raise Busy("Enough.", "Go.")

    def models(self) -> list[ModelInfo]:
        self.lists += 1
        return [info(name) for name in self.held]

    def load(self, model_id: str, progress: Any, cancelled: Any) -> ModelInfo:
        made = super().load(model_id, progress, cancelled)
        self.held.append(model_id)
        return made

    def run(self, request: Any, cancelled: Any) -> tuple[FakeRun, bool]:
        self.held.append(request.model)
        return super().run(request, cancelled)


@pytest.fixture
def crowded(tmp_path) -> Iterator[tuple[TestClient, Crowded]]:
    engine = Crowded()
    settings = Settings(cache_dir=tmp_path, warm=False, look_limit=3, job_limit=2)
    with TestClient(create_app(settings, resolved(engine)), base_url=HOME) as client:
        yield client, engine
        engine.go.set()


def test_looks_beyond_the_limit_are_refused_and_the_rest_of_the_server_answers(
    crowded: tuple[TestClient, Crowded],
) -> None:
    client, engine = crowded
    with ThreadPoolExecutor(3) as pool:
        waiting = [pool.submit(client.get, LOOK) for _ in range(3)]
        assert all(engine.looking.acquire(timeout=10) for _ in range(3))
        refused = client.get(LOOK)
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert refused.headers["retry-after"] == "2"
        for path in ("/", "/api/models", "/api/ready", "/api/limits", "/metrics", "/static/plotly.min.js"):
            assert client.get(path).status_code == 200, path
        assert client.post("/api/runs", json={"model": "minilm", "text": "a"}).status_code == 201
        engine.go.set()
        assert {answer.result().json()["detail"] for answer in waiting} == {"Enough."}
    assert client.get("/api/runs/r").status_code == 200, "places are given back"


@pytest.mark.parametrize(
    ("path", "body"), [("/api/runs", {"model": "minilm", "text": "a"}), ("/api/models/load", {"model": "minilm"})]
)
def test_jobs_beyond_the_limit_are_refused_while_the_engine_starts(tmp_path, path: str, body: dict[str, str]) -> None:
    engine: Future[Any] = Future()
    app = create_app(Settings(cache_dir=tmp_path, warm=False, job_limit=2), engine)
    with TestClient(app, base_url=HOME) as client, ThreadPoolExecutor(2) as pool:
        waiting = [pool.submit(client.post, path, json=body) for _ in range(2)]
        deadline = time.monotonic() + 10
        while app.state.service.jobs.inside < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        refused = client.post(path, json=body)
        assert (refused.status_code, refused.json()["code"]) == (503, "busy")
        assert refused.headers["retry-after"] == "2"
        engine.set_result(FakeEngine())
        assert all(answer.result().status_code in (200, 201) for answer in waiting)
        assert client.post(path, json=body).status_code == 200


def test_a_list_of_models_is_kept_until_something_is_loaded(crowded: tuple[TestClient, Crowded]) -> None:
    client, engine = crowded

    def ids() -> list[str]:
        return [model["id"] for model in client.get("/api/models").json()["models"]]

    for _ in range(5):
        assert ids() == ["minilm"]
        assert client.get("/").status_code == 200
    assert engine.lists == 1
    client.post("/api/models/load", json={"model": "late"})
    client.post("/api/models/load", json={"model": "minilm"})
    assert ids() == ["minilm", "minilm"]
    client.post("/api/runs", json={"model": "minilm", "text": "a"})
    assert ids() == ["minilm", "minilm", "minilm"]
    assert engine.lists == 3


def test_a_line_gives_its_places_back() -> None:
    line = Line(1)
    with line.place(), pytest.raises(Busy), line.place():
        raise AssertionError
    with pytest.raises(ZeroDivisionError), line.place():
        raise ZeroDivisionError
    with line.place():
        assert line.inside == 1
    assert line.inside == 0


def shared(seconds: float, fails: int = 0) -> tuple[Shared[int], list[int]]:
    """An answer that counts how often it was made, and fails the first times."""
    made: list[int] = []

    async def make() -> int:
        made.append(mine := len(made) + 1)
        await asyncio.sleep(0.01)
        if mine <= fails:
            raise Busy("Not now.")
        return mine

    return Shared(make, seconds), made


def test_a_shared_answer_is_made_once_for_all_who_ask_meanwhile() -> None:
    async def story() -> None:
        answer, made = shared(0.0)
        assert await asyncio.gather(*(answer.get() for _ in range(9))) == [1] * 9
        assert await answer.get() == 2
        leaver = asyncio.create_task(answer.get())
        stayer = asyncio.create_task(answer.get())
        await asyncio.sleep(0.001)
        leaver.cancel()
        assert await stayer == 3
        assert len(made) == 3

    asyncio.run(story())


def test_a_shared_answer_is_kept_for_a_while_and_a_failure_is_not() -> None:
    async def story() -> None:
        answer, _ = shared(0.05, fails=1)
        with pytest.raises(Busy):
            await answer.get()
        assert [await answer.get(), await answer.get()] == [2, 2]
        await asyncio.sleep(0.06)
        assert await answer.get() == 3
        old = asyncio.create_task(answer.get())
        answer.forget()
        assert await answer.get() == 4
        assert await old == 4
        answer.forget()
        early = asyncio.create_task(answer.get())
        await asyncio.sleep(0.001)
        answer.forget()
        assert await answer.get() == 6, "what was begun before the change is not kept"
        assert await early == 5

    asyncio.run(story())
