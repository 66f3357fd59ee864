"""The Heads view: the numbers it draws, any set of heads, both columns, long texts, the keyboard, and its speed."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from string import ascii_lowercase

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import NARROW, Eager, Open
from tests.browser.pictures import LONG, PRONOUN, link, listen, said, weight, written

LAYER = 2
SHOWN_FROM = 0.01  # smaller weights get a line, but no number


def token(page: Page, side: str, index: int) -> Locator:
    return page.locator(f"#heads-{side}-{index}")


def row_of(page: Page, index: int) -> float:
    """The height of a row's middle in the canvas."""
    return page.evaluate(
        """([id]) => { const row = document.getElementById(id).getBoundingClientRect();
        return row.top + row.height / 2 - document.querySelector('.heads-over').getBoundingClientRect().top; }""",
        [f"heads-key-{index}"],
    )


def chosen(page: Page) -> list[int]:
    return page.locator(".heads-chip[aria-pressed='true']").evaluate_all(
        "chips => chips.map(c => Number(c.dataset.head))"
    )


def test_pointing_at_a_query_writes_the_largest_weight_at_each_key(
    open_page: Open, eager: Callable[..., Eager]
) -> None:
    page = open_page(link(PRONOUN, view="heads", layer=LAYER), before=listen)
    exact = eager(PRONOUN).attentions[LAYER][:, 9].amax(0)
    written(page)
    token(page, "query", 9).hover()
    drawn = written(page)
    expected = {
        round(row_of(page, key)): weight(float(value)) for key, value in enumerate(exact) if value >= SHOWN_FROM
    }
    assert {round(one["y"] - 0.5): one["text"] for one in drawn} == expected


def test_one_head_alone_writes_its_own_weights(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page(link(PRONOUN, view="heads", layer=LAYER, heads=5), before=listen)
    written(page)
    token(page, "query", 4).hover()
    exact = eager(PRONOUN).attentions[LAYER][5, 4]
    assert sorted(one["text"] for one in written(page)) == sorted(weight(float(v)) for v in exact if v >= SHOWN_FROM)


def test_pointing_at_a_key_shows_who_attends_to_it(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page(link(PRONOUN, view="heads", layer=LAYER), before=listen)
    written(page)
    token(page, "key", 2).hover()
    exact = eager(PRONOUN).attentions[LAYER][:, :, 2].amax(0)
    assert sorted(one["text"] for one in written(page)) == sorted(weight(float(v)) for v in exact if v >= SHOWN_FROM)


def test_a_click_pins_and_a_second_lets_go(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page(link(PRONOUN, view="heads", layer=LAYER))
    token(page, "query", 9).click()
    expect(page).to_have_url(re.compile(r"query=9"))
    expect(token(page, "query", 9)).to_have_attribute("aria-selected", "true")
    exact = eager(PRONOUN).attentions[LAYER][:, 9]
    order = exact.amax(0).argsort(descending=True).tolist()
    first = page.locator("#view table tbody tr").first
    expect(first.locator("td").nth(0)).to_have_text(weight(float(exact.amax())))
    expect(first.locator("td").nth(1)).to_have_text(str(int(exact[:, order[0]].argmax())))
    token(page, "query", 9).click()
    expect(page).not_to_have_url(re.compile(r"query=9"))
    token(page, "key", 2).click()
    expect(page).to_have_url(re.compile(r"key=2"))
    page.locator(".heads-column[data-side='key']").focus()
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile(r"key=2"))


def test_any_set_of_heads_by_mouse_and_keyboard(open_page: Open) -> None:
    page = open_page(link(PRONOUN, view="heads", layer=LAYER))
    chips = page.locator(".heads-chip")
    expect(chips).to_have_count(12)
    assert chosen(page) == list(range(12))
    chips.nth(3).click()
    assert chosen(page) == [h for h in range(12) if h != 3]
    chips.nth(7).dblclick()
    assert chosen(page) == [7]
    expect(page).to_have_url(re.compile(r"heads=7(&|#)"))
    page.get_by_role("button", name="None", exact=True).click()
    assert chosen(page) == []
    expect(page.locator(".heads-foot")).to_contain_text("No head is chosen")
    chips.nth(0).focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("Space")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Enter")
    assert chosen(page) == [1, 11]
    page.keyboard.press("o")
    assert chosen(page) == [11]
    page.get_by_role("button", name="All", exact=True).click()
    assert chosen(page) == list(range(12))


def test_the_keyboard_moves_through_both_columns_and_says_the_weights(
    open_page: Open, eager: Callable[..., Eager]
) -> None:
    page = open_page(link(PRONOUN, view="heads", layer=LAYER))
    maps, tokens = eager(PRONOUN).attentions[LAYER], eager(PRONOUN).tokens
    page.locator(".heads-column[data-side='query']").focus()
    page.keyboard.press("Home")
    for _ in range(9):
        page.keyboard.press("ArrowDown")
    key = int(maps[:, 9].amax(0).argmax())
    largest, head = maps[:, 9, key].max(0)
    first = f"{tokens[key]} ({key}) {weight(float(largest))} by head {int(head)},"
    assert said(page).startswith(f"it (9) attends to {first}")
    expect(page.locator(".heads-column[data-side='query']")).to_have_attribute("aria-activedescendant", "heads-query-9")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"query=9"))
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    largest, head = maps[:, 9, 14].max(0)
    assert said(page) == f"it (9) to [SEP] (14): {weight(float(largest))} by head {int(head)}"
    page.keyboard.press("Escape")
    page.keyboard.press("Home")
    query = int(maps[:, :, 0].amax(0).argmax())
    assert said(page).startswith("[CLS] (0) is attended to by ")
    assert f"({query}) {weight(float(maps[:, :, 0].max()))}" in said(page)


def test_of_a_long_text_only_what_is_seen_exists_and_far_rows_are_exact(
    open_page: Open, eager: Callable[..., Eager]
) -> None:
    page = open_page(link(LONG, view="heads", layer=LAYER), before=listen)
    count = len(eager(LONG).tokens)
    assert count > 400
    assert page.locator(".heads-token").count() < 120
    page.locator(".heads-column[data-side='query']").focus()
    with page.expect_response(re.compile(r"/attention\?.*rows=")):
        page.keyboard.press("End")
    expect(token(page, "query", count - 1)).to_be_visible()
    assert page.locator(".heads-token").count() < 120
    expect(page.locator(f"#heads-query-{count - 1}")).to_have_attribute("aria-setsize", str(count))
    page.wait_for_timeout(300)
    page.keyboard.press("ArrowUp")
    exact = eager(LONG).attentions[LAYER][:, count - 2]
    key = int(exact.amax(0).argmax())
    assert f"({key}) {weight(float(exact.max()))}" in said(page)


def test_the_svg_holds_what_is_drawn_and_the_csv_every_weight(
    open_page: Open, eager: Callable[..., Eager], tmp_path: Path
) -> None:
    page = open_page(link(PRONOUN, view="heads", layer=LAYER, heads="0,4,9"))
    exact = eager(PRONOUN).attentions[LAYER][[0, 4, 9]]
    drawn = int((exact >= 0.03).sum())
    files = {}
    for kind in ("SVG", "PNG", "CSV"):
        with page.expect_download() as download:
            page.locator("#aside").get_by_role("button", name=kind, exact=True).click()
        files[kind] = tmp_path / download.value.suggested_filename
        download.value.save_as(files[kind])
    svg = files["SVG"].read_text()
    assert svg.count("<path ") == drawn
    assert "animal" in svg
    assert files["PNG"].read_bytes().startswith(b"\x89PNG")
    with files["CSV"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == exact.numel()
    for row in rows:
        value = float(exact[[0, 4, 9].index(int(row["head"])), int(row["query"]), int(row["key"])])
        assert float(row["weight"]) == pytest.approx(value, abs=1e-5)


def test_the_canvas_is_sharp_follows_the_width_and_the_theme(open_page: Open) -> None:
    page = open_page(link(PRONOUN, view="heads", layer=LAYER))
    session = page.context.new_cdp_session(page)
    size = "() => { const c = document.querySelector('.heads-base'); return [c.width, c.clientWidth]; }"
    picture = "() => document.querySelector('.heads-base').toDataURL()"
    session.send(
        "Emulation.setDeviceMetricsOverride", {"width": 900, "height": 900, "deviceScaleFactor": 2, "mobile": False}
    )
    page.wait_for_timeout(300)
    pixels, wide = page.evaluate(size)
    assert pixels == 2 * wide
    session.send(
        "Emulation.setDeviceMetricsOverride", {"width": 500, "height": 900, "deviceScaleFactor": 2, "mobile": False}
    )
    page.wait_for_timeout(300)
    pixels, narrow = page.evaluate(size)
    assert narrow < wide
    assert pixels == 2 * narrow
    light = page.evaluate(picture)
    page.emulate_media(color_scheme="dark")
    page.wait_for_timeout(300)
    assert page.evaluate(picture) != light


def test_nothing_is_cut_off_on_a_phone(open_page: Open) -> None:
    page = open_page(link(PRONOUN, view="heads", layer=LAYER), size=NARROW, before=listen)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    written(page)
    token(page, "query", 9).hover()
    edge = page.locator(".heads-over").evaluate("c => c.clientWidth")
    assert all(one["x"] >= 0 and one["x"] + 34 <= edge for one in written(page))


def test_the_pointer_is_followed_at_128_tokens_and_12_heads(open_page: Open) -> None:
    """How fast is measured in benchmarks/figures/hover.py."""
    letters = [ascii_lowercase[i % 26] for i in range(126)]
    page = open_page(link(" ".join(letters), view="heads", layer=LAYER))
    expect(page.locator("#strip .chip")).to_have_count(128)
    for query in (1, 5, 9, 13):
        token(page, "query", query).hover()
        expect(page.locator("#aside .pair")).to_contain_text(f"{letters[query - 1]} → ")
