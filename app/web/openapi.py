"""What /openapi.json says beyond the forms: the problem document, the formats of matrices, the streams."""

from __future__ import annotations

from typing import Any

from app.web import wire
from app.web.problems import MEDIA_TYPE

PROBLEM_SCHEMA: dict[str, Any] = {
    "type": "object",
    "required": ["type", "title", "status", "code", "detail", "hint"],
    "properties": {
        "type": {"type": "string", "format": "uri"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "code": {"type": "string", "description": "A stable word, such as `model-unknown`."},
        "detail": {"type": "string", "description": "What is wrong."},
        "hint": {"type": "string", "description": "The one thing to do."},
    },
}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA_TYPE: {"schema": PROBLEM_SCHEMA}}}


PROBLEMS: dict[int | str, dict[str, Any]] = {
    "4XX": _problem("The caller's mistake; 422 for what can never be answered."),
    "5XX": _problem("501: this version cannot do it. 503: busy, try again after Retry-After."),
    422: _problem("Read, and can never be answered as it is."),
}

MATRICES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The maps.",
        "content": {
            wire.JSON: {"schema": {"type": "object"}},
            wire.SAFETENSORS: {"schema": {"type": "string", "format": "binary"}},
            wire.CSV: {"schema": {"type": "string"}},
        },
    }
}

STREAM: dict[int | str, dict[str, Any]] = {
    200: {"description": "Server-sent events.", "content": {"text/event-stream": {"schema": {"type": "string"}}}}
}
