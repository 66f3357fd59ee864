"""Another head or another view in the browser: from the key or the click to the frame after the picture is painted.

Measured from outside. A script that the browser runs before the page's own takes the time stamp of the key or the
click, and then watches every frame for a change of the picture, in its elements or on a canvas. The picture is there
when nothing is being fetched and no frame has brought a change for a while; what counts is the frame after the one
that brought the last.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping
from pathlib import Path
from statistics import median
from urllib.parse import urlencode

from playwright.sync_api import Page

from benchmarks import peers
from benchmarks.browser import opened
from benchmarks.row import Row
from benchmarks.server import serving
from benchmarks.texts import take

TOKENS = 128
BAR = 100.0
MODELS: tuple[peers.Name, ...] = ("minilm", "smollm2")
VIEWS = ("heads", "map", "grid", "roles", "neuron", "lenses", "tokens")
WITH_HEADS = ("heads", "map", "grid", "neuron")
HEADS = 24
ROUNDS = 10
WATCH = Path(__file__).with_name("switch_watch.js").read_text()
Times = dict[str, list[float]]


def measure() -> list[Row]:
    return [row for name in MODELS for row in _rows(name)]


def _rows(name: peers.Name) -> list[Row]:
    text = take(peers.tokenizer(name), TOKENS, 1)[0]
    with serving() as server, opened() as page:
        server.run(name, text)
        page.add_init_script(WATCH)

        def start(view: str) -> None:
            query = urlencode({"model": name, "view": view, "layer": 0, "head": 0, "heads": 0})
            page.goto("about:blank")
            page.goto(f"{server.address}/?{query}#{urlencode({'text': text})}")
            page.locator("#view[data-drawn]").wait_for()
            page.wait_for_load_state("networkidle")

        heads = {view: _heads(page, view, start) for view in WITH_HEADS}
        start("heads")
        first = {view: _open(page, view) for view in VIEWS[1:]}
        paint: float = page.evaluate("performance.getEntriesByName('grid-paint')[0].duration")
        views = _views(page)
    what = f"{name}, {TOKENS} tokens"
    slowest = max(first, key=first.__getitem__)
    return [
        Row(f"Grid's bytes to its first paint, {what}", paint, None, "", "ms", "ours", 200.0),
        _row(f"another head to its picture, {what}", heads),
        _row(f"another view to its picture, {what}", views),
        Row(
            f"a view of a run for the first time, {what}",
            first[slowest],
            None,
            "",
            "ms",
            note=f"the slowest, {slowest}",
        ),
    ]


def _row(what: str, times: Mapping[str, list[float]]) -> Row:
    """The view whose median is the largest counts."""
    medians = {view: median(found) for view, found in times.items()}
    slowest = max(medians, key=medians.__getitem__)
    note = f"the slowest view, {slowest}; the others {min(medians.values()):.0f} ms and more"
    return Row(what, medians[slowest], None, "", "ms", "ours", BAR, note)


def _views(page: Page) -> Times:
    """Round and round the tabs, each round at a head that was not looked at before."""
    times: Times = defaultdict(list)
    for turn in range(ROUNDS):
        _open(page, "map")
        _press(page, "ArrowRight" if turn < 6 else "ArrowUp")
        step = 1 + turn % (len(VIEWS) - 1)  # so that each view follows each other one
        for i in range(len(VIEWS)):
            view = VIEWS[(i * step + turn) % len(VIEWS)]
            if view != _view(page):
                times[view].append(_open(page, view))
    return times


def _heads(page: Page, view: str, start: Callable[[str], None]) -> list[float]:
    """Along the heads of a layer and back along the next one, no head twice."""
    start(view)
    return [
        _press(page, "ArrowUp" if turn % 6 == 5 else ("ArrowRight", "ArrowLeft")[turn // 6 % 2])
        for turn in range(HEADS)
    ]


def _view(page: Page) -> str:
    return str(page.locator("#view").get_attribute("data-view"))


def _open(page: Page, view: str) -> float:
    """Milliseconds from the click on the tab."""
    page.evaluate("watchSwitch('click')")
    page.locator(f"#tab-{view}").click()
    return float(page.evaluate("switched"))


def _press(page: Page, key: str) -> float:
    page.evaluate("watchSwitch('keydown')")
    page.keyboard.press(key)
    return float(page.evaluate("switched"))
