"""How a route asks an analysis about a stored run: briefly, within the look budget, or followed, giving way; and how
its answer is written."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

from starlette.responses import Response

from app.web import wire
from app.web.service import Cancelled

if TYPE_CHECKING:
    from app.models.engine import Engine
    from app.models.progress import Progress
    from app.models.run import Run

T = TypeVar("T")


def written(
    question: Callable[[Engine, Cancelled], T], write: Callable[[T], Response] = wire.answer
) -> Callable[[Engine, Cancelled], Response]:
    """The question, its answer written out in the thread that asks: millions of numbers take a second, and on the
    event loop everybody else would wait for them."""
    return lambda engine, cancelled: write(question(engine, cancelled))


def briefly(engine: Engine, run: Run, analysis: Callable[..., T], cancelled: Cancelled, **parts: Any) -> T:
    """`analysis(run, budget=, cancelled=, **parts)` on the model's thread. Raises NeedsStream for what takes long."""
    budget = engine.settings.look_budget
    return engine.look(run, lambda run: analysis(run, budget=budget, cancelled=cancelled, **parts), cancelled)


def followed(
    engine: Engine, run: Run, analysis: Callable[..., Any], report: Progress, cancelled: Cancelled, **parts: Any
) -> dict[str, Any]:
    """`analysis(run, progress=, cancelled=, **parts)`, as a document. It waits behind passes and gives way to looks."""
    way = engine.giving_way(run, cancelled)
    answer = engine.look(run, lambda run: analysis(run, progress=report, cancelled=way, **parts), cancelled, long=True)
    return wire.with_warnings(wire.fields(answer))
