"""Long work as server-sent events: its stages and its parts as they come, then `ready` or `error`.

An error before the first stage is answered as a problem document with its own status, as everywhere
else; after that the status is sent, and it comes as the last event. A client that leaves stops the work.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from typing import TYPE_CHECKING, Any, Protocol

from anyio import to_thread
from fastapi import Request
from fastapi.sse import KEEPALIVE_COMMENT
from starlette.responses import Response, StreamingResponse

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
    """Run `work` in a thread and send what it reports. Raises Busy when too many do."""
    events: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
    stop = threading.Event()
    job = asyncio.create_task(_run(service, work, events, stop))
    async with departure(request, stop):
        first = await events.get()
    if first[0] == "error":
        await job
        raise first[1]
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return StreamingResponse(_events(first, events, stop, job), media_type="text/event-stream", headers=headers)


async def _run(service: Service, work: Work, events: asyncio.Queue[tuple[str, Any]], stop: threading.Event) -> None:
    """Put the stages of the work and its end into the queue."""
    loop = asyncio.get_running_loop()

    def report(item: Any, name: str = "progress") -> None:
        loop.call_soon_threadsafe(events.put_nowait, (name, item))

    try:
        with service.jobs.place():
            engine = await service.wait()
            try:
                result = await to_thread.run_sync(work, engine, report, stop.is_set, limiter=service.jobs.threads)
            finally:
                service.models_changed()  # it may have loaded one
        events.put_nowait(("ready", result))
    except HeadlightError as error:
        events.put_nowait(("error", error))
    except Exception:
        log.exception("unexpected error in a stream")
        events.put_nowait(("error", problems.internal()))


async def _events(
    first: tuple[str, Any], events: asyncio.Queue[tuple[str, Any]], stop: threading.Event, job: asyncio.Task[None]
) -> AsyncIterator[bytes]:
    """The body of the stream. Closing it, as starlette does when the client leaves, stops the work."""
    try:
        name, data = first
        while True:
            yield event(name, problems.problem(data) if name == "error" else data)
            if name in ("ready", "error"):
                await job
                return
            while True:
                try:
                    name, data = await asyncio.wait_for(events.get(), PING_SECONDS)
                    break
                except TimeoutError:
                    yield KEEPALIVE_COMMENT
    finally:
        stop.set()
