"""`GET /api/runs/{run}/attention`: maps of a stored run; `POST` to the same address follows those that take long.

`POST /api/attention`: run and look in one call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from app.errors import OutOfRange
from app.web import wire
from app.web.asking import briefly, followed, written
from app.web.body import StrictRoute
from app.web.forms import AttentionForm, AttentionQuery, bounds
from app.web.openapi import MATRICES, PROBLEMS, STREAM
from app.web.routes.runs import run_form
from app.web.service import Cancelled, ServiceOf
from app.web.streams import stream

if TYPE_CHECKING:
    from app.analyses.attention import AttentionAnswer
    from app.models.engine import Engine
    from app.models.progress import Progress
    from app.models.run import Run

router = APIRouter(prefix="/api", tags=["attention"], route_class=StrictRoute, responses=PROBLEMS)

Accept = Annotated[str | None, Header(description="application/json, application/vnd.safetensors or text/csv.")]


@router.get("/runs/{run}/attention", summary="Maps of a run", response_class=Response, responses=MATRICES)
async def read_attention(
    run: str, query: Annotated[AttentionQuery, Query()], request: Request, service: ServiceOf, accept: Accept = None
) -> Response:
    """`values` is always [layers][heads][rows][cols]; rows are queries, columns are keys."""
    form = wire.accepted(accept)

    def question(engine: Engine, cancelled: Cancelled) -> tuple[Run, AttentionAnswer]:
        found = engine.get(run)
        return found, look(engine, found, query, cancelled)

    def write(found: tuple[Run, AttentionAnswer]) -> Response:
        return wire.matrices(found[1], form, query.dtype, wire.labels(*found))

    return await service.look(request, written(question, write))


@router.post("/runs/{run}/attention", summary="Maps of a run, with progress", response_class=Response, responses=STREAM)
async def follow_attention(
    run: str, query: Annotated[AttentionQuery, Query()], request: Request, service: ServiceOf
) -> Response:
    """Events `progress` {"stage", "done", "total", "message"}, then `ready` (the answer of the GET) or `error`."""

    def work(engine: Engine, report: Progress, cancelled: Cancelled) -> dict[str, Any]:
        from app.analyses.attention import attention

        if query.dtype != "f32":
            raise OutOfRange("Only safetensors has this dtype, and events carry JSON.", "Leave dtype out.")
        return followed(engine, engine.get(run), attention, report, cancelled, **asked(query))

    return await stream(request, service, work)


@router.post("/attention", summary="Run and look in one call", response_class=Response, responses=MATRICES)
async def post_attention(form: AttentionForm, request: Request, service: ServiceOf, accept: Accept = None) -> Response:
    """The tokens and one layer's maps, for curl."""
    wanted = wire.accepted(accept)
    query = AttentionQuery(**form.model_dump(include={"stack", "layer", "head", "lens", "group", "hide"}))

    def question(engine: Engine, cancelled: Cancelled) -> tuple[Run, AttentionAnswer]:
        made, _ = run_form(engine, form, cancelled)
        return made, look(engine, made, query, cancelled)

    def write(made: tuple[Run, AttentionAnswer]) -> Response:
        return wire.matrices(made[1], wanted, "f32", wire.labels(*made), tokens=wire.tokens(made[0]))

    return await service.job(request, written(question, write))


def look(engine: Engine, run: Run, query: AttentionQuery, cancelled: Cancelled) -> AttentionAnswer:
    """Ask the analysis, on the model's thread. Called in a thread."""
    from app.analyses.attention import attention

    return briefly(engine, run, attention, cancelled, **asked(query))


def asked(query: AttentionQuery) -> dict[str, Any]:
    """The parameters of the analysis."""
    ranges = {"rows": bounds(query.rows), "cols": bounds(query.cols)}
    return query.model_dump(exclude={"dtype"}) | ranges | {"hide": query.hide.split(",") if query.hide else ()}
