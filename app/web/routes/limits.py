"""`GET /api/limits`: every limit and its value."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.web import wire
from app.web.body import StrictRoute
from app.web.openapi import PROBLEMS
from app.web.service import ServiceOf

router = APIRouter(prefix="/api", tags=["operations"], route_class=StrictRoute, responses=PROBLEMS)


@router.get("/limits", summary="Every limit and its value", response_class=Response)
async def limits(service: ServiceOf) -> Response:
    """Sizes are bytes, times are seconds. Most are settings of the same name; the rest nothing changes."""
    return wire.json_response({"limits": service.limits()})
