"""Reading a JSON body strictly: within a size, within a time, and only what the standard calls JSON.

Refused, each with its own problem: another content type or a compressed body (415), more bytes than
the limit even where no length was declared (413), a client that dribbles (408), invalid UTF-8, NaN,
Infinity, numbers beyond a double, names given twice, nesting beyond 1,024 (400), half a surrogate
pair (422). orjson refuses all of these but double names; the second reading finds those.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Coroutine
from email.message import Message
from typing import Any

import anyio
import orjson
from fastapi import Request
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from app.errors import (
    BodyTooLarge,
    Cancelled,
    InvalidJson,
    InvalidText,
    RequestTimeout,
    Unprocessable,
    UnsupportedMediaType,
)

# How much of a body that is too large is read and dropped before the answer. A connection that is closed
# while its client still sends is reset, and then the client never sees why.
DRAIN_BYTES = 8 * 1024 * 1024
DRAIN_SECONDS = 2.0


class JsonRequest(Request):
    """A request whose body was read and checked already."""

    def __init__(self, request: Request, data: bytes, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._data, self._value = data, value

    async def body(self) -> bytes:
        return self._data

    async def json(self) -> Any:
        return self._value


class StrictRoute(APIRoute):
    """A route that reads its body with `read_json` and takes each query parameter once."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()
        has_body = self.body_field is not None

        async def handler(request: Request) -> Response:
            if len(request.query_params) != len(request.query_params.multi_items()):
                raise Unprocessable("A query parameter is given twice.", "Give each of them once.")
            if has_body:
                settings = request.app.state.service.settings
                data = await read_body(request, settings.body_limit, settings.receive_timeout)
                request = JsonRequest(request, data, parse_json(data))
            elif request.method == "POST":
                request = JsonRequest(request, await read_nothing(request), None)
            return await handle(request)

        return handler


def check_content_type(request: Request) -> None:
    """Only `application/json`, UTF-8, not compressed."""
    message = Message()
    message["content-type"] = request.headers.get("content-type", "")
    charset = message.get_param("charset", "utf-8")
    right = message.get_content_type() == "application/json" and str(charset).lower() in ("utf-8", "utf8")
    if not right or "content-type" not in request.headers:
        raise UnsupportedMediaType("The body is not declared as JSON in UTF-8.", "Send Content-Type: application/json.")
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaType("The body is compressed.", "Send it without Content-Encoding.")


async def read_body(request: Request, limit: int, timeout: float) -> bytes:
    """The bytes of a JSON body."""
    check_content_type(request)
    return await read_bytes(request, limit, timeout)


async def read_nothing(request: Request) -> bytes:
    """The body where all there is to say is in the address: none, or a JSON object without names."""
    settings = request.app.state.service.settings
    data = await read_bytes(request, settings.body_limit, settings.receive_timeout)
    if data:
        check_content_type(request)
        if parse_json(data) != {}:
            raise Unprocessable("The body has something in it, and all is said in the address.", "Send {}, or no body.")
    return data


async def read_bytes(request: Request, limit: int, timeout: float) -> bytes:
    """The bytes of a body: at most `limit` of them, received within `timeout` seconds."""
    data = bytearray()
    stream = request.stream()
    try:
        if not _declares_more(request, limit):
            with anyio.fail_after(timeout):
                async for chunk in stream:
                    data += chunk
                    if len(data) > limit:
                        break
                else:
                    return bytes(data)
        await _drain(stream, timeout)
    except TimeoutError:
        raise RequestTimeout(f"The body did not arrive within {timeout:g} seconds.", "Send it faster.") from None
    except ClientDisconnect:
        raise Cancelled("The client left while it was sending.") from None
    raise BodyTooLarge(f"The body is over the limit of {limit} bytes.", "Send a shorter text.")


def _declares_more(request: Request, limit: int) -> bool:
    declared = request.headers.get("content-length", "")
    return declared.isascii() and declared.isdigit() and (len(declared) > 18 or int(declared) > limit)


async def _drain(stream: AsyncIterator[bytes], timeout: float) -> None:
    """Read on and forget, within DRAIN_BYTES and DRAIN_SECONDS."""
    dropped = 0
    with anyio.move_on_after(min(timeout, DRAIN_SECONDS)):
        async for chunk in stream:
            dropped += len(chunk)
            if dropped > DRAIN_BYTES:
                return


def parse_json(data: bytes) -> Any:
    """The value of a JSON text; every departure from the standard is refused.

    >>> parse_json(b'{"layer": 3}')
    {'layer': 3}
    """
    if not data:
        raise InvalidJson("The body is empty.", "Send a JSON object.")
    try:
        orjson.loads(data)
        return json.loads(data, object_pairs_hook=_without_doubles)
    except (ValueError, RecursionError) as error:
        if "surrogate in string" in str(error):
            raise InvalidText("The text has half of a surrogate pair.", "Send whole characters.") from None
        raise InvalidJson("The body is not JSON as RFC 8259 defines it.", "Check it with a JSON validator.") from None


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise InvalidJson("An object in the body has the same name twice.", "Give each name once.")
    return made
