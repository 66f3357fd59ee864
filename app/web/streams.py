"""Long work as server-sent events: its stages and its parts as they come, then `ready` or `error`.

An error before the first stage is answered as a problem document with its own status, as everywhere
else; after that the status is sent, and it comes as the last event. A client that leaves stops the work, and
so does the end of the server.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, Protocol

from anyio import to_thread
from fastapi import Request
from fastapi.sse import KEEPALIVE_COMMENT
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from app.errors import HeadlightError
from app.web import problems, wire
from app.web.service import Cancelled, Service, departure, log

if TYPE_CHECKING:
    from app.models.engine import Engine


class Report(Protocol):
    """Sends one event: a stage of the work (a Progress is all that most work needs), or a part of what it makes."""

    def __call__(self, item: Any, name: str = "progress") -> None: ...


Work = Callable[["Engine", Report, Cancelled], Any]

PING_SECONDS = 15.0


def event(name: str, data: Any) -> bytes:
    """One event on the wire. JSON has no line break in it, so its data is one line, however long."""
    return b"event: %b\ndata: %b\n\n" % (name.encode(), wire.json_bytes(data))


async def stream(request: Request, service: Service, work: Work) -> Response:
    """Run `work` in a thread and send what it reports. Raises Busy when too many do.

    Its place is free again once the work has ended and the client has read it: what is not read yet takes memory.
    """
    events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    stop = threading.Event()
    place = ExitStack()
    place.enter_context(service.jobs.place())
    job = asyncio.create_task(_run(service, work, events, stop))

    def end() -> None:
        stop.set()
        job.add_done_callback(lambda _: place.close())

    try:
        async with departure(request, stop):
            first = await events.get()
        if first[0] == "error":
            await job
            raise first[1]
    except BaseException:
        end()
        raise
    return _Stream(_events(first, events, job), end)


class _Stream(StreamingResponse):
    """A stream that calls `end` when it is over, however it is; starlette closes it when the client leaves."""

    def __init__(self, body: AsyncIterator[bytes], end: Callable[[], None]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(body, media_type="text/event-stream", headers=headers)
        self._end = end

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            self._end()


async def _run(service: Service, work: Work, events: asyncio.Queue[tuple[str, Any]], stop: threading.Event) -> None:
    """Put the stages of the work and its end into the queue, as they go on the wire; an error as it is."""
    loop = asyncio.get_running_loop()
    given_up = service.given_up(stop)

    def report(item: Any, name: str = "progress") -> None:
        loop.call_soon_threadsafe(events.put_nowait, (name, event(name, item)))

    def answer(engine: Engine) -> bytes:
        return event("ready", work(engine, report, given_up))

    try:
        engine = await service.wait()
        try:
            last = await to_thread.run_sync(answer, engine, limiter=service.jobs.threads)
        finally:
            service.models_changed()  # it may have loaded one
        events.put_nowait(("ready", last))
    except HeadlightError as error:
        events.put_nowait(("error", service.told(error)))
    except Exception:
        log.exception("unexpected error in a stream")
        events.put_nowait(("error", problems.internal()))


async def _events(
    first: tuple[str, Any], events: asyncio.Queue[tuple[str, Any]], job: asyncio.Task[None]
) -> AsyncIterator[bytes]:
    """The body of the stream."""
    name, data = first
    while True:
        yield event(name, problems.problem(data)) if name == "error" else data
        if name in ("ready", "error"):
            await job
            return
        while True:
            try:
                name, data = await asyncio.wait_for(events.get(), PING_SECONDS)
                break
            except TimeoutError:
                yield KEEPALIVE_COMMENT
