"""Moving a slider of Next word by a key: from the browser's input event until the answer is painted.

The sliders are moved by the keyboard, as a person would, each of the four in turn and always to a value that was not
asked for before, so that no answer comes from the page's own cache. The clock starts at the `input` event's time stamp
and stops after the first frame in which the table of candidates and the steps hold the new answer. So it has the
page's scripts, the way to the server and back, the pipeline over the whole vocabulary, and the painting in it.
"""

from __future__ import annotations

from statistics import median, quantiles
from urllib.parse import urlencode

from playwright.sync_api import Page

from benchmarks.browser import opened
from benchmarks.row import Row
from benchmarks.server import serving

TEXT = "When Mary and John went to the store, John gave a drink to"
START = {"temperature": 0.5, "top_k": 5, "top_p": 0.6, "min_p": 0.02, "draw": 3}
SLIDERS = ("temperature", "top-k", "top-p", "min-p")
ROUNDS = 12
WARM = 4
BAR = 50.0
WATCH = """
() => {
  window.move = new Promise((done) => {
    let start = 0;
    addEventListener('input', (event) => { start = event.timeStamp; }, { capture: true, once: true });
    const watch = new MutationObserver(() => {
      watch.disconnect();
      requestAnimationFrame(() => {
        const painted = new MessageChannel();
        painted.port1.onmessage = () => done(performance.now() - start);
        painted.port2.postMessage(0);
      });
    });
    watch.observe(document.querySelector('div.next-table'), { childList: true, subtree: true, attributes: true });
  });
}
"""


def measure() -> list[Row]:
    with serving() as server, opened() as page:
        server.run("smollm2", TEXT)
        query = urlencode({"model": "smollm2", "view": "next", **START})
        page.goto(f"{server.address}/?{query}#{urlencode({'text': TEXT})}")
        page.locator(".next-row[data-id]").first.wait_for()
        page.wait_for_load_state("networkidle")
        vocab = int(page.locator(".next-step[data-step=logits] .next-did").inner_text().split()[0].replace(",", ""))
        moves = [_move(page, SLIDERS[i % 4]) for i in range(WARM + 4 * ROUNDS)][WARM:]
    what = f"a move of a slider in Next word until it is painted, smollm2, {vocab:,} word pieces"
    note = f"median of {len(moves)} moves; nine of ten within {quantiles(moves, n=10)[-1]:.0f} ms"
    return [Row(what, median(moves), None, "", "ms", "ours", BAR, note)]


def _move(page: Page, slider: str) -> float:
    """Milliseconds that one press of a key on a slider took. Raises RuntimeError where nothing moved."""
    page.locator(f"#next-{slider}").focus()
    before = page.locator(f"#next-{slider}").input_value()
    page.evaluate(WATCH)
    page.keyboard.press("ArrowRight")
    spent = float(page.evaluate("() => window.move"))
    if page.locator(f"#next-{slider}").input_value() == before:
        raise RuntimeError(f"the slider {slider} did not move")
    page.wait_for_load_state("networkidle")
    return spent
