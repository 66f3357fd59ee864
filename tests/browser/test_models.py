"""Models: picked, loaded with progress, stopped, of every kind, or none at all."""

from __future__ import annotations

import pytest
from playwright.sync_api import BrowserContext, expect

from tests.browser.conftest import Open, Watch, wait_drawn
from tests.browser.page import FIRST, problem

# A stream that stays open is made in the page itself: a route can only answer whole.
NEVER_READY = """
const real = window.fetch;
const stage = {stage: 'weights', done: 30, total: 120, message: 'Reading the weights'};
window.fetch = (url, options) => {
  if (!String(url).endsWith('/api/models/load')) return real(url, options);
  const body = new ReadableStream({ start(controller) {
    controller.enqueue(new TextEncoder().encode(`event: progress\\ndata: ${JSON.stringify(stage)}\\n\\n`));
    options.signal.addEventListener('abort', () => {
      window.left = true;
      controller.error(new DOMException('', 'AbortError'));
    });
  } });
  return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
};"""

# The page of a server that has one example and no model.
NO_MODELS = """
const boot = {version: '', examples: [{title: 'One', note: '', model: 'minilm', text: 'hello'}], models: []};
document.addEventListener('readystatechange', () => {
  const block = document.getElementById('boot');
  if (block) block.textContent = JSON.stringify({...boot, default_model: 'minilm'});
});"""


@pytest.mark.slow
def test_another_model_is_loaded_with_its_progress(open_page: Open) -> None:
    page = open_page()
    page.locator("#model").click()
    expect(page.locator(".picker-option", has_text="minilm").first).to_contain_text("encoder · 6×12 · 23M")
    page.locator(".picker-option", has_text="smollm2").click()
    expect(page.locator("#strip .chip").first).to_have_text("The", timeout=120_000)
    expect(page.locator("#strip .chip").nth(1)).to_have_text("·animal")
    expect(page.locator(".load")).to_be_hidden()
    expect(page.locator("#text")).to_have_value(FIRST)
    expect(page.locator(".picker-facts")).to_contain_text("decoder · 30 layers × 9 heads")


def test_progress_is_shown_and_can_be_stopped(open_page: Open) -> None:
    page = open_page(before=lambda context: context.add_init_script(NEVER_READY))
    page.locator("#text").fill("Typed and not lost")
    page.locator("#model").fill("tiny-t5")
    page.keyboard.press("Enter")
    expect(page.locator(".load-words")).to_have_text("Reading the weights 25%")
    expect(page.locator(".load progress")).to_have_attribute("value", "30")
    page.locator(".load").get_by_role("button", name="Stop").click()
    expect(page.locator(".problem-title")).to_have_text("Stopped")
    expect(page.locator(".load")).to_be_hidden()
    assert page.evaluate("window.left") is True
    expect(page.locator("#text")).to_have_value("Typed and not lost")


def test_an_encoder_decoder_shows_queries_and_keys(open_page: Open, watch: Watch) -> None:
    page = open_page()
    page.locator("#text").fill("the house is wonderful")
    page.locator("#model").fill("tiny-t5")
    page.keyboard.press("Enter")
    expect(page.locator("label[for=target]")).to_be_visible(timeout=60_000)
    expect(page.get_by_role("button", name="second sentence")).to_be_hidden()
    page.locator("#target").fill("das Haus")
    page.keyboard.press("Enter")
    wait_drawn(page)
    page.select_option("#stack", "cross")
    expect(page.locator("#strip .strip-side")).to_have_text(["Queries", "Keys"])
    wait_drawn(page)
    page.locator("#strip .chips").nth(0).locator(".chip").nth(1).click()
    page.locator("#strip .chips").nth(1).locator(".chip").nth(2).hover()
    expect(page.locator("#aside .where")).to_contain_text("row 1, column 2")
    assert 0 < float(page.locator("#aside .number").inner_text()) < 1
    watch.expected.append("status of 422")
    page.select_option("#lens", "rollout")
    expect(page.locator(".says-why")).to_contain_text("cross attention has two kinds")
    page.get_by_role("button", name="Show raw attention").click()
    expect(page.locator(".says-lens")).to_contain_text("raw")
    page.get_by_role("tab", name="Tokens").click()
    encoder, decoder = page.locator(".tokens-table").all()
    encoder.locator("tbody tr").nth(3).hover()
    expect(encoder.locator(".pointed td").first).to_have_text("3")
    expect(decoder.locator(".pointed td").first).to_have_text("1")
    page.select_option("#stack", "encoder")
    wait_drawn(page)
    page.locator(".tokens-table").nth(1).locator("tbody tr").nth(1).hover()
    expect(page.locator(".tokens-text").nth(1).locator("mark")).to_have_count(1)


def test_without_any_model_the_page_says_what_to_do(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 404")

    def nothing(context: BrowserContext) -> None:
        context.add_init_script(NO_MODELS)
        context.route("**/api/models", lambda route: route.fulfill(json={"models": []}))
        context.route(
            "**/api/models/load", problem(404, "model-unknown", "The model minilm is not here. Not installed.")
        )

    page = open_page(drawn=False, before=nothing)
    expect(page.locator(".problem")).to_contain_text("not here")
    expect(page.locator(".problem-hint")).to_have_text("Do this.")
    expect(page.locator("#text")).to_have_value("hello")
    page.locator("#model").click()
    page.locator("#model").fill("")
    expect(page.locator(".picker-list")).to_contain_text("org/name")
