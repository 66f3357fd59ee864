"""Themes, a phone, pages of words, and the page for those who cannot see it (axe)."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import ViewportSize, expect

from tests.browser.conftest import NARROW, WIDE, Open, Watch, wait_drawn
from tests.browser.page import FIRST, VIEWS
from tests.browser.pictures import STORE, link

ELEMENTS = """async (evil) => {
  const { h, s, replace } = await import('/static/js/dom.js');
  let clicked = 0;
  const onclick = () => { clicked += 1; };
  const attributes = { title: evil, hidden: false, inert: true, lang: null, data: { index: 3 }, onclick };
  const element = h('p.a.b', attributes, evil, [1, [' ', h('b', {}, 'x')]], null, undefined, false, 0);
  element.click();
  replace(element.querySelector('b'), evil);
  const line = s('line', { x1: 2 });
  const { title, className, innerHTML } = element;
  const names = element.getAttributeNames().sort();
  return { title, className, innerHTML, names, clicked, space: line.namespaceURI, x1: line.getAttribute('x1') };
}"""


def test_the_theme_follows_the_system_until_it_is_chosen(open_page: Open) -> None:
    page = open_page(theme="dark")
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.emulate_media(color_scheme="light")
    expect(page.locator("html")).to_have_attribute("data-theme", "light")
    button = page.get_by_role("button", name="Theme")
    button.click()
    button.click()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.reload()
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


@pytest.mark.parametrize("view", VIEWS)
def test_nothing_is_wider_than_a_phone_or_longer_than_the_page(open_page: Open, view: str) -> None:
    page = open_page(f"/?view={view}", size=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    assert (
        page.evaluate(
            """document.documentElement.scrollHeight - scrollY
        - document.querySelector('footer').getBoundingClientRect().bottom"""
        )
        <= 1
    ), "something lies below the foot"


def test_pages_of_words(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 404")
    page = open_page("/labs", drawn=False)
    expect(page.locator("h1")).to_have_text("Labs")
    expect(page.get_by_role("button", name="Theme")).to_be_visible()
    page.goto(f"{watch.address}/nowhere")
    expect(page.get_by_role("link", name="Go to the start page")).to_be_visible()


@pytest.mark.parametrize("size", [WIDE, NARROW])
@pytest.mark.parametrize("sentences", [3, 15])
def test_no_line_of_a_long_text_runs_under_a_control(open_page: Open, size: ViewportSize, sentences: int) -> None:
    page = open_page(link(f"{FIRST} " * sentences, FIRST * sentences, model="minilm"), size=size)
    for name in ("#text", "#pair"):
        seen = page.locator(name).evaluate("""(text) => {
          const style = getComputedStyle(text);
          const { top, bottom } = text.getBoundingClientRect();
          const below = [...document.querySelectorAll('.ask-foot > *, .ask-field > label')]
            .map((one) => one.getBoundingClientRect().top).filter((other) => other > top);
          const height = text.clientHeight - parseFloat(style.paddingTop);
          return { gap: Math.min(...below) - bottom, lines: height / parseFloat(style.lineHeight) };
        }""")
        assert seen["gap"] >= 6, (name, seen)
        assert abs(seen["lines"] - round(seen["lines"])) < 0.05, (name, seen, "a line is cut")


def test_elements_are_made_of_text(open_page: Open) -> None:
    page = open_page("/labs", drawn=False)
    assert page.evaluate(ELEMENTS, "<i>") == {
        "title": "<i>",
        "className": "a b",
        "innerHTML": "&lt;i&gt;1 <b>&lt;i&gt;</b>0",
        "names": ["class", "data-index", "inert", "title"],
        "clicked": 1,
        "space": "http://www.w3.org/2000/svg",
        "x1": "2",
    }


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_axe_finds_nothing(open_page: Open, theme: str, view: str) -> None:
    page = open_page(f"/?view={view}&layer=3&head=1&query=9", theme=theme)
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        wait_drawn(page)
        found = Axe().run(page).response["violations"]
        assert found == [], [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize(("view", "result"), [("whatif", ".whatif-table tbody tr"), ("next", ".next-row[data-id]")])
def test_axe_finds_nothing_in_a_prediction(open_page: Open, theme: str, view: str, result: str) -> None:
    changed = "&text_b=" + STORE.replace("John gave", "Mary gave").replace(" ", "+") if view == "whatif" else ""
    page = open_page(link(STORE, model="smollm2", view=view, query=9, top_k=5) + changed, theme=theme)
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        wait_drawn(page)
        expect(page.locator(result).first).to_be_visible()
        found = Axe().run(page).response["violations"]
        assert found == [], [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_every_ink_can_be_read_on_every_light(open_page: Open, theme: str) -> None:
    page = open_page("/?model=smollm2&view=map", theme=theme)
    chips = page.locator("#strip .chip")
    for shift in (0, 7):
        chips.evaluate_all(
            """(chips, shift) => chips.forEach((chip, i) => {
              const light = ((i + shift) % 14) / 13;
              chip.style.setProperty('--light', light);
              chip.classList.toggle('bright', light >= 0.85);
            })""",
            shift,
        )
        found = Axe().run(page, context="#strip").response["violations"]
        assert found == [], [node["any"][0]["message"] for one in found for node in one["nodes"]]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_what_opens(open_page: Open, watch: Watch, theme: str) -> None:
    watch.expected.append("status of 404")
    page = open_page(theme=theme)
    page.locator(".badge").click()
    page.locator("#model").click()
    page.keyboard.press("ArrowDown")
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keys").click()
    assert Axe().run(page).response["violations"] == []
    for path in ("/labs", "/nowhere"):
        page.goto(watch.address + path)
        assert Axe().run(page).response["violations"] == []
