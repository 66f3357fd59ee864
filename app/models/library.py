"""The models in memory: each loaded once however many ask, and the least recently used let go for the next."""

from __future__ import annotations

import gc
import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
from typing import Generic, Protocol, TypeVar

from app.errors import Cancelled as CancelledError
from app.errors import HeadlightError, ModelFailed, ModelRefused
from app.models.checkpoint import Checkpoint
from app.models.ids import parse_id
from app.models.info import ModelInfo
from app.models.listing import offered
from app.models.progress import Cancelled, Progress, Stage, never, silent
from app.models.sources import hub_cache, locate
from app.models.sources.kept import remove_kept
from app.models.waiting import POLL_SECONDS, Audience, wait_for
from app.settings import Settings


class Loaded(Protocol):
    """What the library needs to know of a model: its facts, and the memory it takes."""

    @property
    def info(self) -> ModelInfo: ...

    @property
    def bytes(self) -> int: ...


M = TypeVar("M", bound=Loaded)
Build = Callable[[Checkpoint, Settings, Progress], M]


class Library(Generic[M]):
    """See the module. Safe to use from any thread."""

    def __init__(self, settings: Settings, build: Build[M], on_evict: Callable[[str], None] = lambda _: None) -> None:
        """`build` makes a model of a checkpoint; `on_evict` is told the id of each model that was let go."""
        self._settings = settings
        self._build = build
        self._on_evict = on_evict
        self._models: OrderedDict[str, M] = OrderedDict()  # the least recently used first
        self._same: dict[str, str] = {}  # another id of a model that is in memory -> the id that it is kept under
        self._loading: dict[str, _Load[M]] = {}
        self._lock = threading.Lock()
        self._building = threading.Lock()  # models are built one after the other, so that the budget holds

    def load(self, model_id: str, progress: Progress | None = None, cancelled: Cancelled | None = None) -> M:
        """The model, loaded if need be; whoever asks meanwhile waits for the same load and hears its progress.

        Raises Cancelled when `cancelled` says so (the load goes on while others wait for it), and whatever is wrong
        with the id, the files or the model. A load that failed is forgotten: the next call tries again.
        """
        key = str(parse_id(model_id))
        cancelled = cancelled or never
        thread = None
        with self._lock:
            kept = self._same.get(key, key)
            model = self._models.get(kept)
            if model is not None:
                self._models.move_to_end(kept)
                return model
            load = self._loading.get(key)
            if load is None or not load.audience.join(cancelled, progress or silent):
                load = self._loading[key] = _Load()
                load.audience.join(cancelled, progress or silent)
                thread = threading.Thread(target=self._run, args=(key, load), name=f"load-{key}", daemon=True)
        if thread is not None:
            thread.start()
        return wait_for(load.future, cancelled)

    def loaded(self, model_id: str) -> M | None:
        """The model if it is in memory. Does not count as a use."""
        with self._lock:
            return self._models.get(model_id)

    def holds(self, model: M) -> bool:
        """Is this very model in memory, and not another that was loaded after it under the same name?"""
        with self._lock:
            return any(held is model for held in self._models.values())

    def any_loaded(self) -> M | None:
        """The model that was used last, if any is in memory. Does not count as a use."""
        with self._lock:
            return next(reversed(self._models.values()), None)

    def models(self) -> list[ModelInfo]:
        """All that can be loaded by name here: what is loaded with its measured facts, the rest as its files say."""
        with self._lock:
            loaded = {key: model.info for key, model in self._models.items()}
        listed = [
            replace(loaded.pop(info.id), name=info.name, note=info.note, loaded=True) if info.id in loaded else info
            for info in offered(self._settings)
        ]
        return listed + [replace(info, loaded=True) for info in loaded.values()]

    def remove(self, model_id: str) -> int:
        """Lets the model go, and removes its converted copy or its hub snapshot from the disk. Answers in bytes freed.

        Packages and the operator's folders are left alone.
        """
        parsed = parse_id(model_id)
        with self._lock:
            gone = [str(parsed)] if self._models.pop(str(parsed), None) is not None else []
        self._tell(gone)
        if parsed.org is not None:
            return hub_cache.remove(parsed.repo, parsed.revision)
        return remove_kept(parsed.name, self._settings)

    def _run(self, key: str, load: _Load[M]) -> None:
        """The load itself, on a thread of its own."""
        try:
            model = self._make(key, load)
        except BaseException as exc:
            self._finish(key, load)
            load.future.set_exception(exc)
        else:
            self._finish(key, load)
            load.future.set_result(model)

    def _make(self, key: str, load: _Load[M]) -> M:
        checkpoint = locate(key, self._settings, load.report, load.audience.gone)
        while not self._building.acquire(timeout=POLL_SECONDS):
            load.report(Stage("wait", 0, 1, "Waiting for another model to be loaded"))
        try:
            with self._lock:
                model = self._models.get(key) or self._of_same_commit(key, checkpoint)
            if model is not None:
                return model
            self._make_room(checkpoint.memory_bytes)
            model = self._build(checkpoint, self._settings, load.report)
            self._make_room(model.bytes)
            with self._lock:
                self._models[key] = model
            return model
        except HeadlightError:
            raise
        except MemoryError as exc:
            raise ModelFailed("There is not enough memory for this model.", "Take a smaller one.") from exc
        finally:
            self._building.release()

    def _of_same_commit(self, key: str, checkpoint: Checkpoint) -> M | None:
        """org/name, org/name@main and org/name@commit may be one model: it is in memory once. Called with the lock."""
        asked = parse_id(key)
        self._same = {other: kept for other, kept in self._same.items() if kept in self._models}
        for kept, model in self._models.items():
            held = parse_id(kept)
            if asked.org is not None and held.repo == asked.repo and model.info.revision == checkpoint.revision:
                self._same[key] = kept
                return model
        return None

    def _make_room(self, size: int) -> None:
        """Lets models go, the least recently used first, until `size` bytes more are within the budget."""
        budget = self._settings.model_budget
        if size > budget:
            raise ModelRefused(
                f"The model needs {size} bytes, and all models together have {budget}.",
                "Take a smaller one, or ask the operator to raise HEADLIGHT_MODEL_BUDGET.",
            )
        gone: list[str] = []
        with self._lock:
            while self._models and sum(model.bytes for model in self._models.values()) + size > budget:
                gone.append(self._models.popitem(last=False)[0])
        self._tell(gone)

    def _tell(self, gone: list[str]) -> None:
        for key in gone:
            self._on_evict(key)
        if gone:
            gc.collect()  # modules refer to each other in circles

    def _finish(self, key: str, load: _Load[M]) -> None:
        with self._lock:
            if self._loading.get(key) is load:
                del self._loading[key]


class _Load(Generic[M]):
    """A load under way, and those who wait for it and hear how far it is."""

    def __init__(self) -> None:
        self.audience = Audience()
        self.future: Future[M] = Future()

    def report(self, stage: Stage) -> None:
        """Tells everybody. Raises Cancelled when nobody waits any more: here the load stops between two stages."""
        if self.audience.gone():
            raise CancelledError("The load was given up: nobody was waiting for it.")
        self.audience.tell(stage)
