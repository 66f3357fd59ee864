"""Every error as a problem document (RFC 9457): `{"type", "title", "status", "code", "detail", "hint"}`.

Nothing in a problem comes from the caller. Validation errors of pydantic carry the input, so they are
put into our own words here and the rest is dropped.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import orjson
from fastapi import Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response

from app.errors import HeadlightError, MethodNotAllowed, NotFound, Unauthorized, Unprocessable

MEDIA_TYPE = "application/problem+json"

# After these the rest of the request may still be on its way, so the connection cannot be used again.
UNREAD = (408, 413)


def problem(error: HeadlightError) -> dict[str, Any]:
    """The document of an error, ready for JSON."""
    return {
        "type": f"tag:headlight,2026:{error.code}",
        "title": error.title,
        "status": error.status,
        "code": error.code,
        "detail": error.detail,
        "hint": error.hint,
    }


def response(error: HeadlightError, headers: Mapping[str, str] | None = None) -> Response:
    """The problem document as a response, with the headers that its status asks for."""
    extra = dict(headers or {})
    if error.retry_after is not None or error.status == 503:
        extra["Retry-After"] = str(error.retry_after or 1)
    if isinstance(error, Unauthorized):
        extra["WWW-Authenticate"] = "Bearer"
    if error.status in UNREAD:
        extra["Connection"] = "close"
    return Response(orjson.dumps(problem(error)), error.status, extra, MEDIA_TYPE)


def internal() -> HeadlightError:
    """What a caller is told about an exception that nobody expected."""
    return HeadlightError("The server made a mistake; it is written in its log.", "Try something else, or report it.")


def from_http(error: HTTPException) -> HeadlightError:
    """What the router raises: 404 and 405 mostly."""
    if error.status_code == 404:
        return NotFound("No page and no resource has this address.", "See /docs for the addresses there are.")
    if error.status_code == 405:
        return MethodNotAllowed("This address does not take that method.", "See the Allow header, or /docs.")
    made = HeadlightError("The request was refused.")
    made.status = error.status_code
    made.code = "refused"
    made.title = HTTPStatus(error.status_code).phrase
    return made


def from_validation(request: Request, error: RequestValidationError) -> Unprocessable:
    """The first thing that is wrong, in our words. Unknown names are not repeated: the caller chose them."""
    found = error.errors()
    return describe(found, known_names(request.scope.get("route"), str(found[0]["loc"][0])))


def known_names(route: Any, place: str) -> tuple[str, ...]:
    """The names that a route's body or query takes; none where that cannot be told."""
    dependant = getattr(route, "dependant", None)
    params = getattr(dependant, "body_params" if place == "body" else "query_params", [])
    models = (param.field_info.annotation for param in params)
    return tuple(name for model in models for name in getattr(model, "model_fields", ()))


def describe(errors: Sequence[Mapping[str, Any]], known: Sequence[str] = ()) -> Unprocessable:
    """One sentence for pydantic's list of errors. `known`: the names there are, for the hint.

    >>> describe([{"type": "missing", "loc": ("body", "text"), "msg": "Field required"}]).detail
    '`text` is missing.'
    """
    first = errors[0]
    kind, message, location = str(first["type"]), str(first["msg"]), tuple(first["loc"])
    if kind == "extra_forbidden":
        place = "The body" if location[:1] == ("body",) else "The query"
        hint = f"It takes {', '.join(known)}." if known else "See /docs for the names there are."
        return Unprocessable(f"{place} has a name that is not known here.", hint)
    hint = "See /docs for what is allowed."
    name = ".".join(str(part) for part in location[1:]) or "the body"
    where = f"`{name}`" if location[1:] else "The body"
    if kind == "missing":
        return Unprocessable(f"{where} is missing.", "Add it.")
    if kind == "value_error":
        return Unprocessable(f"{where}: {message.removeprefix('Value error, ')}", hint)
    if kind in ("model_attributes_type", "model_type", "dict_type"):
        return Unprocessable(f"{where} must be a JSON object.", hint)
    if message.startswith("Input should be "):
        return Unprocessable(f"{where} must be {message.removeprefix('Input should be ')}.", hint)
    return Unprocessable(f"{where} is not valid.", hint)


async def on_headlight_error(_: Request, error: Exception) -> Response:
    """Handler for our own errors."""
    assert isinstance(error, HeadlightError)
    return response(error)


async def on_validation_error(request: Request, error: Exception) -> Response:
    """Handler for requests that do not fit the models of a route."""
    assert isinstance(error, RequestValidationError)
    return response(from_validation(request, error))
