"""`POST /api/generate`: a text written step by step, with the new row of every head."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from fastapi import APIRouter, Request
from starlette.responses import Response

from app.web import wire
from app.web.body import StrictRoute
from app.web.forms import GenerateForm
from app.web.openapi import PROBLEMS, STREAM
from app.web.service import Cancelled, ServiceOf
from app.web.streams import Report, stream

if TYPE_CHECKING:
    from app.models.engine import Engine
    from app.models.loaded import LoadedModel
    from app.models.progress import Cancelled as IsCancelled
    from app.models.writing import Prompt

router = APIRouter(prefix="/api", tags=["predictions"], route_class=StrictRoute, responses=PROBLEMS)


@router.post("/generate", summary="Write on, step by step", response_class=Response, responses=STREAM)
async def generate(form: GenerateForm, request: Request, service: ServiceOf) -> Response:
    """Events `start` (the tokens written on, and how tokens are chosen), then a `step` for each token, then `ready`.

    A step has the token, its candidates, what each step of the pipeline left, the draw, and `attention`: for every
    head the row of the query that predicts. To branch, send the ids up to the choice, with another last one, as
    `prefix_ids`. While the model is loaded there are events `progress`. The work stops when the client leaves.
    """

    def work(engine: Engine, report: Report, cancelled: Cancelled) -> dict[str, Any]:
        from app.analyses.generate import Sampling, check_sampling
        from app.analyses.generate import generate as write
        from app.models.run import RunRequest
        from app.models.writing import read_prompt

        chosen = form.model_dump(include={"temperature", "top_k", "top_p", "min_p", "seed", "limit", "size"})
        sampling = Sampling(**chosen)

        def read(model: LoadedModel) -> Prompt:
            asked = RunRequest(form.model, form.text, form.pair)
            prompt = read_prompt(model, asked, form.prefix_ids, form.steps, engine.settings)
            check_sampling(prompt, sampling)
            return prompt

        def steps(prompt: Prompt, between: IsCancelled) -> dict[str, Any]:
            def send(name: str, item: Any) -> None:
                report(wire.with_warnings(wire.fields(item)), name)

            answer = write(prompt, sampling, partial(send, "start"), partial(send, "step"), cancelled, between)
            return wire.with_warnings(wire.fields(answer))

        return engine.ask(form.model, read, steps, cancelled, report)

    return await stream(request, service, work)
