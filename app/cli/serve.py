"""`headlight serve`: the page and the API, until told to stop."""

from __future__ import annotations

import errno
import gc
import logging
import secrets
import socket
import threading
import webbrowser
from typing import TYPE_CHECKING, Annotated

import typer
import uvicorn

from app.cli.options import UsageError
from app.settings import Settings
from app.web.guard import is_loopback
from app.web.protocol import protocol_with_deadline

if TYPE_CHECKING:
    from app.web.service import Service

GRACE_SECONDS = 3
"""How long answers may take to end, once the work behind them was told to stop."""


def serve(
    settings: Settings, open_page: Annotated[bool, typer.Option("--open", help="Open the page in a browser.")] = False
) -> None:
    """Serve the page and the API."""
    gc.disable()  # until the engine is up, see start_engine: a third of the time until then
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    if settings.token is None and not is_loopback(settings.host):
        settings = settings.model_copy(update={"token": secrets.token_urlsafe(24)})
        typer.echo(f"Access token: {settings.token}")
    listener = listen(settings.host, settings.port)
    address = url(settings.host, listener.getsockname()[1])

    from app.server import create_app
    from app.web.service import start_engine

    app = create_app(settings, start_engine(settings))
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        server_header=False,
        ws="none",
        http=protocol_with_deadline(settings.receive_timeout),
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    try:
        AnnouncingServer(config, address, open_page, app.state.service).run(sockets=[listener])
    except KeyboardInterrupt:
        typer.echo("Stopped.")


class AnnouncingServer(uvicorn.Server):
    """Says where it is once it can answer, and gives all work up once it is told to end."""

    def __init__(self, config: uvicorn.Config, address: str, open_page: bool, service: Service) -> None:
        super().__init__(config)
        self.address, self.open_page, self.service = address, open_page, service

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            typer.echo(f"Headlight answers at {self.address}")
            if self.open_page:
                threading.Thread(target=webbrowser.open, args=(self.address,), daemon=True).start()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.service.close()
        await super().shutdown(sockets)


def listen(host: str, port: int) -> socket.socket:
    """A socket that listens on the address. Raises UsageError where that cannot be."""
    try:
        family, _, _, _, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        listener = socket.create_server(place[:2], family=family, backlog=2048)
        # Each connection inherits it. Without it the kernel holds back the end of an answer for 40 ms; asyncio sets it
        # only on sockets that it made itself.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return listener
    except socket.gaierror:
        raise UsageError("--host is not an address of this machine") from None
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise UsageError(f"port {port} is in use already; choose another with --port, or 0 for any") from None
        reason = (error.strerror or "it is refused").lower()
        raise UsageError(f"cannot listen on port {port} of that host: {reason}") from None


def url(host: str, port: int) -> str:
    """The address to open: of this machine where every address is listened on.

    >>> url("::1", 8000), url("0.0.0.0", 80)
    ('http://[::1]:8000', 'http://127.0.0.1:80')
    """
    name = {"0.0.0.0": "127.0.0.1", "::": "::1", "": "127.0.0.1"}.get(host, host)
    return f"http://[{name}]:{port}" if ":" in name else f"http://{name}:{port}"
