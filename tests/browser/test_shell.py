"""The page as a person meets it: the first picture and its numbers, links, the keyboard."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Eager, Open, Watch, wait_drawn
from tests.browser.page import FIRST, chip, top


def test_it_opens_on_the_first_example_with_the_numbers_that_transformers_computes(
    open_page: Open, eager: Callable[..., Eager]
) -> None:
    page = open_page()
    expect(page.locator("#text")).to_have_value(FIRST)
    expect(page.locator("#model")).to_have_value("minilm")
    expect(page.locator("#strip .chip")).to_have_count(15)
    exact = eager(FIRST)
    row = exact.attentions[3][1, 9]
    assert exact.tokens[9] == "it"
    wanted = [(int(i), f"{row[i]:.3f}") for i in row.argsort(descending=True)[:6]]
    assert top(page) == wanted
    assert wanted[0][0] == exact.tokens.index("animal")
    assert row.max() > 0.5, "the example's note says that this head looks at it"


def test_pointing_at_a_token_gives_the_number_of_the_pair(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page("/?view=map&layer=5&head=11&query=9")
    row = eager(FIRST).attentions[5][11, 9]
    for key in (0, 2, 12):
        chip(page, key).hover()
        expect(page.locator("#aside .number")).to_have_text(f"{row[key]:.3f}")
        expect(page.locator("#aside .where")).to_have_text(f"row 9, column {key} · layer 5, head 11")


def test_the_strip_is_lit_by_the_row_that_is_pinned(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page("/?view=map&layer=3&head=1&query=9")
    row = eager(FIRST).attentions[3][1, 9]
    lights = page.locator("#strip .chip").evaluate_all(
        "chips => chips.map(c => Number(c.style.getPropertyValue('--light')))"
    )
    for light, value in zip(lights, (row / row.max()).tolist(), strict=True):
        assert light == pytest.approx(value if value >= 0.02 else 0, abs=6e-4)
    expect(page.locator(".strip-legend")).to_contain_text(f"{row.max():.3f}")


def test_all_heads_are_averaged_in_heads_and_rollout_follows_the_layers(
    open_page: Open, eager: Callable[..., Eager]
) -> None:
    maps = eager(FIRST).attentions
    page = open_page("/?view=heads&layer=4&query=9")
    mean = maps[4].mean(0)[9]
    assert top(page)[0] == (int(mean.argmax()), f"{mean.max():.3f}")
    page.select_option("#lens", "rollout")
    wait_drawn(page)
    joint = None
    for layer in range(5):
        with_residual = maps[layer].mean(0) + maps[layer].new_ones(15).diag()
        with_residual = with_residual / with_residual.sum(-1, keepdim=True)
        joint = with_residual if joint is None else with_residual @ joint
    assert joint is not None
    expect(page.locator("#aside .top-value").first).to_have_text(f"{joint[9].max():.3f}")
    expect(page.locator("#aside .where")).to_have_text("layer 4, rollout")


def test_a_long_text_gives_exact_numbers_for_what_is_pointed_at(open_page: Open, eager: Callable[..., Eager]) -> None:
    text = " ".join(f"In chapter {i} the narrator counts {7 * i} ships." for i in range(1, 40))
    page = open_page(f"/?view=map&layer=5&head=3&query=300#text={text.replace(' ', '+')}")
    row = eager(text).attentions[5][3, 300]
    assert len(row) > 256, "more tokens than the map has cells"
    key = int(row.argmax())
    expect(page.locator("#aside .top-value").first).to_have_text(f"{row[key]:.3f}")
    expect(page.locator("#aside .top-index").first).to_have_text(str(key))
    expect(page.locator("#aside .where")).to_have_text("layer 5, head 3")
    chip(page, 299).hover()
    expect(page.locator("#aside .number")).to_have_text(f"{row[299]:.3f}")


def test_a_pair_is_one_input_in_two_rows(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page()
    page.get_by_role("button", name="A pair of sentences").click()
    expect(page.locator("#strip .chip")).to_have_count(21)
    wait_drawn(page)
    row = eager("A man is playing a guitar on stage.", "Somebody makes music in front of an audience.").attentions[5][
        5, 13
    ]
    assert top(page)[0] == (int(row.argmax()), f"{row.max():.3f}")
    expect(page.locator("#pair")).to_have_value("Somebody makes music in front of an audience.")
    expect(page.locator("#strip .chip-break")).to_have_count(1)


def test_the_checks_are_listed_with_their_limits(open_page: Open) -> None:
    page = open_page("/?view=map")
    badge = page.locator(".badge")
    assert int(re.findall(r"✓ (\d+) checks", badge.inner_text())[0]) == page.locator(".checks-panel tbody tr").count()
    badge.click()
    expect(page.locator(".checks-panel")).to_contain_text("rows sum to 1")
    page.keyboard.press("Escape")
    expect(page.locator(".checks-panel")).to_be_hidden()


def test_a_link_restores_what_is_seen(open_page: Open, address: str) -> None:
    page = open_page()
    page.locator("#text").fill("An owl & a 100% #hash\nsecond line “ü”")
    page.get_by_role("button", name="Look").click()
    expect(page.locator("#strip")).to_contain_text("owl")
    page.get_by_role("tab", name="Map").click()
    page.get_by_role("button", name="Next layer").click()
    page.get_by_role("button", name="Next head").click()
    chip(page, 3).click()
    wait_drawn(page)
    page.get_by_role("button", name="Copy link").click()
    expect(page.locator("#aside .done")).to_have_text("Link copied")
    link = page.evaluate("navigator.clipboard.readText()")
    page.wait_for_function("link => location.href === link", arg=link)
    assert "owl" not in link.split("#")[0]

    other = open_page(link.removeprefix(address))
    expect(other.locator("#text")).to_have_value("An owl & a 100% #hash\nsecond line “ü”")
    expect(other.get_by_role("tab", name="Map")).to_have_attribute("aria-selected", "true")
    expect(other.locator("#layer")).to_have_value(page.locator("#layer").input_value())
    expect(other.locator("#head")).to_have_value(page.locator("#head").input_value())
    expect(other.locator(".chip.pinned")).to_have_attribute("data-index", "3")
    assert top(other) == top(page)


def test_back_and_forward(open_page: Open) -> None:
    page = open_page()
    page.get_by_role("tab", name="Tokens").click()
    page.locator("#text").fill("Another text")
    page.keyboard.press("Enter")
    expect(page.locator("#strip .chip")).to_have_count(4)
    page.go_back()
    expect(page.locator("#text")).to_have_value(FIRST)
    expect(page.locator("#strip .chip")).to_have_count(15)
    expect(page.get_by_role("tab", name="Tokens")).to_have_attribute("aria-selected", "true")
    page.go_back()
    expect(page.get_by_role("tab", name="Heads")).to_have_attribute("aria-selected", "true")
    page.go_forward()
    page.go_forward()
    expect(page.locator("#text")).to_have_value("Another text")
    expect(page.locator("#strip .chip")).to_have_count(4)


def test_a_link_alone_loads_no_model_that_is_not_here(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 4|status of 5")
    asked: list[str] = []
    page = open_page(
        "/?model=someone/huge-model#text=hello",
        drawn=False,
        before=lambda context: context.on("request", lambda request: asked.append(request.url)),
    )
    expect(page.locator(".problem")).to_contain_text("This model is not here yet")
    assert not [url for url in asked if url.endswith(("/load", "/runs"))]
    page.get_by_role("button", name="Load it").click()
    expect(page.locator(".problem-title")).not_to_have_text("This model is not here yet")
    assert [url for url in asked if url.endswith("/load")]


def test_the_keyboard_alone(open_page: Open) -> None:
    page = open_page("/?view=map&layer=3&head=1&query=9")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#head")).to_have_value("2")
    page.keyboard.press("ArrowUp")
    expect(page.locator("#layer")).to_have_value("4")
    page.keyboard.press("Shift+ArrowLeft")
    expect(page.locator(".chip.pinned")).to_have_attribute("data-index", "8")
    page.keyboard.press("3")
    expect(page.get_by_role("tab", name="Grid")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("?")
    expect(page.locator("dialog.keys")).to_be_visible()
    page.keyboard.press("1")
    page.keyboard.press("Escape")
    expect(page.locator("dialog.keys")).to_be_hidden()
    expect(page.get_by_role("tab", name="Grid")).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Escape")
    expect(page.locator(".chip.pinned")).to_have_count(0)
    page.keyboard.press("/")
    expect(page.locator("#text")).to_be_focused()
    page.keyboard.type("1?")
    expect(page.locator("#text")).to_have_value("1?")


def test_arrows_walk_through_the_tokens(open_page: Open) -> None:
    page = open_page("/?view=map&layer=3&head=1")
    chip(page, 0).focus()
    page.keyboard.press("ArrowRight")
    expect(chip(page, 1)).to_be_focused()
    expect(page.locator("#aside .pair b")).to_have_text("the")
    page.keyboard.press("Enter")
    expect(chip(page, 1)).to_have_attribute("aria-selected", "true")
    page.keyboard.press("ArrowRight")
    expect(chip(page, 2)).to_have_attribute("aria-selected", "true")
    expect(chip(page, 1)).to_have_attribute("aria-selected", "false")
    page.keyboard.press("End")
    expect(chip(page, 14)).to_be_focused()
