"""`POST /api/runs/{run}/effects`: what every head of a stack does to a prediction, layer by layer."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.web.asking import followed
from app.web.body import StrictRoute
from app.web.forms import EffectsForm
from app.web.openapi import PROBLEMS, STREAM
from app.web.service import Cancelled, ServiceOf
from app.web.streams import stream

if TYPE_CHECKING:
    from app.models.engine import Engine
    from app.models.progress import Progress

router = APIRouter(prefix="/api", tags=["causes"], route_class=StrictRoute, responses=PROBLEMS)


@router.post("/runs/{run}/effects", summary="Knock out every head in turn", response_class=Response, responses=STREAM)
async def follow_effects(run: str, form: EffectsForm, request: Request, service: ServiceOf) -> Response:
    """An event `progress` for each layer, with its `kl`, `change` and `difference` by head; then `ready` with all.

    Over a long text, whose heads are run one by one, there are events `progress` in between that have none of these.

    `kl` [layers][heads] is KL(before ‖ after) in nats; `change` that of the logit of `token`, `difference` that of its
    logit minus the logit of `against`.
    """

    def work(engine: Engine, report: Progress, cancelled: Cancelled) -> dict[str, Any]:
        from app.analyses.effects import effects

        return followed(engine, engine.get(run), effects, report, cancelled, **form.model_dump())

    return await stream(request, service, work)
