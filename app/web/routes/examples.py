"""`GET /api/examples`: the texts that the page offers."""

from __future__ import annotations

from fastapi import APIRouter
from starlette.responses import Response

from app.web import wire
from app.web.body import StrictRoute
from app.web.openapi import PROBLEMS
from app.web.pages import examples

router = APIRouter(prefix="/api", tags=["models"], route_class=StrictRoute, responses=PROBLEMS)


@router.get("/examples", summary="Texts worth a look", response_class=Response)
async def list_examples() -> Response:
    """Each with its model and what to look for."""
    return wire.json_response({"examples": examples()})
