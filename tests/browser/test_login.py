"""A server that listens beyond its machine: the page is behind a token, and a person can sign in."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, expect

from tests.browser.conftest import serving

TOKEN = "a-token-for-this-test-only"


def test_signing_in(browser: Browser) -> None:
    options = ("--host", "0.0.0.0", "--allowed-host", "127.0.0.1", "--token", TOKEN, "--no-warm")
    with serving(*options) as address:
        page = browser.new_page()
        page.goto(f"http://127.0.0.1:{address.rpartition(':')[2]}/")
        assert page.url.endswith("/login")
        assert Axe().run(page).response["violations"] == []
        page.get_by_label("Token").fill("not the token")
        page.get_by_role("button", name="Sign in").click()
        expect(page.get_by_role("alert")).to_have_text("That is not the token.")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator("#strip .chip")).to_have_count(15, timeout=60_000)
        assert TOKEN not in page.url
        page.close()
