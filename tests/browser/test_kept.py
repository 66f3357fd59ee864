"""Map and Roles are kept while another view is shown: what changed meanwhile is there when they come back."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from playwright.sync_api import Page, expect

from tests.browser.conftest import Eager, Open, wait_drawn
from tests.browser.downloads import csv_map, same
from tests.browser.page import FIRST

OTHER = "A dog ran after the ball, and the ball rolled away."


def show(page: Page, view: str) -> None:
    page.locator(f"#tab-{view}").click()
    page.wait_for_selector(f"#view[data-view={view}][data-drawn]")
    wait_drawn(page)


def choose(page: Page, head: int) -> None:
    page.locator("#head").fill(str(head))
    page.keyboard.press("Enter")
    wait_drawn(page)


def test_a_kept_map_shows_the_head_and_the_text_that_are_chosen_now(
    open_page: Open, eager: Callable[..., Eager], tmp_path: Path
) -> None:
    page = open_page("/?view=map&layer=3&head=1")
    page.evaluate("document.querySelector('.map-chart').dataset.mine = 'yes'")
    show(page, "neuron")
    choose(page, 2)
    show(page, "map")
    expect(page.locator(".map-chart")).to_have_attribute("data-mine", "yes")
    expect(page.locator("#view > *")).to_have_count(1)
    assert same(csv_map(page, tmp_path), eager(FIRST).attentions[3][2])
    show(page, "neuron")
    page.locator("#text").fill(OTHER)
    page.get_by_role("button", name="Look", exact=True).click()
    expect(page.locator("#strip")).to_contain_text("ball")
    show(page, "map")
    assert page.locator(".map-chart").get_attribute("data-mine") is None, "the map of another text is not kept"
    assert same(csv_map(page, tmp_path), eager(OTHER).attentions[3][2])


def test_kept_roles_have_all_rows_and_mark_the_head_of_now(open_page: Open) -> None:
    page = open_page("/?view=roles&layer=0&head=0")
    rows = page.locator(".roles tbody tr")
    expect(rows).to_have_count(72)
    show(page, "map")
    choose(page, 1)
    show(page, "roles")
    expect(rows).to_have_count(72)
    expect(page.locator(".roles tr.chosen")).to_have_count(1)
    expect(page.locator(".roles tr.chosen")).to_have_attribute("data-head", "1")
    expect(page.locator(".roles [aria-selected]")).to_have_count(1)
