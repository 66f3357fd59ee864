"""One thread per model does all of its work, in order of urgency: looks first, then runs, then long jobs.

torch's kernels use every core by themselves, so two passes at once only slow each other down. The queue is
bounded: what does not fit is refused at once (Busy), instead of being late.
"""

from __future__ import annotations

import contextvars
import itertools
import queue
import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextlib import suppress
from enum import IntEnum
from typing import Any, TypeVar

import torch

from app.errors import Busy

T = TypeVar("T")


class Urgency(IntEnum):
    """What goes first."""

    LOOK = 0
    RUN = 1
    LONG = 2
    STOP = 3


class Worker:
    """A thread and its queue."""

    def __init__(self, name: str, limit: int) -> None:
        self._queue: queue.PriorityQueue[tuple[int, int, Future[Any] | None, Callable[[], Any] | None]]
        self._queue = queue.PriorityQueue(limit)
        self._order = itertools.count()
        self._closed = False
        self._lock = threading.Lock()
        self._thread = threading.Thread(target=self._work, name=f"model {name}", daemon=True)
        self._thread.start()

    @property
    def waiting(self) -> int:
        """Jobs that have not begun."""
        return self._queue.qsize()

    def submit(self, job: Callable[[], T], urgency: Urgency) -> Future[T]:
        """Queue a job. A future cancelled before its turn is skipped. Raises Busy when the queue is full or closed."""
        future: Future[T] = Future()
        try:
            with self._lock:
                if self._closed:
                    raise _let_go()
                self._queue.put_nowait((urgency, next(self._order), future, job))
        except queue.Full as exc:
            raise Busy(
                "Too many requests are waiting for this model.", "Try again in a moment.", retry_after=2
            ) from exc
        return future

    def give_way(self) -> None:
        """Called by a long job every now and then, on this thread: do first whatever is more urgent.

        What is let in finds nothing of the long job's: neither its recorder, nor whether it takes gradients just now.
        """
        while True:
            with self._lock:  # closing takes from this queue too
                if self._closed or not self._queue.queue or self._queue.queue[0][0] >= Urgency.LONG:
                    return
                _, _, future, job = self._queue.get_nowait()
            if future is not None and job is not None:
                with torch.enable_grad():  # as a thread begins
                    contextvars.Context().run(_do, future, job)
            del future, job

    def close(self) -> None:
        """Stop after the job that is being done. Those that wait are told to ask again; never blocks."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            with suppress(queue.Empty):
                while True:
                    _, _, future, _ = self._queue.get_nowait()
                    if future is not None and future.set_running_or_notify_cancel():
                        future.set_exception(_let_go())
            self._queue.put_nowait((Urgency.STOP, next(self._order), None, None))

    def join(self, seconds: float) -> None:
        """Wait for the thread to end, after `close`: a process that ends while torch computes is aborted."""
        if self._thread is not threading.current_thread():
            self._thread.join(seconds)

    def _work(self) -> None:
        while True:
            _, _, future, job = self._queue.get()
            if future is None or job is None:
                return
            _do(future, job)
            del future, job  # or the last answer stays in memory until the next job


def _let_go() -> Busy:
    return Busy("The model was let go just now.", "Ask again: it is loaded anew.", retry_after=1)


def _do(future: Future[Any], job: Callable[[], Any]) -> None:
    if not future.set_running_or_notify_cancel():
        return
    try:
        future.set_result(job())
    except BaseException as exc:
        future.set_exception(exc)
