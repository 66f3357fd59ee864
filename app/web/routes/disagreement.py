"""`GET /api/runs/{run}/disagreement`: where lenses differ most; `POST` to the same address follows what takes long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.web.asking import briefly, followed, written
from app.web.body import StrictRoute
from app.web.forms import DisagreementQuery
from app.web.openapi import PROBLEMS, STREAM
from app.web.service import Cancelled, ServiceOf
from app.web.streams import stream

if TYPE_CHECKING:
    from app.analyses.disagreement import DisagreementAnswer
    from app.models.engine import Engine
    from app.models.progress import Progress

router = APIRouter(prefix="/api", tags=["attention"], route_class=StrictRoute, responses=PROBLEMS)


@router.get("/runs/{run}/disagreement", summary="Where lenses differ most", response_class=Response)
async def read_disagreement(
    run: str, query: Annotated[DisagreementQuery, Query()], request: Request, service: ServiceOf
) -> Response:
    """For each head how far the lenses' rows lie apart (Jensen-Shannon, bits), and the pairs that differ most."""

    def question(engine: Engine, cancelled: Cancelled) -> DisagreementAnswer:
        from app.analyses.disagreement import disagreement

        return briefly(engine, engine.get(run), disagreement, cancelled, **asked(query))

    return await service.look(request, written(question))


@router.post(
    "/runs/{run}/disagreement", summary="Where lenses differ, with progress", response_class=Response, responses=STREAM
)
async def follow_disagreement(
    run: str, query: Annotated[DisagreementQuery, Query()], request: Request, service: ServiceOf
) -> Response:
    """Events `progress` {"stage", "done", "total", "message"}, then `ready` (the answer of the GET) or `error`."""

    def work(engine: Engine, report: Progress, cancelled: Cancelled) -> dict[str, Any]:
        from app.analyses.disagreement import disagreement

        return followed(engine, engine.get(run), disagreement, report, cancelled, **asked(query))

    return await stream(request, service, work)


def asked(query: DisagreementQuery) -> dict[str, Any]:
    """The parameters of the analysis."""
    lenses = None if query.lenses is None else query.lenses.split(",")
    return query.model_dump() | {"lenses": lenses}
