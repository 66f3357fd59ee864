"""Where the templates and static files are, and files of other packages that we serve ourselves.

In a checkout they are the folders `templates/` and `static/`; a wheel carries them inside the package
as `app/_assets/`.
"""

from __future__ import annotations

import gzip
import hashlib
from functools import lru_cache
from importlib.metadata import distribution
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

PACKAGED = Path(__file__).resolve().parent.parent / "_assets"
CHECKOUT = PACKAGED.parent.parent


def folder(name: str) -> Path:
    """The folder `templates` or `static`."""
    packaged = PACKAGED / name
    return packaged if packaged.is_dir() else CHECKOUT / name


class PackageFile:
    """One file of an installed package, compressed once, when it is first asked for.

    Megabytes of minified JavaScript (Plotly, Swagger UI) shrink to a third; compressing them for each
    request would cost a quarter of a second.
    """

    def __init__(self, package: str, path: str, media_type: str) -> None:
        self.package, self.path, self.media_type = package, path, media_type
        self._load = lru_cache(maxsize=1)(self._read)

    def _read(self) -> tuple[bytes, bytes, str]:
        data = Path(str(distribution(self.package).locate_file(self.path))).read_bytes()
        return data, gzip.compress(data, 6, mtime=0), f'"{hashlib.sha256(data).hexdigest()[:32]}"'

    def serve(self, request: Request) -> Response:
        """The file, gzipped for those who take it; 304 for those who have it."""
        plain, zipped, etag = self._load()
        headers = {"ETag": etag, "Vary": "Accept-Encoding", "Cache-Control": "no-cache"}
        if etag in request.headers.get("if-none-match", ""):
            return Response(status_code=304, headers=headers)
        if takes_gzip(request.headers):
            return Response(zipped, headers=headers | {"Content-Encoding": "gzip"}, media_type=self.media_type)
        return Response(plain, headers=headers, media_type=self.media_type)


def takes_gzip(headers: Headers) -> bool:
    """Does the client accept gzip (and not with weight 0)?"""
    for part in headers.get("accept-encoding", "").lower().split(","):
        coding, _, weight = part.strip().partition(";")
        if coding.strip() == "gzip":
            return weight.replace(" ", "") not in ("q=0", "q=0.0", "q=0.00", "q=0.000")
    return False


def vendor() -> dict[str, PackageFile]:
    """By address, what other packages bring and the pages need."""
    swagger = "fastapi_swagger/resources"
    return {
        "/static/plotly.min.js": PackageFile("plotly", "plotly/package_data/plotly.min.js", "text/javascript"),
        "/static/swagger-ui.js": PackageFile("fastapi-swagger", f"{swagger}/swagger-ui-bundle.js", "text/javascript"),
        "/static/swagger-ui.css": PackageFile("fastapi-swagger", f"{swagger}/swagger-ui.css", "text/css"),
    }
