"""What the tests of the pictures share: links, texts, and ears for what a canvas is told to write."""

from __future__ import annotations

from urllib.parse import urlencode

from playwright.sync_api import BrowserContext, Page

PRONOUN = "The animal did not cross the street because it was too tired."
STORE = "When Mary and John went to the store, John gave a drink to"
LONG = " ".join(
    f"In chapter {i} the narrator walks to the harbour, counts {3 * i} ships, "
    "and remembers what her mother said about the weather."
    for i in range(1, 20)
)  # 458 tokens of MiniLM

# Every text that is written on a canvas, with its place, until `written` is emptied.
LISTEN = """
window.written = [];
const original = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y) {
  window.written.push({ text, x, y });
  return original.call(this, text, x, y);
};
"""


def link(text: str, pair: str | None = None, **selection: object) -> str:
    fragment = {"text": text} if pair is None else {"text": text, "pair": pair}
    return f"/?{urlencode(selection)}#{urlencode(fragment)}"


def listen(context: BrowserContext) -> None:
    context.add_init_script(LISTEN)


def written(page: Page) -> list[dict]:
    """What was written on a canvas since the last call, as dicts of text, x and y."""
    return page.evaluate("() => window.written.splice(0)")


def weight(value: float) -> str:
    """As the page writes a weight: three decimals, four below 0.01."""
    return f"{value:.3f}" if value >= 0.01 else f"{value:.4f}"


def said(page: Page) -> str:
    return page.locator("#live").inner_text()
