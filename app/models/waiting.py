"""Many callers, one piece of work: it is done once, and stopped when the last of them has gone."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotReady
from contextlib import suppress
from typing import TypeVar

from app.errors import nobody_waits
from app.models.progress import Cancelled as IsCancelled
from app.models.progress import Progress, Stage, silent

T = TypeVar("T")
POLL_SECONDS = 0.05
"""How often a waiting caller looks whether its client is still there."""


class Audience:
    """Those who wait for one piece of work, which tells them its stages and stops when they are `gone`."""

    def __init__(self) -> None:
        self._members: list[tuple[IsCancelled, Progress]] = []
        self._lock = threading.Lock()
        self._telling = threading.Lock()  # so that everybody hears the stages in order
        self._last: Stage | None = None
        self._closed = False

    def join(self, cancelled: IsCancelled, progress: Progress = silent) -> bool:
        """One more waits, and hears where the work is. False when it was given up already, and must be begun anew."""
        with self._telling:
            with self._lock:
                if self._closed:
                    return False
                self._members.append((cancelled, progress))
            if self._last is not None:
                with suppress(Exception):
                    progress(self._last)
            return True

    def gone(self) -> bool:
        """Has every one of them left? Once true it stays so: nobody can join work that is being stopped."""
        with self._lock:
            self._closed = self._closed or all(cancelled() for cancelled, _ in self._members)
            return self._closed

    def tell(self, stage: Stage) -> None:
        """Everybody who still waits hears of the stage; one whose `progress` fails harms nobody else."""
        with self._telling:
            if stage == self._last:
                return
            self._last = stage
            with self._lock:
                members = list(self._members)
            for cancelled, progress in members:
                if not cancelled():
                    with suppress(Exception):
                        progress(stage)


def wait_for(future: Future[T], cancelled: IsCancelled) -> T:
    """The future's result. Raises Cancelled within POLL_SECONDS after `cancelled` says so."""
    while True:
        try:
            return future.result(timeout=POLL_SECONDS)
        except NotReady:
            if future.done():
                return future.result()
            if cancelled():
                raise nobody_waits() from None
