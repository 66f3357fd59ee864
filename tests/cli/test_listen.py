"""The socket that the server listens on."""

from __future__ import annotations

import socket

from app.cli.serve import listen


def test_the_end_of_an_answer_is_not_held_back() -> None:
    """Without TCP_NODELAY on what it accepts, each small answer waits 40 ms for the client's acknowledgement."""
    with (
        listen("127.0.0.1", 0) as listener,
        socket.create_connection(listener.getsockname()),
        listener.accept()[0] as accepted,
    ):
        assert accepted.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
