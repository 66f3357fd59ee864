"""`POST /api/runs`: one forward pass. `GET /api/runs/{run}`: what it was."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.web import wire
from app.web.body import StrictRoute
from app.web.forms import RunForm
from app.web.openapi import PROBLEMS
from app.web.service import Cancelled, ServiceOf

if TYPE_CHECKING:
    from app.models.engine import Engine
    from app.models.run import Run

router = APIRouter(prefix="/api", tags=["runs"], route_class=StrictRoute, responses=PROBLEMS)


@router.post("/runs", summary="Run a text through a model", response_class=Response, status_code=201)
async def create_run(form: RunForm, request: Request, service: ServiceOf) -> Response:
    """201 with the Run; 200 when the same was stored already. The pass stops when the client leaves."""
    run, new = await service.job(request, lambda engine, cancelled: run_form(engine, form, cancelled))
    return wire.json_response(document(run), 201 if new else 200)


@router.get("/runs/{run}", summary="A stored run", response_class=Response)
async def read_run(run: str, request: Request, service: ServiceOf) -> Response:
    """404 `run-expired` once it was evicted; posting the same body brings it back."""
    found = await service.look(request, lambda engine, _: engine.get(run))
    return wire.json_response(document(found))


def run_form(engine: Engine, form: RunForm, cancelled: Cancelled) -> tuple[Run, bool]:
    """Run what a form asks for; True when it was computed now. Called in a thread."""
    from app.models.run import RunRequest

    return engine.run(RunRequest(form.model, form.text, form.pair, form.target), cancelled)


def document(run: Run) -> dict[str, Any]:
    """A Run as the API names it; it says so when a check's value is not finite."""
    measured = {
        "run": run.id,
        "model": run.model.info.id,
        "answer": run.answer,
        "stacks": run.stacks,
        "milliseconds": run.milliseconds,
        "bytes": run.bytes,
        "checks": run.checks,
        "warnings": run.warnings,
    }
    return wire.with_warnings(measured) | {"tokens": wire.tokens(run)}
