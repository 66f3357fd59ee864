"""`create_app(settings)`: wiring, nothing else.

A request goes through the layers from the outside in: counted, guarded, HEAD made a GET, a last catch
for exceptions; then the router. Importing this does not import torch.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from anyio import to_thread
from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware.gzip import GZipMiddleware
from starlette.staticfiles import StaticFiles

from app import __version__
from app.errors import HeadlightError
from app.settings import Settings
from app.web import assets, problems
from app.web.guard import GuardMiddleware, guard_of
from app.web.metrics import Metrics, MetricsMiddleware
from app.web.pages import Pages
from app.web.routes import (
    attention,
    attribution,
    compare,
    disagreement,
    edits,
    effects,
    examples,
    generate,
    heads,
    health,
    lens,
    limits,
    logits,
    metrics,
    models,
    neuron,
    runs,
    saliency,
    surprisal,
    tokenize,
)
from app.web.service import Service, start_engine
from app.web.shell import CatchAll, HeadAsGet

if TYPE_CHECKING:
    from app.models.engine import Engine

RESOURCES = (
    examples,
    models,
    tokenize,
    runs,
    attention,
    disagreement,
    heads,
    neuron,
    compare,
    logits,
    surprisal,
    lens,
    generate,
    attribution,
    saliency,
    edits,
    effects,
    health,
    limits,
    metrics,
)


def create_app(settings: Settings, engine: Future[Engine] | None = None) -> FastAPI:
    """The application. `engine` is given by who started it earlier; otherwise it is started with the application."""
    service = Service(settings, engine if engine is not None else Future())

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        if engine is None:
            start_engine(settings, service.engine)
        yield
        if (started := service.started()) is not None:
            await to_thread.run_sync(started.close)  # here it would keep those who are told from hearing it

    app = FastAPI(
        title="Headlight",
        version=__version__,
        description="Look at any attention head of a real transformer, and trust the numbers.",
        docs_url=None,
        redoc_url=None,
        lifespan=lifespan,
        redirect_slashes=False,
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    guard = guard_of(settings)
    pages = Pages(service, guard)
    app.state.service = service
    app.state.metrics = Metrics(lambda: started.facts() if (started := service.started()) is not None else {})
    for resource in RESOURCES:
        app.include_router(resource.router)
    for path, file in assets.vendor().items():
        app.add_route(path, file.serve, include_in_schema=False)
    app.mount("/static", GZipMiddleware(StaticFiles(directory=assets.folder("static"))), name="static")
    app.router.routes.extend(pages.routes())
    app.add_exception_handler(HeadlightError, problems.on_headlight_error)
    app.add_exception_handler(RequestValidationError, problems.on_validation_error)
    app.add_exception_handler(HTTPException, pages.on_http_error)
    app.add_middleware(CatchAll)
    app.add_middleware(HeadAsGet)
    app.add_middleware(GuardMiddleware, guard=guard)
    app.add_middleware(MetricsMiddleware, metrics=app.state.metrics)
    return app
