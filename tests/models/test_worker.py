"""The order of a model's work: what is urgent goes first, also in the middle of a long job that gives way."""

from __future__ import annotations

import contextvars
import threading
from concurrent.futures import Future
from typing import Any

import pytest
import torch

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


@pytest.mark.parametrize("grad", [True, False])
def test_what_is_let_in_finds_nothing_of_the_long_job(grad: bool) -> None:
    worker = Worker("test", 10)
    begun, go_on = threading.Event(), threading.Event()
    inside: contextvars.ContextVar[str] = contextvars.ContextVar("inside", default="nothing")

    def look() -> tuple[str, bool]:
        found = inside.get(), torch.is_grad_enabled()
        inside.set("a look's")
        torch.set_grad_enabled(not grad)
        return found

    def long() -> tuple[str, bool]:
        inside.set("a long job's")
        begun.set()
        assert go_on.wait(5)
        with torch.set_grad_enabled(grad):
            worker.give_way()
            return inside.get(), torch.is_grad_enabled()

    asked = worker.submit(long, Urgency.LONG)
    assert begun.wait(5)
    let_in = worker.submit(look, Urgency.LOOK)
    go_on.set()
    assert let_in.result(5) == ("nothing", True)
    assert asked.result(5) == ("a long job's", grad)
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
