"""`GET /api/runs/{run}/lens`: what each layer would predict. `.../lens/grid`: at every position; `POST` follows it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.web.asking import briefly, followed, written
from app.web.body import StrictRoute
from app.web.forms import LensGridQuery, LensQuery, bounds
from app.web.openapi import PROBLEMS, STREAM
from app.web.service import Cancelled, ServiceOf
from app.web.streams import stream

if TYPE_CHECKING:
    from app.analyses.lens_grid import LensGridAnswer
    from app.analyses.logit_lens import LensAnswer
    from app.models.engine import Engine
    from app.models.progress import Progress

router = APIRouter(prefix="/api", tags=["predictions"], route_class=StrictRoute, responses=PROBLEMS)


@router.get("/runs/{run}/lens", summary="The logit lens at one position", response_class=Response)
async def read_lens(run: str, query: Annotated[LensQuery, Query()], request: Request, service: ServiceOf) -> Response:
    """Each layer's candidates, `entropy` and `kl_to_final` (nats), through the model's own final norm and head.

    `layer` 0 is the embeddings, the last one the model's prediction. `final` follows the token the model ends with,
    `target` the one that really stands there. `approximate`: its head was trained on the last states only (BERT, BART).
    """

    def question(engine: Engine, cancelled: Cancelled) -> LensAnswer:
        from app.analyses.logit_lens import lens

        parameters = query.model_dump()
        return engine.look(engine.get(run), lambda run: lens(run, **parameters), cancelled)

    return await service.look(request, written(question))


@router.get("/runs/{run}/lens/grid", summary="The logit lens, layers by positions", response_class=Response)
async def read_lens_grid(
    run: str, query: Annotated[LensGridQuery, Query()], request: Request, service: ServiceOf
) -> Response:
    """[layers][positions] of the likeliest token (`top`, `texts`, `softmax`), `entropy` and `kl_to_final`.

    `settled` is, for each position, the first layer from which on the likeliest token stays the model's own. What takes
    long answers 409 `needs-stream`.
    """

    def question(engine: Engine, cancelled: Cancelled) -> LensGridAnswer:
        from app.analyses.lens_grid import lens_grid

        return briefly(engine, engine.get(run), lens_grid, cancelled, positions=bounds(query.positions))

    return await service.look(request, written(question))


@router.post(
    "/runs/{run}/lens/grid", summary="The logit lens, with progress", response_class=Response, responses=STREAM
)
async def follow_lens_grid(
    run: str, query: Annotated[LensGridQuery, Query()], request: Request, service: ServiceOf
) -> Response:
    """Events `progress` {"stage", "done", "total", "message"}, then `ready` (the answer of the GET) or `error`."""

    def work(engine: Engine, report: Progress, cancelled: Cancelled) -> dict[str, Any]:
        from app.analyses.lens_grid import lens_grid

        return followed(engine, engine.get(run), lens_grid, report, cancelled, positions=bounds(query.positions))

    return await stream(request, service, work)
