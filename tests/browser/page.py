"""What the tests say of the page: its parts, its numbers, and answers that a server could have given."""

from __future__ import annotations

import json
from collections.abc import Callable

from playwright.sync_api import Locator, Page, Route

FIRST = "The animal did not cross the street because it was too tired."
EVIL = "<img src=x onerror=\"document.title='owned'\">"
VIEWS = (
    "heads", "map", "grid", "roles", "neuron", "compare", "lenses", "tokens", "next", "surprisal", "logit-lens",
    "causes", "generate", "whatif", "attribution", "saliency",
)  # fmt: skip
WRITES_WORDS = ("next", "surprisal", "logit-lens", "causes", "generate", "attribution", "saliency")
"""The views that minilm, which predicts no words, has nothing for."""


def chip(page: Page, index: int) -> Locator:
    """A token of the strip, where there is one strip."""
    return page.locator(f"#strip .chip[data-index='{index}']")


def top(page: Page) -> list[tuple[int, str]]:
    """The list in the aside: index and number of the strongest partners."""
    rows = page.locator("#aside .top li").all()
    return [(int(row.locator(".top-index").inner_text()), row.locator(".top-value").inner_text()) for row in rows]


def problem(status: int, code: str, detail: str = "") -> Callable[[Route], None]:
    """Answers a request with a problem document."""
    body = {"title": f"Title of {code}", "status": status, "code": code, "detail": detail, "hint": "Do this."}
    return lambda route: route.fulfill(status=status, content_type="application/problem+json", body=json.dumps(body))
