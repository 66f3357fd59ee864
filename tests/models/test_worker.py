"""The order of a model's work: what is urgent goes first, also in the middle of a long job that gives way."""

from __future__ import annotations

import threading
from concurrent.futures import Future
from typing import Any

import pytest

from app.errors import Busy
from app.models.worker import Urgency, Worker


def test_a_long_job_gives_way_to_looks_and_runs_and_to_nothing_else() -> None:
    worker = Worker("test", 10)
    begun, go_on = threading.Event(), threading.Event()
    order: list[str] = []

    def long() -> None:
        begun.set()
        assert go_on.wait(5)
        order.append("first half")
        worker.give_way()
        order.append("second half")

    asked: list[Future[Any]] = [worker.submit(long, Urgency.LONG)]
    assert begun.wait(5)
    asked += [worker.submit(lambda n=name: order.append(n), urgency) for name, urgency in (
        ("other long", Urgency.LONG), ("run", Urgency.RUN), ("look", Urgency.LOOK),
    )]  # fmt: skip
    left = worker.submit(lambda: order.append("nobody waits"), Urgency.LOOK)
    left.cancel()
    failing = worker.submit(lambda: 1 // 0, Urgency.LOOK)
    go_on.set()
    for future in asked:
        future.result(5)
    assert order == ["first half", "look", "run", "second half", "other long"]
    with pytest.raises(ZeroDivisionError):
        failing.result(5)
    worker.close()


def test_giving_way_when_nothing_waits_returns_at_once_and_a_full_queue_is_refused() -> None:
    worker = Worker("test", 1)
    begun, go_on = threading.Event(), threading.Event()

    def long() -> None:
        worker.give_way()
        begun.set()
        assert go_on.wait(5)

    first = worker.submit(long, Urgency.LONG)
    assert begun.wait(5)
    second = worker.submit(lambda: None, Urgency.RUN)
    with pytest.raises(Busy):
        worker.submit(lambda: None, Urgency.LOOK)
    go_on.set()
    first.result(5)
    second.result(5)
    worker.close()


def test_giving_way_while_the_model_is_let_go_leaves_the_thread_its_end() -> None:
    worker = Worker("test", 10)
    begun, go_on = threading.Event(), threading.Event()

    def long() -> None:
        begun.set()
        assert go_on.wait(5)
        worker.give_way()

    first = worker.submit(long, Urgency.LONG)
    assert begun.wait(5)
    waiting = worker.submit(lambda: None, Urgency.LOOK)
    worker.close()
    go_on.set()
    first.result(5)
    with pytest.raises(Busy):
        waiting.result(5)
    worker._thread.join(5)
    assert not worker._thread.is_alive()
