"""Moving the mouse over the tokens of the Heads view: how long the page's scripts run for one move.

Measured from outside: the browser's own count of the time spent in scripts (`ScriptDuration`), before each move and
two frames after it. So it holds everything that a move causes, wherever in the page it runs.
"""

from __future__ import annotations

from statistics import median
from urllib.parse import urlencode

from playwright.sync_api import CDPSession, Page

from benchmarks import peers
from benchmarks.browser import opened
from benchmarks.row import Row
from benchmarks.server import serving
from benchmarks.texts import take

TOKENS = 128
HEADS = 12
MOVES = 100
WARM = 10
FRAME = 16.0
# The middles of the tokens in the window, left and right in turn.
TOKENS_SEEN = """
() => {
  const middles = (side) => [...document.querySelectorAll(`[id^=heads-${side}-]`)]
    .map((token) => token.getBoundingClientRect())
    .filter((box) => box.top > 0 && box.bottom < innerHeight)
    .map((box) => [box.left + box.width / 2, box.top + box.height / 2]);
  const keys = middles('key');
  return middles('query').flatMap((point, i) => [point, keys[i]]);
}
"""
TWO_FRAMES = "new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done())))"


def measure() -> list[Row]:
    text = take(peers.tokenizer("minilm"), TOKENS, 1)[0]
    with serving() as server, opened() as page:
        server.run("minilm", text)
        query = urlencode({"model": "minilm", "view": "heads", "layer": 3})
        page.goto(f"{server.address}/?{query}#{urlencode({'text': text})}")
        moves = _moves(page)
    what = f"scripting of one hover in Heads, minilm, {TOKENS} tokens, all {HEADS} heads"
    note = f"the slowest of {len(moves)} moves; median {median(moves):.1f} ms"
    return [Row(what, max(moves), None, "", "ms", "ours", FRAME, note)]


def _moves(page: Page) -> list[float]:
    """Milliseconds of scripting for each move of the mouse, each onto another token, the two sides in turn."""
    page.locator(".heads-chip[aria-pressed=true]").nth(HEADS - 1).wait_for()
    page.wait_for_load_state("networkidle")
    page.locator(".heads-scroll").scroll_into_view_if_needed()
    points: list[list[float]] = page.evaluate(TOKENS_SEEN)
    said = page.locator("#aside").inner_text()
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable")
    spent = []
    for move in range(WARM + MOVES):
        before = _script_seconds(session)
        page.mouse.move(*points[move % len(points)])
        page.evaluate(TWO_FRAMES)
        spent.append((_script_seconds(session) - before) * 1000)
    if page.locator("#aside").inner_text() == said:
        raise RuntimeError("the page does not say what is pointed at")
    return spent[WARM:]


def _script_seconds(session: CDPSession) -> float:
    metrics = session.send("Performance.getMetrics")["metrics"]
    return next(float(metric["value"]) for metric in metrics if metric["name"] == "ScriptDuration")
