"""Takes the README's picture from the running app: `python docs/picture.py` writes docs/heads.png."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import which
from urllib.parse import urlencode

from playwright.sync_api import ViewportSize, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))

from app.examples import EXAMPLES  # noqa: E402
from benchmarks.server import serving  # noqa: E402

SIZE = ViewportSize(width=1120, height=850)


def main() -> None:
    """Open the first example as a person would, point at the pronoun, and keep what is seen."""
    text = EXAMPLES[0].text
    chromium = which("chromium") or which("chromium-browser") or which("google-chrome")
    with serving() as server, sync_playwright() as play:
        server.run("minilm", text)
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page(viewport=SIZE, color_scheme="light")
        pronoun = text.split().index("it") + 1
        query = urlencode({"model": "minilm", "view": "heads", "layer": 3, "query": pronoun, "heads": "1,3,7"})
        page.goto(f"{server.address}/?{query}#{urlencode({'text': text})}")
        page.wait_for_selector(".heads-chip")
        page.wait_for_load_state("networkidle")
        page.wait_for_timeout(500)
        page.screenshot(path=str(ROOT / "docs" / "heads.png"))
        browser.close()


if __name__ == "__main__":
    main()
