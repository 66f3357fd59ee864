"""`GET /api/health`: the process is up. `GET /api/ready`: it can answer with a real forward pass."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app import __version__
from app.errors import Busy
from app.web import wire
from app.web.body import StrictRoute
from app.web.openapi import PROBLEMS
from app.web.service import ServiceOf

router = APIRouter(prefix="/api", tags=["operations"], route_class=StrictRoute, responses=PROBLEMS)


@router.get("/health", summary="Is the process up?", response_class=Response)
async def health() -> Response:
    """Answers at once, whatever the engine does. Needs no token."""
    return wire.json_response({"status": "ok", "version": __version__})


@router.get("/ready", summary="Can it answer?", response_class=Response)
async def ready(service: ServiceOf) -> Response:
    """200 when a correct forward pass is less than 10 seconds old or in progress, 503 otherwise."""
    if not await service.ready():
        raise Busy("The default model is not ready.", "Wait for it, or see the server's log.", retry_after=2)
    return wire.json_response({"status": "ready"})
