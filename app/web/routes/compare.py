"""`POST /api/compare`: the heads of two runs, the most different first. `GET /api/compare/map`: where one differs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from starlette.responses import Response

from app.web import wire
from app.web.asking import written
from app.web.body import StrictRoute
from app.web.forms import CompareForm, CompareQuery
from app.web.openapi import MATRICES, PROBLEMS
from app.web.service import Cancelled, ServiceOf
from app.web.streams import stream

if TYPE_CHECKING:
    from app.analyses.compare import CompareAnswer, DifferenceAnswer
    from app.models.engine import Engine
    from app.models.progress import Progress

EVENTS = "text/event-stream"
FORMATS = "application/json, application/vnd.safetensors or text/csv."
ANSWERS: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The answer, or the events of its making.",
        "content": {wire.JSON: {"schema": {"type": "object"}}, EVENTS: {"schema": {"type": "string"}}},
    }
}

router = APIRouter(prefix="/api", tags=["compare"], route_class=StrictRoute, responses=PROBLEMS)


@router.post("/compare", summary="Two runs side by side", response_class=Response, responses=ANSWERS)
async def compare_runs(
    form: CompareForm,
    request: Request,
    service: ServiceOf,
    accept: Annotated[str | None, Header(description="application/json, or text/event-stream for progress.")] = None,
) -> Response:
    """`pairs` of tokens that belong together, and heads by their Jensen-Shannon divergence in bits, largest first.

    Two texts on one model are paired by token ids, one text on two models by its stretches. Columns without a
    partner count as one. With `Accept: text/event-stream` the answer comes as the last of events `progress`.
    """

    def work(engine: Engine, report: Progress, cancelled: Cancelled) -> CompareAnswer:
        from app.analyses.compare import compare, seconds

        a, b = engine.get(form.a), engine.get(form.b)
        long = seconds(a, b, form.stack) > engine.settings.look_budget
        way = engine.giving_way(a, cancelled) if long else cancelled
        return engine.look(a, lambda a: compare(a, b, form.stack, report, way), cancelled, long=long)

    def followed(engine: Engine, report: Progress, cancelled: Cancelled) -> dict[str, Any]:
        return wire.with_warnings(wire.fields(work(engine, report, cancelled)))

    if accept is not None and EVENTS in accept.lower():
        return await stream(request, service, followed)
    wire.accepted(accept, [wire.JSON])
    return await service.job(request, written(lambda engine, cancelled: work(engine, lambda _: None, cancelled)))


@router.get("/compare/map", summary="Where a head differs", response_class=Response, responses=MATRICES)
async def read_difference(
    query: Annotated[CompareQuery, Query()],
    request: Request,
    service: ServiceOf,
    accept: Annotated[
        str | None, Header(description="application/json, application/vnd.safetensors or text/csv.")
    ] = None,
) -> Response:
    """`values` [1][1][rows][cols]: b minus a over paired tokens. A pooled bin has its largest difference, signed."""
    wanted = wire.accepted(accept)

    def question(engine: Engine, cancelled: Cancelled) -> tuple[DifferenceAnswer, wire.Labels]:
        from app.analyses.compare import difference

        a, b = engine.get(query.a), engine.get(query.b)
        parameters = query.model_dump(exclude={"a", "b", "dtype"})
        answer = engine.look(a, lambda a: difference(a, b, **parameters), cancelled)
        rows, cols = a.tokens_of(answer.stack)
        return answer, (
            wire.unit_labels(rows, answer.units, answer.row_edges),
            wire.unit_labels(cols, answer.col_units, answer.col_edges),
        )

    def write(found: tuple[DifferenceAnswer, wire.Labels]) -> Response:
        return wire.matrices(found[0], wanted, query.dtype, found[1])

    return await service.look(request, written(question, write))
