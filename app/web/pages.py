"""The HTML pages: `/`, `/labs`, `/docs`, `/login`, and the page for what is not there.

Templates come from `templates/`, escaped by default. What a page needs to start is written into it as
JSON in a script block of type `application/json`, which no browser runs.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qs

from fastapi import Request
from jinja2 import Environment, FileSystemLoader
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from app import __version__
from app.examples import EXAMPLES
from app.web import assets, problems, wire
from app.web.body import read_bytes
from app.web.guard import COOKIE, Guard
from app.web.service import Service

FORM_LIMIT = 4096


class Pages:
    """The pages of one application. `guard` is asked whether a login is right, `service` what the page starts with."""

    def __init__(self, service: Service, guard: Guard) -> None:
        self.service, self.guard = service, guard
        self.templates = Environment(
            loader=FileSystemLoader(assets.folder("templates")), autoescape=True, trim_blocks=True, lstrip_blocks=True
        )
        # The filter `tojson` writes <, >, & and ' as \u escapes, so nothing in a text can end the script element.
        self.templates.policies["json.dumps_function"] = lambda value: wire.json_bytes(value).decode()
        self.templates.policies["json.dumps_kwargs"] = {}

    def routes(self) -> list[Route]:
        """The addresses of the pages."""
        return [
            Route("/", self.index, methods=["GET"]),
            Route("/labs", self.labs, methods=["GET"]),
            Route("/docs", self.docs, methods=["GET"]),
            Route("/login", self.login, methods=["GET", "POST"]),
        ]

    def render(self, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A template as a page; every template is given the version and whether somebody is to sign in here."""
        context |= {"version": __version__, "needs_login": self.guard.token is not None}
        return HTMLResponse(self.templates.get_template(template).render(**context), status)

    async def index(self, _: Request) -> Response:
        """The page that everything happens on."""
        return self.render("index.html", page="inspect", boot=await self.boot())

    async def boot(self) -> dict[str, Any]:
        """What the page starts with: the examples, the limits, the models when they are known already."""
        settings = self.service.settings
        known = {"models": await self.service.models()} if self.service.started() is not None else {}
        return {
            "version": __version__,
            "examples": examples(),
            "default_model": settings.default_model,
            "limits": self.service.limits(),
            "hub": settings.hub,
            **known,
        }

    async def labs(self, _: Request) -> Response:
        """The list of worked lessons."""
        return self.render("labs.html", page="labs", labs=[])

    async def docs(self, _: Request) -> Response:
        """The API, drawn from /openapi.json by Swagger UI; nothing of it comes from another host."""
        return self.render("docs.html", page="docs")

    async def login(self, request: Request) -> Response:
        """The form for the access token, and what it is sent to."""
        if self.guard.token is None:
            return RedirectResponse("/", status_code=303)
        if request.method != "POST":
            return self.render("login.html", failed=False)
        data = await read_bytes(request, FORM_LIMIT, self.service.settings.receive_timeout)
        given = parse_qs(data.decode("utf-8", "replace")).get("token", [""])[0]
        if not self.guard.is_token(given.strip()):
            return self.render("login.html", status=403, failed=True)
        answer = RedirectResponse("/", status_code=303)
        secure = request.url.scheme == "https"
        answer.set_cookie(COOKIE, self.guard.session, httponly=True, samesite="strict", secure=secure)
        return answer

    async def on_http_error(self, request: Request, error: Exception) -> Response:
        """What the router refuses: a problem, or a page for somebody who came with a browser."""
        assert isinstance(error, HTTPException)
        known = problems.from_http(error)
        browser = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api")
        if not browser:
            return problems.response(known, error.headers)
        page = self.render("error.html", status=known.status, error=problems.problem(known))
        page.headers.update(error.headers or {})
        return page


def examples() -> list[dict[str, Any]]:
    """The examples as the API gives them: `pair` only where there is one."""
    return [{name: value for name, value in wire.fields(example).items() if value is not None} for example in EXAMPLES]
