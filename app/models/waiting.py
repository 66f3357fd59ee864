"""Many callers, one piece of work: it is done once, and stopped when the last of them has gone."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from concurrent.futures import TimeoutError as NotReady
from typing import TypeVar

from app.errors import Cancelled
from app.models.progress import Cancelled as IsCancelled

T = TypeVar("T")
POLL_SECONDS = 0.05
"""How often a waiting caller looks whether its client is still there."""


class Audience:
    """Those who wait for one piece of work. The work asks `gone` now and then, and stops when it is true."""

    def __init__(self) -> None:
        self._members: list[IsCancelled] = []
        self._lock = threading.Lock()
        self._closed = False

    def join(self, cancelled: IsCancelled) -> bool:
        """One more waits. False when the work was given up already, and must be begun anew."""
        with self._lock:
            if not self._closed:
                self._members.append(cancelled)
            return not self._closed

    def gone(self) -> bool:
        """Has every one of them left? Once true it stays so: nobody can join work that is being stopped."""
        with self._lock:
            self._closed = self._closed or all(cancelled() for cancelled in self._members)
            return self._closed


def wait_for(future: Future[T], cancelled: IsCancelled) -> T:
    """The future's result. Raises Cancelled within POLL_SECONDS after `cancelled` says so."""
    while True:
        try:
            return future.result(timeout=POLL_SECONDS)
        except NotReady:
            if future.done():
                return future.result()
            if cancelled():
                raise Cancelled("Nobody waits for the answer any more.", "Ask again.") from None
