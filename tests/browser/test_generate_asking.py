"""How Generate is asked: seeded, stopped from wherever the focus is, and what is refused."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Open, Watch, wait_drawn
from tests.browser.pictures import link
from tests.browser.test_generate import MASKS, opened, wait_written, write, written


def test_the_same_seed_writes_the_same_text(open_page: Open) -> None:
    texts = []
    for seed in (3, 3, 4):
        page = opened(open_page, write=8, draw=seed, temperature=1.2)
        write(page)
        texts.append(written(page))
        expect(page.locator(".written-choice")).to_contain_text("drawn with u = 0.")
        page.context.close()
    assert texts[0] == texts[1] != texts[2]


def test_stop_ends_it_and_leaves_what_was_written(open_page: Open) -> None:
    page = opened(open_page, write=256, temperature=0.9)
    page.get_by_role("button", name="Write", exact=True).click()
    page.wait_for_function("() => document.querySelectorAll('.written-chips button.chip').length > 2")
    page.get_by_role("button", name="Stop").click()
    expect(page.locator(".written-says").first).to_contain_text("It ended: stopped.")
    count = len(written(page))
    assert 2 < count < 256
    expect(page.locator("#aside").get_by_role("button", name="CSV", exact=True)).to_be_visible()
    page.wait_for_timeout(600)
    assert len(written(page)) == count
    page.get_by_role("tab", name="Map").click()
    wait_drawn(page)
    page.get_by_role("tab", name="Generate").click()
    assert len(written(page)) == count


def focused(page: Page) -> str:
    return str(page.evaluate("() => document.activeElement.textContent"))


def test_escape_stops_it_wherever_the_focus_is_and_no_button_takes_the_focus_along(open_page: Open) -> None:
    page = opened(open_page, write=256, temperature=0.9)
    start, says = page.get_by_role("button", name="Write", exact=True), page.locator(".written-says").first
    start.focus()
    page.keyboard.press("Enter")
    page.wait_for_function("() => document.querySelectorAll('.written-chips button.chip').length > 1")
    assert focused(page) == "Stop"
    page.keyboard.press("Enter")
    expect(says).to_contain_text("It ended: stopped.")
    assert focused(page) == "Write again"
    page.locator(".written-candidates button:enabled").first.focus()
    page.keyboard.press("Enter")
    expect(says).to_contain_text("Writing")
    assert focused(page) == "Stop"
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Escape")
    expect(says).to_contain_text("It ended: stopped.")
    page.get_by_role("button", name="Text 1").click()
    assert focused(page) == "Text 1"
    page.get_by_role("button", name="Write on", exact=True).click()
    expect(says).to_contain_text("Writing")
    page.locator("#tools button").last.focus()
    page.keyboard.press("Escape")
    expect(says).to_contain_text("It ended: stopped.")


def test_what_cannot_be_written_is_said(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 422")
    page = opened(open_page, "She drank tea.", model="minilm", layer=0)
    expect(page.locator("#view")).to_contain_text("predicts no words")
    page = opened(open_page, "She drank tea.", model="minilm-mlm", layer=0)
    expect(page.locator(".written-says").first).to_contain_text("put [MASK] into the text")
    expect(page.locator(".written-form button[type=submit]")).to_be_hidden()
    page = opened(open_page, "24 November 2026", model="dates", write=100, layer=0, head=0)
    page.get_by_role("button", name="Write", exact=True).click()
    expect(page.locator(".written-says").first).to_contain_text("leaves room for 63 of the 64")
    field = page.get_by_label("Steps")
    field.fill("0")
    field.press("Enter")
    expect(field).to_have_attribute("aria-invalid", "true")
    field.fill("3")
    field.press("Enter")
    wait_written(page)
    assert len(written(page)) == 3


@pytest.mark.parametrize(
    ("label", "typed", "says", "right"),
    [
        ("Steps", "300", "a whole number from 1 to 256", "20"),
        ("Steps", "2.5", "a whole number from 1 to 256", "2"),
        ("Temperature", "-1", "a number from 0 to 100", "0.7"),
        ("Top-k", "1.5", "a whole number from 0 to 999,999", "5"),
        ("Top-p", "1.5", "a number from 0 to 1", "0.9"),
        ("Min-p", "", "a number from 0 to 1", "0.1"),
        ("Seed", "-2", "a whole number from 0 to 999,999", "7"),
    ],
)
def test_a_number_that_is_refused_is_left_as_it_is_with_what_is_allowed(
    open_page: Open, label: str, typed: str, says: str, right: str
) -> None:
    page = open_page(link(MASKS, model="minilm-mlm", view="generate"))
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith("/generate") else None)
    field = page.get_by_label(label, exact=True)
    field.fill(typed)
    field.press("Tab")
    expect(field).to_have_attribute("aria-invalid", "true")
    words = page.locator(f"#{field.get_attribute('aria-describedby')}")
    expect(words).to_have_text(f"Write {says}.")
    assert Axe().run(page).response["violations"] == []
    page.set_viewport_size(NARROW)
    page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=NARROW["width"])
    page.get_by_label("Steps" if label != "Steps" else "Seed", exact=True).press("Enter")
    expect(field).to_be_focused()
    expect(field).to_have_value(typed)
    assert asked == []
    field.fill(right)
    expect(words).to_be_hidden()
    expect(field).not_to_have_attribute("aria-invalid", re.compile(""))
    field.press("Enter")
    wait_written(page)
    assert len(asked) == 1
