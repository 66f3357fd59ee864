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
from typing import TYPE_CHECKING, Annotated, TypeVar

from anyio import CapacityLimiter, to_thread
from fastapi import Depends, Request

from app.errors import Busy, HeadlightError, Stopping
from app.errors import Cancelled as CancelledError
from app.examples import EXAMPLES
from app.limits import fixed
from app.settings import Settings
from app.web.crowd import Line, Shared

if TYPE_CHECKING:
    from app.models.engine import Engine
    from app.models.info import ModelInfo

T = TypeVar("T")
Cancelled = Callable[[], bool]

log = logging.getLogger("headlight")

LISTED_SECONDS = 3.0
"""How long a list of models is kept: making one reads the folders of the hub cache."""


class Service:
    """One server's engine and settings. `looks` and `jobs` bound how many wait for answers, each in a thread.

    Short questions have threads of their own, so that a queue of long ones never keeps them waiting; the list of
    models, which every page begins with, and whether the engine is ready need neither.
    """

    def __init__(self, settings: Settings, engine: Future[Engine]) -> None:
        self.settings, self.engine = settings, engine
        self.looks, self.jobs = Line(settings.look_limit), Line(settings.job_limit)
        self._closing = threading.Event()
        self._few = CapacityLimiter(2)  # the threads of the two below
        self._models = Shared(self._list_models, LISTED_SECONDS)
        self._ready = Shared(self._ask_ready, 0.0)

    def started(self) -> Engine | None:
        """The engine if it is up; for answers that do not wait for it."""
        return self.engine.result() if self.engine.done() and self.engine.exception() is None else None

    def close(self) -> None:
        """The server is told to end: all work stops within a layer, and whoever waits for it is told so."""
        self._closing.set()

    def given_up(self, gone: threading.Event) -> Cancelled:
        """What work is to ask: has its client gone, or is the server ending?"""
        return lambda: gone.is_set() or self._closing.is_set()

    def told(self, error: HeadlightError) -> HeadlightError:
        """What a client is told of an error: work that was given up because the server ends says so."""
        if self._closing.is_set() and isinstance(error, (CancelledError, Busy)):
            return Stopping(
                "The server was told to stop, and gave the work up.", "Ask again once it is back.", retry_after=5
            )
        return error

    def limits(self) -> dict[str, int | float]:
        """Every limit by name: those that are settings, and those that nothing changes."""
        return self.settings.limits() | fixed()

    async def look(self, request: Request, question: Callable[[Engine, Cancelled], T]) -> T:
        """Ask something that a stored run answers. Raises Busy when too many do."""
        return await self._ask(request, question, self.looks)

    async def job(self, request: Request, question: Callable[[Engine, Cancelled], T]) -> T:
        """Ask something that takes a forward pass or the loading of a model. Raises Busy when too many wait."""
        return await self._ask(request, question, self.jobs)

    async def models(self) -> list[ModelInfo]:
        """What can be looked at; at most LISTED_SECONDS old, but never older than the last load."""
        return await self._models.get()

    def models_changed(self) -> None:
        """A model was loaded or let go: the next list is made anew."""
        self._models.forget()

    async def ready(self) -> bool:
        """Can the engine answer? Who asks meanwhile waits for the same probe."""
        return await self._ready.get()

    async def wait(self) -> Engine:
        """The engine, once it is up. Raises what kept it from starting."""
        if self.engine.done():
            return self.engine.result()
        return await asyncio.shield(asyncio.wrap_future(self.engine))

    async def _ask(self, request: Request, question: Callable[[Engine, Cancelled], T], line: Line) -> T:
        gone = threading.Event()
        with line.place():
            async with departure(request, gone):
                engine = await self.wait()
                try:
                    return await to_thread.run_sync(question, engine, self.given_up(gone), limiter=line.threads)
                except HeadlightError as error:
                    if (told := self.told(error)) is error:
                        raise
                    raise told from error
                finally:
                    if line is self.jobs:
                        self.models_changed()  # it may have loaded one

    async def _list_models(self) -> list[ModelInfo]:
        return await to_thread.run_sync((await self.wait()).models, limiter=self._few)

    async def _ask_ready(self) -> bool:
        engine = self.started()
        return engine is not None and await to_thread.run_sync(engine.ready, limiter=self._few)


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
        log.warning("the default model is not ready: %s %s", error, getattr(error, "hint", ""))


async def get_service(request: Request) -> Service:
    """Dependency: the service of the application that answers this request. Async, or it would be sent to a thread."""
    service: Service = request.app.state.service
    return service


ServiceOf = Annotated[Service, Depends(get_service)]
