"""`GET /api/runs/{run}/heads`: what each head does on this text. `.../heads/evidence`: the cells that say so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.web.asking import briefly, followed, written
from app.web.body import StrictRoute
from app.web.forms import EvidenceQuery, RolesQuery
from app.web.openapi import PROBLEMS, STREAM
from app.web.service import Cancelled, ServiceOf
from app.web.streams import stream

if TYPE_CHECKING:
    from app.analyses.head_roles import RolesAnswer
    from app.analyses.roles_evidence import EvidenceAnswer
    from app.models.engine import Engine
    from app.models.progress import Progress

router = APIRouter(prefix="/api", tags=["heads"], route_class=StrictRoute, responses=PROBLEMS)


@router.get("/runs/{run}/heads", summary="The roles of all heads", response_class=Response)
async def read_heads(run: str, query: Annotated[RolesQuery, Query()], request: Request, service: ServiceOf) -> Response:
    """Scores of every head, and how far each lies from its null (`effect`, in standard deviations of the null).

    The null of duplicate and induction permutes the tokens' identities over the run's own maps; that of the other
    roles is uniform attention over the visible keys. Long texts answer 409 `needs-stream`.
    """

    def question(engine: Engine, cancelled: Cancelled) -> RolesAnswer:
        from app.analyses.head_roles import head_roles

        return briefly(engine, engine.get(run), head_roles, cancelled, **query.model_dump())

    return await service.look(request, written(question))


@router.post(
    "/runs/{run}/heads", summary="The roles of all heads, with progress", response_class=Response, responses=STREAM
)
async def follow_heads(
    run: str, query: Annotated[RolesQuery, Query()], request: Request, service: ServiceOf
) -> Response:
    """Events `progress` {"stage", "done", "total", "message"}, then `ready` (the answer of the GET) or `error`."""

    def work(engine: Engine, report: Progress, cancelled: Cancelled) -> dict[str, Any]:
        from app.analyses.head_roles import head_roles

        return followed(engine, engine.get(run), head_roles, report, cancelled, **query.model_dump())

    return await stream(request, service, work)


@router.get("/runs/{run}/heads/evidence", summary="The cells behind a role", response_class=Response)
async def read_evidence(
    run: str, query: Annotated[EvidenceQuery, Query()], request: Request, service: ServiceOf
) -> Response:
    """The cells (query, key) of one head that add most to its score in a role, the strongest first."""

    def question(engine: Engine, cancelled: Cancelled) -> EvidenceAnswer:
        from app.analyses.roles_evidence import evidence

        parameters = query.model_dump()
        return engine.look(engine.get(run), lambda run: evidence(run, **parameters), cancelled)

    return await service.look(request, written(question))
