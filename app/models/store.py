"""The store of runs: bounded in bytes, the least recently used go first."""

from __future__ import annotations

import threading

from cachetools import LRUCache

from app.errors import RunExpired
from app.models.loaded import LoadedModel
from app.models.run import Run


class RunStore:
    """Thread-safe. A run larger than the whole budget is answered but not kept."""

    def __init__(self, budget: int) -> None:
        self._runs: LRUCache[str, Run] = LRUCache(budget, getsizeof=lambda run: run.bytes)
        self._lock = threading.Lock()
        self.evicted = 0

    def put(self, run: Run) -> None:
        """Keep a run, letting others go for it."""
        with self._lock:
            if run.bytes > self._runs.maxsize:
                return
            before = len(self._runs)
            self._runs[run.id] = run
            self.evicted += before + 1 - len(self._runs)

    def find(self, run_id: str) -> Run | None:
        """The run, or None when it is not stored."""
        with self._lock:
            run: Run | None = self._runs.get(run_id)
            return run

    def get(self, run_id: str) -> Run:
        """The run. Raises RunExpired."""
        run = self.find(run_id)
        if run is None:
            raise RunExpired("This run is not stored any more, or never was.", "Post the same text and model again.")
        return run

    def forget_model(self, model: LoadedModel) -> None:
        """Let go of all runs of a model, so that its weights can go too."""
        with self._lock:
            for run_id in [i for i, run in self._runs.items() if run.model is model]:
                del self._runs[run_id]

    def sizes(self) -> tuple[int, int]:
        """(runs stored, their bytes)."""
        with self._lock:
            return len(self._runs), int(self._runs.currsize)
