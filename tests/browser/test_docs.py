"""The page of the API: Swagger UI, served by us, under the same policy as every page."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, WIDE, Open


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, NARROW])
def test_the_api_is_drawn_and_can_be_tried(open_page: Open, theme: str, size) -> None:
    page = open_page("/docs", size=size, theme=theme, drawn=False)
    paths = page.request.get(page.url.replace("/docs", "/openapi.json")).json()["paths"]
    expect(page.locator(".opblock")).to_have_count(sum(len(methods) for methods in paths.values()))
    assert ("dark-mode" in (page.locator("html").get_attribute("class") or "")) == (theme == "dark")
    health = page.locator("#operations-operations-health_api_health_get")
    health.locator(".opblock-summary-control").click()
    health.get_by_role("button", name="Try it out").click()
    health.get_by_role("button", name="Execute").click()
    expect(health.locator(".live-responses-table tbody .response-col_status")).to_contain_text("200")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
