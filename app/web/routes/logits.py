"""`GET /api/runs/{run}/logits`: what the model expects at a position."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.web.asking import written
from app.web.body import StrictRoute
from app.web.forms import LogitsQuery
from app.web.openapi import PROBLEMS
from app.web.service import Cancelled, ServiceOf

if TYPE_CHECKING:
    from app.analyses.logits import LogitsAnswer
    from app.models.engine import Engine

router = APIRouter(prefix="/api", tags=["predictions"], route_class=StrictRoute, responses=PROBLEMS)


@router.get("/runs/{run}/logits", summary="The next word, or the masked one", response_class=Response)
async def read_logits(
    run: str, query: Annotated[LogitsQuery, Query()], request: Request, service: ServiceOf
) -> Response:
    """`softmax` is over the whole vocabulary at temperature 1, `probability` after the steps of the pipeline.

    So are `entropy` and `entropy_after`, both in nats.
    """

    def question(engine: Engine, cancelled: Cancelled) -> LogitsAnswer:
        from app.analyses.logits import logits

        parameters = query.model_dump()
        return engine.look(engine.get(run), lambda run: logits(run, **parameters), cancelled)

    return await service.look(request, written(question))
