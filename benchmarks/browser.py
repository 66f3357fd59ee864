"""A page in a real browser, for the figures that are about what a person sees."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which

from playwright.sync_api import Page, sync_playwright


@contextmanager
def opened() -> Iterator[Page]:
    chromium = which("chromium") or which("chromium-browser") or which("google-chrome")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser.new_page(viewport={"width": 1440, "height": 900})
        finally:
            browser.close()
