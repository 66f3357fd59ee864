"""`GET /api/models` and `POST /api/models/load`."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.web import wire
from app.web.body import StrictRoute
from app.web.forms import LoadForm
from app.web.openapi import PROBLEMS, STREAM
from app.web.service import ServiceOf
from app.web.streams import stream

router = APIRouter(prefix="/api", tags=["models"], route_class=StrictRoute, responses=PROBLEMS)


@router.get("/models", summary="The models that can be looked at", response_class=Response)
async def list_models(service: ServiceOf) -> Response:
    """The catalogue, the operator's folders and what lies in the local Hugging Face cache."""
    return wire.json_response({"models": await service.models()})


@router.post("/models/load", summary="Load a model, with its progress", response_class=Response, responses=STREAM)
async def load_model(form: LoadForm, request: Request, service: ServiceOf) -> Response:
    """Events `progress` {"stage", "done", "total", "message"}, then `ready` (the Model) or `error` (the problem).

    What is refused at once is a problem with its own status. Leaving stops the load, unless others wait for it.
    """
    return await stream(request, service, lambda engine, report, cancelled: engine.load(form.model, report, cancelled))
