"""`GET /metrics`: for Prometheus."""

from __future__ import annotations

from fastapi import APIRouter, Request
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.responses import Response

from app.web.body import StrictRoute
from app.web.openapi import PROBLEMS

router = APIRouter(tags=["operations"], route_class=StrictRoute, responses=PROBLEMS)


@router.get("/metrics", summary="Counts and times for Prometheus", response_class=Response)
async def metrics(request: Request) -> Response:
    """Requests by route and status, how long they took, runs stored, bytes held, models loaded."""
    return Response(request.app.state.metrics.text(), headers={"Content-Type": CONTENT_TYPE_LATEST})
