"""Who may ask, and what every answer carries: one ASGI middleware in front of everything.

In this order: the Host must be one of ours (or a page elsewhere could rebind its name to this
machine), requests that another site's page makes are refused wherever they could do or read
something, and, bound to more than loopback, a token is asked for. Every answer, refusals included,
carries the security headers.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.errors import CrossSite, ForbiddenHost, HeadlightError, Unauthorized
from app.settings import LOOPBACK, Settings
from app.web import problems

COOKIE = "headlight_session"

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'self'",
        "script-src 'self'",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "connect-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    )
)

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",  # not "no-referrer": a form would then send "Origin: null", and /login refuse it
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}

# What is answered without a token. Everything under /static/ is too.
OPEN_PATHS = ("/api/health", "/login", "/favicon.ico")


@dataclass(frozen=True, slots=True)
class Guard:
    """The rules of one server. `token` is None where none is asked for; a host of "*" lets every name in.

    `any_address`: it listens on every address of the machine, and any number is answered as Host. Only a name can be
    made to lead here by a stranger (DNS rebinding).
    """

    hosts: frozenset[str]
    token: str | None
    any_address: bool = False

    @property
    def session(self) -> str:
        """The value of the cookie: derived from the token, so that the token itself stays out of the browser."""
        assert self.token is not None
        return hmac.new(self.token.encode(), b"headlight session", hashlib.sha256).hexdigest()

    def refusal(self, scope: Scope) -> HeadlightError | None:
        """Why this request is refused, or None."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        name = host_name(host)
        if name is None or not self.answers(name):
            return ForbiddenHost(
                "The Host of the request is not one that is answered here.",
                "Use the address the server printed, or add the name to the setting allowed_hosts.",
            )
        guarded = scope["path"].startswith("/api") or scope["method"] not in ("GET", "HEAD")
        if guarded and not same_origin(headers, host):
            return CrossSite("The request comes from a page of another site.", "Open the page of this server itself.")
        if self.token is not None and not is_open(scope["path"]) and not self.knows(headers):
            return Unauthorized("This server asks for its token.", "Send Authorization: Bearer, or sign in at /login.")
        return None

    def answers(self, name: str) -> bool:
        """Is this, of a Host, one that is answered here?"""
        return "*" in self.hosts or name in self.hosts or (self.any_address and is_address(name))

    def knows(self, headers: Headers) -> bool:
        """Does the request carry the token, or the cookie that stands for it? Compared in constant time."""
        assert self.token is not None
        scheme, _, given = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self.is_token(given.strip()):
            return True
        return hmac.compare_digest(cookie(headers).encode(), self.session.encode())

    def is_token(self, given: str) -> bool:
        """Is this the access token? Compared in constant time."""
        assert self.token is not None
        return hmac.compare_digest(given.encode("utf-8", "surrogatepass"), self.token.encode())


def guard_of(settings: Settings) -> Guard:
    """The guard that the settings ask for. Raises ValueError where a token is needed and there is none."""
    elsewhere = not is_loopback(settings.host)
    if elsewhere and settings.token is None:
        raise ValueError("listening on more than loopback needs a token")
    anywhere = settings.host in ("0.0.0.0", "::", "")
    own = () if anywhere else (settings.host,)
    return Guard(frozenset(canonical(name) for name in (*settings.allowed_hosts, *own)), settings.token, anywhere)


def is_address(name: str) -> bool:
    """Is it a number and no name?

    >>> is_address("192.168.1.5"), is_address("::1"), is_address("headlight.example")
    (True, True, False)
    """
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True


def is_loopback(host: str) -> bool:
    """Does listening on `host` reach only this machine?

    >>> is_loopback("::1"), is_loopback("127.0.0.2"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in LOOPBACK


def canonical(name: str) -> str:
    """One spelling for a host: lower case, no final dot, addresses in their shortest form, no brackets."""
    bare = name.removeprefix("[").removesuffix("]").lower().removesuffix(".")
    try:
        return str(ipaddress.ip_address(bare))
    except ValueError:
        return bare


def host_and_port(host: str) -> tuple[str, int | None] | None:
    """The name and port of a Host header, or None where it is malformed.

    >>> host_and_port("[::1]:8000"), host_and_port("localhost"), host_and_port("a@b"), host_and_port("::1")
    (('::1', 8000), ('localhost', None), None, None)
    """
    if not host or any(sign in host for sign in "/@?#\\ \t,"):
        return None
    try:
        parts = urlsplit(f"//{host}")
        name, port = parts.hostname, parts.port
    except ValueError:
        return None
    if not name or (":" in name and not host.startswith("[")):
        return None
    return canonical(name), port


def host_name(host: str) -> str | None:
    """The canonical name in a Host header, or None where it is malformed."""
    parsed = host_and_port(host)
    return parsed[0] if parsed else None


def same_origin(headers: Headers, host: str) -> bool:
    """Was this asked by our own page, or by a program? Browsers tell in Sec-Fetch-Site and Origin."""
    if headers.get("sec-fetch-site", "none") not in ("same-origin", "none"):
        return False
    origins = headers.getlist("origin")
    return all(_is_own(origin, host) for origin in origins)


def _is_own(origin: str, host: str) -> bool:
    scheme, separator, rest = origin.partition("://")
    if not separator or scheme not in ("http", "https"):
        return False
    usual = 443 if scheme == "https" else 80
    theirs, ours = host_and_port(rest), host_and_port(host)
    if theirs is None or ours is None:
        return False
    return (theirs[0], theirs[1] or usual) == (ours[0], ours[1] or usual)


def is_open(path: str) -> bool:
    """Is this answered without a token?"""
    return path in OPEN_PATHS or path.startswith("/static/")


def cookie(headers: Headers) -> str:
    """The session cookie of the request, or an empty string."""
    return cookie_parser("; ".join(headers.getlist("cookie"))).get(COOKIE, "")


class GuardMiddleware:
    """Refuses what the guard refuses and adds the headers to every answer."""

    def __init__(self, app: ASGIApp, guard: Guard) -> None:
        self.app, self.guard = app, guard

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            if scope["type"] == "lifespan":
                await self.app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in HEADERS.items():
                    headers[name] = value
                headers.setdefault("Cache-Control", "no-store" if scope["path"].startswith("/api") else "no-cache")
            await send(message)

        refusal = self.guard.refusal(scope)
        if refusal is None:
            await self.app(scope, receive, send_with_headers)
        else:
            await refuse(refusal, scope)(scope, receive, send_with_headers)


def refuse(refusal: HeadlightError, scope: Scope) -> Response:
    """The problem; for a person who opened a page and has no token, the way to the login page."""
    wants_page = "text/html" in Headers(scope=scope).get("accept", "") and not scope["path"].startswith("/api")
    if isinstance(refusal, Unauthorized) and wants_page and scope["method"] in ("GET", "HEAD"):
        return RedirectResponse("/login", status_code=303)
    return problems.response(refusal)
