"""An engine that computes nothing, so that the web layers can be tested without a model."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.testclient import TestClient

from app.errors import Cancelled, ModelUnknown, RunExpired
from app.models.info import ModelInfo
from app.models.progress import Stage
from app.models.run import RunRequest
from app.server import create_app
from app.settings import Settings
from app.tokens.token import Token, Tokens

HOME = "http://localhost:8000"


def info(model_id: str = "minilm") -> ModelInfo:
    return ModelInfo(
        id=model_id, name=model_id, kind="encoder", architecture="BertModel", layers=1, heads=1, kv_heads=1, head_dim=4,
        hidden=4, vocab=10, max_tokens=512, parameters=100, source="test", revision=None, licence=None, loaded=True,
        capture="full", pairs=True, language_head=False, bytes=400,
    )  # fmt: skip


@dataclass
class FakeModel:
    info: ModelInfo


@dataclass
class FakeRun:
    id: str
    model: FakeModel
    tokens: dict[str, Tokens]
    stacks: tuple[Any, ...] = ()
    milliseconds: dict[str, float] = field(default_factory=dict)
    bytes: int = 0
    checks: tuple[Any, ...] = ()
    warnings: tuple[str, ...] = ()
    answer: str | None = None


@dataclass
class FakeEngine:
    """Cuts texts at spaces. `slow` models take until the client leaves; `broken` ones raise what nobody expects."""

    closed: bool = False
    waiting: threading.Event = field(default_factory=threading.Event)
    cancelled: threading.Event = field(default_factory=threading.Event)
    runs: dict[str, FakeRun] = field(default_factory=dict)

    def models(self) -> list[ModelInfo]:
        return [info()]

    def load(self, model_id: str, progress: Callable[[Stage], None], cancelled: Callable[[], bool]) -> ModelInfo:
        self._check(model_id)
        progress(Stage("open", 0, 2, "opening"))
        if model_id == "slow":
            self._wait(cancelled)
        progress(Stage("open", 2, 2, "opened"))
        if model_id == "late":
            raise ModelUnknown("It went away.", "Take another.")
        return info(model_id)

    def tokenize(self, model_id: str, text: str, pair: str | None, cancelled: Callable[[], bool]) -> Tokens:  # noqa: ARG002
        self._check(model_id)
        words = text.split(" ")
        items = tuple(Token(i, i, word, word, None, None, i, False, 0, 1) for i, word in enumerate(words))
        return Tokens(items, "spaces", len(text), ())

    def run(self, request: RunRequest, cancelled: Callable[[], bool]) -> tuple[FakeRun, bool]:
        if request.model == "slow":
            self._wait(cancelled)
        tokens = self.tokenize(request.model, request.text, request.pair, cancelled)
        key = f"{hash((request.model, request.text)):x}"
        new = key not in self.runs
        self.runs.setdefault(key, FakeRun(key, FakeModel(info(request.model)), {"encoder": tokens}))
        return self.runs[key], new

    def get(self, run: str) -> FakeRun:
        if run not in self.runs:
            raise RunExpired("The run is not stored.", "Post it again.")
        return self.runs[run]

    def look(self, run: FakeRun, question: Callable[[FakeRun], Any], cancelled: Callable[[], bool]) -> Any:
        if run.id == "slow":
            self._wait(cancelled)
        return question(run)

    def ready(self) -> bool:
        return True

    def facts(self) -> dict[str, float]:
        return {"runs_stored": len(self.runs)}

    def close(self) -> None:
        self.closed = True

    def _check(self, model_id: str) -> None:
        if model_id == "broken":
            raise RuntimeError(f"secret {model_id}")
        if model_id not in ("minilm", "slow", "late"):
            raise ModelUnknown("There is no such model.", "See /api/models.")

    def _wait(self, cancelled: Callable[[], bool]) -> None:
        self.waiting.set()
        for _ in range(1000):
            if cancelled():
                self.cancelled.set()
                raise Cancelled("Nobody waits.")
            time.sleep(0.01)


def resolved(engine: Any) -> Future[Any]:
    future: Future[Any] = Future()
    future.set_result(engine)
    return future


@pytest.fixture
def settings(tmp_path) -> Settings:
    return Settings(cache_dir=tmp_path, warm=False, body_limit=4096, receive_timeout=0.5)


@pytest.fixture
def engine() -> FakeEngine:
    return FakeEngine()


@pytest.fixture
def client(settings: Settings, engine: FakeEngine) -> Iterator[TestClient]:
    app = create_app(settings, resolved(engine))
    with TestClient(app, base_url=HOME) as client:
        yield client
