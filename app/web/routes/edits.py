"""`POST /api/runs/{run}/edits`: the prediction before and after something was taken out of the pass."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.web.asking import written
from app.web.body import StrictRoute
from app.web.forms import EditForm, EditsForm
from app.web.openapi import PROBLEMS
from app.web.service import Cancelled, ServiceOf

if TYPE_CHECKING:
    from app.analyses.edits import EditsAnswer
    from app.attention.edits import Knockout
    from app.models.engine import Engine

router = APIRouter(prefix="/api", tags=["causes"], route_class=StrictRoute, responses=PROBLEMS)


@router.post("/runs/{run}/edits", summary="Knock out heads, layers, edges and tokens", response_class=Response)
async def make_edits(run: str, form: EditsForm, request: Request, service: ServiceOf) -> Response:
    """One forward pass with all edits at once: `before` and `after`, `changes` of logits, `kl` in nats, `flips`.

    A token is hidden from every other query in every layer; in an encoder-decoder, one of the `encoder` from the
    decoder too. `mode` is about heads and layers.
    """

    def question(engine: Engine, cancelled: Cancelled) -> EditsAnswer:
        from app.analyses.edits import edits
        from app.analyses.pace import pass_seconds

        found = engine.get(run)
        asked = [knockout(one) for one in form.edits]
        parts: dict[str, Any] = form.model_dump(exclude={"edits"})
        long = pass_seconds(found) > engine.settings.look_budget
        way = engine.giving_way(found, cancelled) if long else cancelled
        return engine.look(found, lambda run: edits(run, asked, cancelled=way, **parts), cancelled, long=long)

    return await service.job(request, written(question))


def knockout(form: EditForm) -> Knockout:
    """The edit as the analysis takes it; the stack's name may be missing."""
    from app.attention.edits import Knockout
    from app.errors import Unprocessable

    parts = form.model_dump()
    if parts["edge"] is not None and form.kind != "edge":
        raise Unprocessable("Only an edit of kind edge has an `edge`.", "Leave `edge` out.")
    return Knockout(**parts | {"stack": form.stack or "", "edge": form.edge or "resoftmax"})
