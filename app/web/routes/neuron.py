"""`GET /api/runs/{run}/neuron`: one query of one head, step by step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import Response

from app.web.asking import written
from app.web.body import StrictRoute
from app.web.forms import NeuronQuery, bounds
from app.web.openapi import PROBLEMS
from app.web.service import Cancelled, ServiceOf

if TYPE_CHECKING:
    from app.analyses.neuron import NeuronAnswer
    from app.models.engine import Engine

router = APIRouter(prefix="/api", tags=["heads"], route_class=StrictRoute, responses=PROBLEMS)


@router.get("/runs/{run}/neuron", summary="One query, step by step", response_class=Response)
async def read_neuron(
    run: str, query: Annotated[NeuronQuery, Query()], request: Request, service: ServiceOf
) -> Response:
    """q, k, v by dimension; `product` = q ⊙ k; `scores` = scale · q·k; `entering` = softcap(scores) + bias; `probs`; z.

    `scores` are before bias and mask. `sink` is the share that goes to no token, in models that have one. Refused
    for models that give their maps only.
    """

    def question(engine: Engine, cancelled: Cancelled) -> NeuronAnswer:
        from app.analyses.neuron import neuron

        parameters = query.model_dump() | {"keys": bounds(query.keys)}
        return engine.look(engine.get(run), lambda run: neuron(run, **parameters), cancelled)

    return await service.look(request, written(question))
