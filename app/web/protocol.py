"""A deadline and a size for a request's head, which uvicorn has not: its keep-alive timer ends with the first byte.

A client that opens a connection and dribbles header lines (slow loris) is answered 408 and closed; one whose head is
longer than LARGEST_HEAD, 431. The body has its own deadline and size, in `body`.
"""

from __future__ import annotations

import asyncio
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from app.limits import LARGEST_HEAD


def protocol_with_deadline(timeout: float) -> type[HttpToolsProtocol]:
    """A uvicorn protocol that gives a client `timeout` seconds to send the head of a request."""

    class DeadlineProtocol(HttpToolsProtocol):
        deadline: asyncio.TimerHandle | None = None
        begun = False
        """Has a head begun that is not complete?"""
        size = 0

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._arm()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.transport.is_closing():
                self._disarm()
                return
            self.size = self.size + len(data) if self.begun else 0
            if self.size > LARGEST_HEAD:
                self._refuse(b"431 Request Header Fields Too Large")
            elif self.begun or self._idle():
                self._arm()
            else:
                self._disarm()

        def on_message_begin(self) -> None:
            super().on_message_begin()
            self.begun = True

        def on_headers_complete(self) -> None:
            self.begun = False
            super().on_headers_complete()

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            super().connection_lost(exc)

        def _idle(self) -> bool:
            """Is no request being answered?"""
            return self.cycle is None or self.cycle.response_complete

        def _arm(self) -> None:
            if self.deadline is None:
                self.deadline = self.loop.call_later(timeout, self._expire)

        def _disarm(self) -> None:
            if self.deadline is not None:
                self.deadline.cancel()
                self.deadline = None

        def _expire(self) -> None:
            self.deadline = None
            if self.transport.is_closing():
                return
            if not self._idle():  # a second head dribbles in while the first request is answered: that goes first
                self._arm()
            elif self.begun:
                self._refuse(b"408 Request Timeout")
            else:
                self.transport.close()

        def _refuse(self, status: bytes) -> None:
            """Say so, where no other answer is on its way, and close."""
            self._disarm()
            if self._idle():
                self.transport.write(b"HTTP/1.1 " + status + b"\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            self.transport.close()

    return DeadlineProtocol
