"""`GET /api/runs/{run}/surprisal`: how little each token was expected; `POST` there follows what takes long."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.web.asking import briefly, followed, written
from app.web.body import StrictRoute
from app.web.openapi import PROBLEMS, STREAM
from app.web.service import Cancelled, ServiceOf
from app.web.streams import stream

if TYPE_CHECKING:
    from app.analyses.surprisal import SurprisalAnswer
    from app.models.engine import Engine
    from app.models.progress import Progress

router = APIRouter(prefix="/api", tags=["predictions"], route_class=StrictRoute, responses=PROBLEMS)


@router.get("/runs/{run}/surprisal", summary="The loss of each token", response_class=Response)
async def read_surprisal(run: str, request: Request, service: ServiceOf) -> Response:
    """`nats`, `rank` (from 0) and `entropy` of every token, and the text's `loss`, `perplexity`, `bits_per_byte`.

    `objective`: `clm` reads the tokens before, `mlm` masks each token in turn (pseudo-log-likelihood), `seq2seq` is
    teacher-forced, the end of the target included. What takes long answers 409 `needs-stream`.
    """

    def question(engine: Engine, cancelled: Cancelled) -> SurprisalAnswer:
        from app.analyses.surprisal import surprisal

        return briefly(engine, engine.get(run), surprisal, cancelled)

    return await service.look(request, written(question))


@router.post(
    "/runs/{run}/surprisal", summary="The loss of each token, with progress", response_class=Response, responses=STREAM
)
async def follow_surprisal(run: str, request: Request, service: ServiceOf) -> Response:
    """Events `progress` {"stage", "done", "total", "message"}, then `ready` (the answer of the GET) or `error`."""

    def work(engine: Engine, report: Progress, cancelled: Cancelled) -> dict[str, Any]:
        from app.analyses.surprisal import surprisal

        return followed(engine, engine.get(run), surprisal, report, cancelled)

    return await stream(request, service, work)
