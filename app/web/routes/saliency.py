"""`POST /api/runs/{run}/saliency`: what each input token had to do with a prediction, by gradients, with progress."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.web.asking import followed
from app.web.body import StrictRoute
from app.web.forms import SaliencyForm
from app.web.openapi import PROBLEMS, STREAM
from app.web.service import Cancelled, ServiceOf
from app.web.streams import stream

if TYPE_CHECKING:
    from app.models.engine import Engine
    from app.models.progress import Progress

router = APIRouter(prefix="/api", tags=["causes"], route_class=StrictRoute, responses=PROBLEMS)


@router.post("/runs/{run}/saliency", summary="A score for each input token", response_class=Response, responses=STREAM)
async def follow_saliency(run: str, form: SaliencyForm, request: Request, service: ServiceOf) -> Response:
    """Events `progress` {"stage", "done", "total", "message"}, then `ready` or `error`.

    `tokens` has the scores by input, in nats of log p(token), or of log p(token) - log p(against). Integrated gradients
    sum to `value - baseline` but for `gap`, which is a check; gradient x input need not, and its gap is only told.
    """

    def work(engine: Engine, report: Progress, cancelled: Cancelled) -> dict[str, Any]:
        from app.analyses.saliency import saliency

        return followed(engine, engine.get(run), saliency, report, cancelled, **form.model_dump())

    return await stream(request, service, work)
