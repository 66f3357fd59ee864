"""What a view opens on where nothing is chosen: of an encoder-decoder a prediction that says something."""

from __future__ import annotations

import re

from playwright.sync_api import Page, expect

from tests.browser.conftest import Open, wait_drawn
from tests.browser.page import chip
from tests.browser.pictures import link

DATE = "the third of March 2021"
"""It answers 2021-03-03: the first prediction is of a 2, behind `<s>`, and the last of `</s>`."""


def open_dates(open_page: Open, view: str, **selection: object) -> Page:
    return open_page(link(DATE, model="dates", view=view, **selection))


def test_an_encoder_decoder_opens_on_its_first_character(open_page: Open) -> None:
    page = open_dates(open_page, "causes")
    expect(page.locator("#causes-at")).to_have_value("0")
    expect(page.locator(".causes-verdict")).to_contain_text("The model predicts “2”")
    expect(page.locator("#causes-attention-title")).to_contain_text("How much 1 (22) looks at 2 (19)")
    page = open_dates(open_page, "saliency")
    expect(page.locator("#saliency-at")).to_have_value("0")
    expect(page.locator("#strip")).to_contain_text("for ln p(“2”)")
    page = open_dates(open_page, "logit-lens")
    expect(page.locator("td[aria-selected=true]")).to_have_attribute("data-position", "0")
    page = open_dates(open_page, "next")
    expect(page.locator(".next-where")).to_have_text("position 0")
    expect(page.locator(".next-row[data-id] .piece").first).to_have_text(re.compile(r"^\W*2\s*$"))
    page = open_dates(open_page, "map", stack="cross", lens="gradient")
    expect(page.locator("#says")).to_contain_text("Here for “2”")


def test_a_position_that_a_link_names_is_kept(open_page: Open) -> None:
    page = open_dates(open_page, "causes", position=10)
    expect(page.locator(".causes-verdict")).to_contain_text("The model predicts “</s>”")
    page = open_dates(open_page, "map", stack="cross", lens="gradient", position=10)
    expect(page.locator("#says")).to_contain_text("Here for “</s>”")


def test_the_text_of_an_encoder_decoder_is_not_taken_for_its_answer(open_page: Open) -> None:
    """Next word asks about a place of the answer; the strip shows the text, whose tokens are others."""
    page = open_dates(open_page, "next")
    assert page.locator("#strip .chip[aria-selected=true]").count() == 0
    chip(page, 15).click()
    wait_drawn(page)
    expect(page.locator(".next-where")).to_have_text("position 0")
    page.locator(".next-where").click()  # off the strip, which keeps the arrows to itself
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".next-where")).to_have_text("position 1")
    page = open_dates(open_page, "next", stack="cross")
    chip(page, 4).first.click()
    expect(page).to_have_url(re.compile(r"position=4\b"))
