"""What the routes work with: the engine, the settings, and how a blocking question is asked for a client.

The engine imports torch and takes seconds to come up, so it is built in a thread while the server
already answers; a question that comes earlier waits for it. A client that leaves sets the flag that
the engine polls, so that nobody's work is dropped within one layer.
"""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from app.errors import Busy
from app.examples import EXAMPLES
from app.settings import Settings

if TYPE_CHECKING:
    from app.models.engine import Engine

T = TypeVar("T")
Cancelled = Callable[[], bool]

log = logging.getLogger("headlight")


@dataclass(frozen=True, slots=True)
class Service:
    """One server's engine and settings. `looks` and `jobs` bound the threads that wait for answers.

    Short questions have threads of their own, so that a queue of long ones never keeps them waiting.
    """

    settings: Settings
    engine: Future[Engine]
    looks: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(32))
    jobs: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(128))

    def started(self) -> Engine | None:
        """The engine if it is up; for answers that do not wait for it."""
        return self.engine.result() if self.engine.done() and self.engine.exception() is None else None

    async def look(self, request: Request, question: Callable[[Engine, Cancelled], T]) -> T:
        """Ask something that a stored run or a list answers."""
        return await self._ask(request, question, self.looks)

    async def job(self, request: Request, question: Callable[[Engine, Cancelled], T]) -> T:
        """Ask something that takes a forward pass or the loading of a model. Raises Busy when too many wait."""
        if self.jobs.available_tokens <= 0:
            raise Busy("Too many requests are waiting.", "Try again in a moment.", retry_after=2)
        return await self._ask(request, question, self.jobs)

    async def _ask(self, request: Request, question: Callable[[Engine, Cancelled], T], limiter: CapacityLimiter) -> T:
        gone = threading.Event()
        async with departure(request, gone):
            engine = await asyncio.shield(asyncio.wrap_future(self.engine))
            return await to_thread.run_sync(question, engine, gone.is_set, limiter=limiter)


@asynccontextmanager
async def departure(request: Request, gone: threading.Event) -> AsyncIterator[None]:
    """Set `gone` once the client has left, watched for as long as the block runs."""

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        gone.set()

    watcher = asyncio.create_task(watch())
    try:
        yield
    except asyncio.CancelledError:
        gone.set()
        raise
    finally:
        watcher.cancel()


def start_engine(settings: Settings, future: Future[Engine] | None = None) -> Future[Engine]:
    """Build the engine in a thread of its own; with the setting `warm`, also load the model the page opens on.

    Importing torch and transformers makes a million objects that all stay. Looking among them for garbage, again and
    again, takes a third of the start: who starts a server may switch that off before, and here it is switched on,
    with what is there by now left out of every later look.
    """
    engine: Future[Engine] = future if future is not None else Future()

    def build() -> None:
        try:
            from app.models.engine import Engine

            engine.set_result(Engine(settings))
        except BaseException as error:
            log.exception("the engine could not start")
            engine.set_exception(error)
        else:
            if settings.warm:
                warm(engine.result(), settings)
        finally:
            if not gc.isenabled():
                gc.freeze()
                gc.enable()

    threading.Thread(target=build, name="engine-start", daemon=True).start()
    return engine


def warm(engine: Engine, settings: Settings) -> None:
    """Load the default model and compute the first of its examples. A failure is logged: the page says what to do."""
    from app.models.run import RunRequest

    try:
        engine.load(settings.default_model)
        for example in EXAMPLES:
            if example.model == settings.default_model:
                engine.run(RunRequest(example.model, example.text, example.pair, None))
                break
    except Exception as error:
        log.warning("the default model is not ready: %s", error)


def get_service(request: Request) -> Service:
    """Dependency: the service of the application that answers this request."""
    service: Service = request.app.state.service
    return service


ServiceOf = Annotated[Service, Depends(get_service)]
