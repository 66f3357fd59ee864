"""Moving the mouse over the tokens of the Heads view: the scripting of each move, measured by the page itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from shutil import which
from statistics import median
from urllib.parse import urlencode

from playwright.sync_api import Page, sync_playwright

from benchmarks import peers
from benchmarks.row import Row
from benchmarks.server import serving
from benchmarks.texts import take

TOKENS = 128
HEADS = 12
MOVES = 120
FRAME = 16.0
"""The page marks each redraw for a hover with `performance.measure` under this name; `duration` is its scripting."""
MEASURE = "heads-hover"


def measure() -> list[Row]:
    text = take(peers.tokenizer("minilm"), TOKENS, 1)[0]
    with serving() as server, _page() as page:
        server.run("minilm", text)
        durations = _hover(page, server.address, text)
    worst, middle = max(durations), median(durations)
    what = f"hover in Heads, the slowest of {len(durations)} moves, {TOKENS} tokens, {HEADS} heads"
    return [Row(what, worst, None, "", "ms", "ours", FRAME, note=f"median {middle:.1f} ms")]


def _hover(page: Page, address: str, text: str) -> list[float]:
    """Milliseconds of scripting for each move over the picture."""
    query = urlencode({"model": "minilm", "view": "heads", "layer": 3})
    page.goto(f"{address}/?{query}#{urlencode({'text': text})}")
    page.wait_for_selector("#view canvas")
    page.wait_for_load_state("networkidle")
    box = page.locator("#view canvas").first.bounding_box()
    assert box is not None
    for move in range(MOVES):
        x = box["x"] + box["width"] * (0.1 if move % 2 else 0.9)
        page.mouse.move(x, box["y"] + box["height"] * (move + 0.5) / MOVES)
        page.wait_for_timeout(20)
    entries = page.evaluate(f"JSON.stringify(performance.getEntriesByName({MEASURE!r}).map(e => e.duration))")
    durations: list[float] = json.loads(entries)
    if len(durations) < MOVES / 4:
        raise RuntimeError(f"the page measured {len(durations)} hovers in {MOVES} moves")
    return durations


@contextmanager
def _page() -> Iterator[Page]:
    chromium = which("chromium") or which("chromium-browser") or which("google-chrome")
    with sync_playwright() as play:
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-gpu"])
        try:
            yield browser.new_page(viewport={"width": 1280, "height": 900})
        finally:
            browser.close()
