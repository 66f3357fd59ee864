"""Engine: the one object that the web and the command line talk to. Models, runs, and questions about runs.

Every method blocks and may be called from any thread. A model's work is done on the model's own thread; whoever
waits gives a `cancelled` to be asked, and work that nobody waits for any more stops within one layer.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from typing import TypeVar

import torch

from app.errors import HeadlightError, nobody_waits
from app.models.build import build
from app.models.info import ModelInfo
from app.models.library import Library
from app.models.loaded import LoadedModel
from app.models.memory import trim_memory, warm_memory
from app.models.progress import Cancelled as IsCancelled
from app.models.progress import Progress, Stage, never, silent
from app.models.run import Run, RunRequest, check_price, make_run, read_tokens, run_id
from app.models.secret import installation_secret
from app.models.store import RunStore
from app.models.waiting import Audience, wait_for
from app.models.worker import Urgency, Worker
from app.settings import Settings
from app.tokens.text import clean_text
from app.tokens.token import Tokens
from app.tokens.tokenize import tokenize

T = TypeVar("T")
P = TypeVar("P")
CLOSE_SECONDS = 2.0
FRESH_SECONDS = 10.0
"""How old the last correct pass may be for the engine to count as ready."""


@dataclass(frozen=True, slots=True)
class _Underway:
    audience: Audience
    future: Future[Run]


class Engine:
    """See the module. `close` when done."""

    def __init__(self, settings: Settings) -> None:
        if settings.threads:
            torch.set_num_threads(settings.threads)
        self.settings = settings
        self._secret = installation_secret(settings.cache_dir)
        self._library: Library[LoadedModel] = Library(settings, build, on_evict=self._forget)
        self._store = RunStore(settings.run_budget)
        self._workers: dict[LoadedModel, Worker] = {}
        self._underway: dict[str, _Underway] = {}
        self._lock = threading.RLock()
        self._last_pass = self._last_layer = float("-inf")
        self._passes = 0

    # models

    def models(self) -> list[ModelInfo]:
        """The catalogue, the operator's folders and what the local hub cache holds."""
        return self._library.models()

    def load(self, model_id: str, progress: Progress = silent, cancelled: IsCancelled = never) -> ModelInfo:
        """Load a model, if it is not loaded yet. Raises what is wrong with the id, the files or the model."""
        return self._library.load(model_id, progress, cancelled).info

    def remove(self, model_id: str) -> int:
        """Let a model go and remove its copy from the disk, where it was downloaded or converted: bytes freed."""
        return self._library.remove(model_id)

    def tokenize(self, model_id: str, text: str, pair: str | None = None, cancelled: IsCancelled = never) -> Tokens:
        """The tokens of a text, by a model's own tokenizer."""
        model = self._library.load(model_id, silent, cancelled)
        limit = self.settings.text_limit
        text, pair = clean_text(text, limit), None if pair is None else clean_text(pair, limit, "pair")
        with model.tokenizing:
            return tokenize(model.tokenizer, text, pair)

    # runs

    def run(self, request: RunRequest, cancelled: IsCancelled = never, progress: Progress = silent) -> tuple[Run, bool]:
        """The run of a request, and whether it was computed now or was stored. Equal requests share one pass."""
        model = self._library.load(request.model, progress, cancelled)
        identity = run_id(self._secret, model, request)
        stored = self._store.find(identity)
        if stored is not None:
            return stored, False
        started = time.perf_counter()
        tokens = read_tokens(model, request, self.settings)
        check_price(model, tokens, self.settings)
        seconds = time.perf_counter() - started

        def work(audience: Audience) -> Run:
            def tell(stage: Stage) -> None:
                self._last_layer = time.monotonic()
                audience.tell(stage)

            run = make_run(identity, model, request, tokens, self.settings, seconds, tell, audience.gone)
            with self._lock:
                self._passes += 1
                if all(check.ok for check in run.checks):
                    self._last_pass = time.monotonic()
                if self._library.holds(model):  # or it would keep the weights of a model that was let go
                    self._store.put(run)
            return run

        return wait_for(self._join(identity, model, work, cancelled, progress), cancelled), True

    def get(self, run_id: str) -> Run:
        """A stored run. Raises RunExpired."""
        return self._store.get(run_id)

    def look(self, run: Run, question: Callable[[Run], T], cancelled: IsCancelled = never, long: bool = False) -> T:
        """Ask an analysis about a run, on its model's thread: ahead of passes that wait, or behind them if `long`."""

        def ask() -> T:
            if cancelled():
                raise nobody_waits()
            try:
                with torch.no_grad():
                    return question(run)
            finally:
                if long:
                    trim_memory()

        urgency = Urgency.LONG if long else Urgency.LOOK
        return wait_for(self._worker(run.model).submit(ask, urgency), cancelled)

    def ask(
        self, model_id: str, read: Callable[[LoadedModel], P], work: Callable[[P, IsCancelled], T],
        cancelled: IsCancelled = never, progress: Progress = silent,
    ) -> T:  # fmt: skip
        """Long work that has no stored run: `read` looks at what is asked, in the caller's thread, then `work` is done.

        `work` is given what was read, and a `cancelled` that first does what waits and is more urgent.
        """
        model = self._library.load(model_id, progress, cancelled)
        asked = read(model)
        worker = self._worker(model)

        def between() -> bool:
            worker.give_way()
            return cancelled()

        def do() -> T:
            try:
                return work(asked, between)
            finally:
                trim_memory()

        return wait_for(worker.submit(do, Urgency.LONG), cancelled)

    def giving_way(self, run: Run, cancelled: IsCancelled) -> IsCancelled:
        """A `cancelled` for long work to ask: whenever it does, looks and passes that wait are done first."""
        worker = self._worker(run.model)

        def asked() -> bool:
            worker.give_way()
            return cancelled()

        return asked

    # operations

    def ready(self, wait_seconds: float = 5.0) -> bool:
        """Was a pass right, or a layer of one done, within the last ten seconds? An idle engine makes a tiny one."""
        now = time.monotonic()
        if now - self._last_pass < FRESH_SECONDS or (self._underway and now - self._last_layer < FRESH_SECONDS):
            return True
        model = self._library.any_loaded()
        if model is None:
            return False
        deadline = time.monotonic() + wait_seconds
        try:
            target = "Ready" if model.info.kind == "encoder-decoder" else None  # or it would write an answer
            request = RunRequest(model.info.id, "Ready?", target=target)
            tokens = read_tokens(model, request, self.settings)
            probe = self._worker(model).submit(
                lambda: make_run("ready", model, request, tokens, self.settings, 0.0, silent, never), Urgency.LOOK
            )
            run = wait_for(probe, lambda: time.monotonic() > deadline)
        except HeadlightError:
            return False
        if not all(check.ok for check in run.checks):
            return False
        self._last_pass = time.monotonic()
        return True

    def facts(self) -> Mapping[str, float]:
        """Counts for the metrics: runs stored and their bytes, passes made, jobs waiting, models loaded."""
        runs, size = self._store.sizes()
        with self._lock:
            waiting = sum(worker.waiting for worker in self._workers.values())
            loaded = len(self._workers)
        return {
            "runs_stored": runs, "runs_stored_bytes": size, "runs_evicted": self._store.evicted,
            "passes": self._passes, "jobs_waiting": waiting, "models_working": loaded,
        }  # fmt: skip

    def close(self) -> None:
        """Let every model's thread finish what it has and end; all of them together have CLOSE_SECONDS for it."""
        deadline = time.monotonic() + CLOSE_SECONDS
        with self._lock:
            workers, self._workers = list(self._workers.values()), {}
        for worker in workers:
            worker.close()
        for worker in workers:
            worker.join(max(0.0, deadline - time.monotonic()))

    # how it is done

    def _join(
        self, key: str, model: LoadedModel, work: Callable[[Audience], Run], cancelled: IsCancelled, progress: Progress
    ) -> Future[Run]:
        """Wait with those who wait for the same run already, or begin it."""
        with self._lock:
            underway = self._underway.get(key)
            if underway is not None and underway.audience.join(cancelled, progress):
                return underway.future
            audience = Audience()
            audience.join(cancelled, progress)
            future = self._worker(model).submit(lambda: work(audience), Urgency.RUN)
            entry = self._underway[key] = _Underway(audience, future)
        future.add_done_callback(lambda _: self._done(key, entry))
        return future

    def _done(self, key: str, entry: _Underway) -> None:
        """On the worker's thread, once whoever waited has the run."""
        with self._lock:
            if self._underway.get(key) is entry:
                del self._underway[key]
        if entry.future.exception() is None:
            warm_memory(entry.future.result().bytes)

    def _worker(self, model: LoadedModel) -> Worker:
        with self._lock:
            if model not in self._workers:
                self._workers[model] = Worker(model.info.id, self.settings.queue_limit)
            return self._workers[model]

    def _forget(self, _: str) -> None:
        """The library let a model go: its runs and its thread go too."""
        with self._lock:
            for model in [model for model in self._workers if not self._library.holds(model)]:
                self._store.forget_model(model)
                self._workers.pop(model).close()
