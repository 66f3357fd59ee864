"""`POST /api/tokenize`: the tokens of a text, without a forward pass."""

from __future__ import annotations

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.errors import NotYet
from app.web import wire
from app.web.body import StrictRoute
from app.web.forms import TokenizeForm
from app.web.openapi import PROBLEMS
from app.web.service import ServiceOf

router = APIRouter(prefix="/api", tags=["tokens"], route_class=StrictRoute, responses=PROBLEMS)


@router.post("/tokenize", summary="The tokens of a text", response_class=Response)
async def tokenize(form: TokenizeForm, request: Request, service: ServiceOf) -> Response:
    """Offsets are in code points; a model that is not loaded is loaded first."""
    if form.trace:
        raise NotYet("This version gives the tokens, not the stages that led to them.", "Leave `trace` out.")
    tokens = await service.job(
        request, lambda engine, cancelled: engine.tokenize(form.model, form.text, form.pair, cancelled)
    )
    measured = {
        "model": form.model,
        "algorithm": tokens.algorithm,
        "characters": tokens.characters,
        "checks": tokens.checks,
    }
    return wire.json_response(wire.with_warnings(measured) | {"tokens": tokens.items})
