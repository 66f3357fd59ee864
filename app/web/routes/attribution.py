"""`GET /api/runs/{run}/attribution`: a logit, or the difference of two, split over what wrote it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.web.asking import written
from app.web.body import StrictRoute
from app.web.forms import AttributionQuery
from app.web.openapi import PROBLEMS
from app.web.service import Cancelled, ServiceOf

if TYPE_CHECKING:
    from app.analyses.attribution import AttributionAnswer
    from app.models.engine import Engine

router = APIRouter(prefix="/api", tags=["causes"], route_class=StrictRoute, responses=PROBLEMS)


@router.get("/runs/{run}/attribution", summary="A logit, split over what wrote it", response_class=Response)
async def read_attribution(
    run: str, query: Annotated[AttributionQuery, Query()], request: Request, service: ServiceOf
) -> Response:
    """The shares of embedding, heads (by stack, [layer][head]), MLPs [layer] and biases; they sum to `total`.

    `remainder` is what they lack of it. Shares are of what is written directly, with the last norm's scale held fixed.
    Refused where that is not exact: post-norm models, a softcap on the logits, heads that are not linear.
    """

    def question(engine: Engine, cancelled: Cancelled) -> AttributionAnswer:
        from app.analyses.attribution import attribution

        parameters = query.model_dump()
        return engine.look(engine.get(run), lambda run: attribution(run, **parameters), cancelled)

    return await service.look(request, written(question))
