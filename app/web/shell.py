"""The outer ASGI layers that know nothing of the application: HEAD, and exceptions nobody expected."""

from __future__ import annotations

import logging

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.web import problems

log = logging.getLogger("headlight")


class HeadAsGet:
    """Answers HEAD wherever GET is answered: the same headers, no body (RFC 9110, 9.3.2)."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self.app(scope, receive, send)
            return

        async def send_head(message: Message) -> None:
            if message["type"] == "http.response.body":
                message = {**message, "body": b""}
            await send(message)

        inner = {**scope, "method": "GET"}
        try:
            await self.app(inner, receive, send_head)
        finally:
            if "route" in inner:
                scope["route"] = inner["route"]


class CatchAll:
    """Turns an exception that nobody expected into a 500 problem: the traceback in the log, none of it in the answer.

    Once an answer has begun it can only be cut off, which raising does.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        started = False

        async def watch(message: Message) -> None:
            nonlocal started
            started = started or message["type"] == "http.response.start"
            await send(message)

        try:
            await self.app(scope, receive, watch)
        except Exception:
            if scope["type"] != "http" or started:
                raise
            log.exception("unexpected error in %s", scope["method"])
            await problems.response(problems.internal())(scope, receive, send)
