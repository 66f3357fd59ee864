"""A deadline for the head of a request, which uvicorn has not: its keep-alive timer ends with the first byte.

A client that opens a connection and dribbles header lines (slow loris) is answered 408 and closed.
The body has its own deadline, in `body`.
"""

from __future__ import annotations

import asyncio
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol


def protocol_with_deadline(timeout: float) -> type[H11Protocol]:
    """A uvicorn protocol that gives a client `timeout` seconds to send the head of a request."""

    class DeadlineProtocol(H11Protocol):
        deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._arm()

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is h11.IDLE and not self.transport.is_closing():
                self._arm()
            else:
                self._disarm()

        def connection_lost(self, exc: Exception | None) -> None:
            self._disarm()
            super().connection_lost(exc)

        def _arm(self) -> None:
            if self.deadline is None:
                self.deadline = self.loop.call_later(timeout, self._expire)

        def _disarm(self) -> None:
            if self.deadline is not None:
                self.deadline.cancel()
                self.deadline = None

        def _expire(self) -> None:
            self.deadline = None
            if self.transport.is_closing() or self.conn.their_state is not h11.IDLE:
                return
            begun = bool(self.conn.trailing_data[0])
            if begun and self.conn.our_state is h11.IDLE:
                headers = [(b"content-length", b"0"), (b"connection", b"close")]
                answer = h11.Response(status_code=408, headers=headers, reason=b"Request Timeout")
                self.transport.write((self.conn.send(answer) or b"") + (self.conn.send(h11.EndOfMessage()) or b""))
            self.transport.close()

    return DeadlineProtocol
