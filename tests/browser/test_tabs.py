"""The tabs: their groups, the keyboard, and a phone on which they are more than fit."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Open
from tests.browser.page import VIEWS


def chosen(page: Page) -> str:
    return page.locator("[role=tab][aria-selected=true]").inner_text()


def test_every_view_has_a_tab_in_a_named_group(open_page: Open) -> None:
    page = open_page()
    ids = page.locator("#views .tab-group > [role=tab]").evaluate_all("tabs => tabs.map(tab => tab.id)")
    assert sorted(ids) == sorted(f"tab-{view}" for view in VIEWS)
    assert page.locator("[role=tablist] > [role=presentation] > [role=tab]").count() == len(VIEWS)
    expect(page.get_by_role("tab", name="Heads")).to_have_accessible_description("Look")
    expect(page.get_by_role("tab", name="Next word")).to_have_accessible_description("Predict")


def test_arrows_home_and_end_move_through_all_groups(open_page: Open) -> None:
    page = open_page("/?view=map")
    names = page.locator("[role=tab]").all_inner_texts()
    page.get_by_role("tab", name="Map").focus()
    for key, name in (("End", names[-1]), ("ArrowRight", names[0]), ("ArrowLeft", names[-1]), ("Home", names[0])):
        page.keyboard.press(key)
        expect(page.get_by_role("tab", name=name)).to_be_focused()
        expect(page.get_by_role("tab", name=name)).to_have_attribute("aria-selected", "true")
    assert page.locator("[role=tab][tabindex='0']").count() == 1
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press(".")
    assert chosen(page) == names[1]
    page.keyboard.press(",")
    page.keyboard.press(",")
    assert chosen(page) == names[-1]


def test_on_a_phone_an_arrow_shows_that_there_are_more_tabs(open_page: Open) -> None:
    page = open_page("/?view=heads", size=NARROW)
    back, forth = page.locator(".tab-arrow.back"), page.locator(".tab-arrow.forth")
    expect(back).to_be_hidden()
    last = page.locator("[role=tab]").last
    assert (last.bounding_box() or {})["x"] > NARROW["width"]
    for _ in range(9):
        if forth.is_visible():
            forth.click()
            page.wait_for_timeout(500)
    expect(forth).to_be_hidden()
    expect(back).to_be_visible()
    assert (last.bounding_box() or {})["x"] < NARROW["width"]
    last.click()
    assert chosen(page) == last.inner_text()
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_the_checks_stand_beside_no_tab(open_page: Open) -> None:
    page = open_page("/?view=map")
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        row, badge = page.locator("#views").bounding_box(), page.locator(".badge").bounding_box()
        assert row
        assert badge
        assert badge["y"] >= row["y"] + row["height"]
        assert badge["x"] + badge["width"] <= size["width"]


def test_a_table_that_is_too_wide_says_on_which_side_there_is_more(open_page: Open) -> None:
    page = open_page("/?view=tokens", size=NARROW)
    box = page.locator(".table-box")
    expect(box).to_have_attribute("data-more", "right")
    assert "more to the right" in box.evaluate("box => getComputedStyle(box, '::before').content")
    box.evaluate("box => { box.scrollLeft = 5; }")
    expect(box).to_have_attribute("data-more", "both")
    box.evaluate("box => { box.scrollLeft = box.scrollWidth; }")
    expect(box).to_have_attribute("data-more", "left")
    page.set_viewport_size(WIDE)
    expect(box).not_to_have_attribute("data-more", "left")
