"""The Map view: exact weights by hover and keyboard, long texts pooled, zoom, and what a causal map leaves out."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Eager, Open
from tests.browser.pictures import LONG, PRONOUN, STORE, link, said, weight

LAYER, HEAD = 3, 1


@pytest.fixture
def open_map(open_page: Open) -> Open:
    """As `open_page`, and waits for the chart."""

    def start(path: str, **options: object) -> Page:
        page = open_page(path, **options)
        page.wait_for_selector(".map-chart .heatmaplayer image")
        return page

    return start


def cell(page: Page, query: float, key: float, rows: int, cols: int) -> tuple[float, float]:
    """Where the middle of a cell is on the screen, in a map that shows so many rows and columns."""
    box = page.locator(".map-over").bounding_box()
    assert box
    return box["x"] + (key + 0.5) / cols * box["width"], box["y"] + (query + 0.5) / rows * box["height"]


def test_pointing_at_cells_reads_exact_weights(open_map: Open, eager: Callable[..., Eager]) -> None:
    page = open_map(link(PRONOUN, view="map", layer=LAYER, head=HEAD))
    exact, n = eager(PRONOUN).attentions[LAYER][HEAD], 15
    page.locator(".map-stage").scroll_into_view_if_needed()
    for query, key in ((9, 2), (0, 14), (14, 0), (6, 6)):
        page.mouse.move(*cell(page, query, key, n, n))
        expect(page.locator(".map-tip strong")).to_have_text(weight(float(exact[query, key])))
        expect(page.locator(".map-name[data-side='row']")).to_have_text(eager(PRONOUN).tokens[query])
        expect(page.locator(".map-name[data-side='col']")).to_have_text(eager(PRONOUN).tokens[key])
    expect(page.locator("#strip .chip[data-index='6']")).to_have_class(re.compile("hover|active|point|key|query|is-"))


def test_the_keyboard_walks_the_map_pins_and_says_each_weight(open_map: Open, eager: Callable[..., Eager]) -> None:
    page = open_map(link(PRONOUN, view="map", layer=LAYER, head=HEAD))
    exact = eager(PRONOUN).attentions[LAYER][HEAD]
    grid = page.get_by_role("grid")
    expect(grid).to_have_attribute("aria-rowcount", "15")
    page.locator(".map-tool").last.focus()
    page.keyboard.press("Shift+Tab")
    grid.focus()
    page.keyboard.press("ArrowDown")
    for _ in range(8):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    words = f"it (9) to animal (2): {weight(float(exact[9, 2]))}"
    assert said(page) == words
    expect(page.locator("#map-cell")).to_have_attribute("aria-label", words)
    expect(page.locator("#map-cell")).to_have_attribute("aria-colindex", "3")
    page.keyboard.press("End")
    assert said(page) == f"it (9) to [SEP] (14): {weight(float(exact[9, 14]))}"
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"query=9&key=14"))
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile(r"query="))


def test_the_csv_is_the_map(open_map: Open, eager: Callable[..., Eager], tmp_path: Path) -> None:
    page = open_map(link(PRONOUN, view="map", layer=LAYER, head=HEAD))
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "map.csv")
    with (tmp_path / "map.csv").open(newline="") as file:
        rows = list(csv.reader(file))[1:]
    got = torch.tensor([[float(value) for value in row[1:]] for row in rows])
    assert (got - eager(PRONOUN).attentions[LAYER][HEAD]).abs().max() < 1e-5


@pytest.mark.parametrize(("kind", "magic"), [("PNG", b"\x89PNG"), ("SVG", b"<svg")])
def test_the_picture_can_be_taken_away(open_map: Open, tmp_path: Path, kind: str, magic: bytes) -> None:
    page = open_map(link("see <b>bold</b> & so", view="map", layer=LAYER, head=HEAD))
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name=kind, exact=True).click()
    download.value.save_as(tmp_path / "picture")
    content = (tmp_path / "picture").read_bytes()
    assert content.startswith(magic)
    if kind == "SVG":
        assert b"layer 3, head 1" in content
        assert b"<b>" not in content


def test_a_long_text_is_pooled_by_its_largest_weights_and_a_zoom_is_exact(
    open_map: Open, eager: Callable[..., Eager]
) -> None:
    page = open_map(link(LONG, view="map", layer=LAYER, head=HEAD))
    exact = eager(LONG).attentions[LAYER][HEAD]
    n = len(exact)
    expect(page.locator(".map-note")).to_contain_text("Too large to show every cell")
    page.locator(".map-stage").scroll_into_view_if_needed()
    page.mouse.move(*cell(page, 200, 190, n, n))
    tip = page.locator(".map-tip")
    expect(tip.locator("strong")).to_contain_text("at most")
    found = [int(i) for i in re.findall(r"\((\d+)\)", tip.locator("span").inner_text().replace("→", "|"))]
    query, key = tip.locator("span").inner_text().split(" → ")
    rows, cols = ([int(i) for i in re.findall(r"\((\d+)\)", part)] for part in (query, key))
    assert len(found) >= 2
    largest = exact[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1].max()
    expect(tip.locator("strong")).to_have_text(f"at most {weight(float(largest))}")
    with page.expect_response(re.compile(r"/attention\?.*rows=")) as response:
        page.get_by_role("button", name="Zoom in").click()
    assert response.value.ok
    expect(page).to_have_url(re.compile(r"rows=\d+%3A\d+&cols=\d+%3A\d+"))
    first = [int(i) for i in re.search(r"rows=(\d+)%3A(\d+)", page.url).groups()]
    across = [int(i) for i in re.search(r"cols=(\d+)%3A(\d+)", page.url).groups()]
    expect(page.locator(".map-note")).not_to_contain_text("Too large")
    page.mouse.move(*cell(page, 7, 5, first[1] - first[0], across[1] - across[0]))
    expect(tip.locator("strong")).to_have_text(weight(float(exact[first[0] + 7, across[0] + 5])))
    page.get_by_role("button", name="Show all tokens").click()
    expect(page).not_to_have_url(re.compile(r"rows="))


def test_a_drag_zooms_to_whole_tokens(open_map: Open, eager: Callable[..., Eager]) -> None:
    page = open_map(link(PRONOUN, view="map", layer=LAYER, head=HEAD))
    page.locator(".map-stage").scroll_into_view_if_needed()
    page.mouse.move(*cell(page, 3, 2, 15, 15))
    page.mouse.down()
    page.mouse.move(*cell(page, 8, 9, 15, 15), steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile(r"rows=\d+%3A\d+&cols=\d+%3A\d+"))
    rows = [int(i) for i in re.search(r"rows=(\d+)%3A(\d+)", page.url).groups()]
    cols = [int(i) for i in re.search(r"cols=(\d+)%3A(\d+)", page.url).groups()]
    assert abs(rows[0] - 3) <= 1
    assert abs(rows[1] - 9) <= 1
    page.wait_for_timeout(300)
    page.mouse.move(*cell(page, 1, 1, rows[1] - rows[0], cols[1] - cols[0]))
    exact = eager(PRONOUN).attentions[LAYER][HEAD]
    expect(page.locator(".map-tip strong")).to_have_text(weight(float(exact[rows[0] + 1, cols[0] + 1])))


def test_what_a_causal_model_cannot_see_is_not_called_zero(open_map: Open) -> None:
    page = open_map(link(STORE, model="smollm2", view="map", layer=24, head=4))
    expect(page.locator(".map-note")).to_contain_text("not visible")
    page.locator(".map-stage").scroll_into_view_if_needed()
    page.mouse.move(*cell(page, 2, 9, 14, 14))
    expect(page.locator(".map-tip strong")).to_have_text("not visible")
    page.mouse.move(*cell(page, 13, 1, 14, 14))
    expect(page.locator(".map-tip strong")).to_have_text(re.compile(r"0\.8\d\d"))


def test_a_sink_is_explained_where_there_is_one(open_map: Open, eager: Callable[..., Eager]) -> None:
    page = open_map(link(PRONOUN, view="map", layer=0, head=0))
    maps, tokens = eager(PRONOUN).attentions, eager(PRONOUN).tokens
    for layer, head in ((3, 7), (0, 0), (5, 3)):
        page.goto(page.url.split("/?")[0] + link(PRONOUN, view="map", layer=layer, head=head))
        page.wait_for_selector(".map-chart .heatmaplayer image")
        share, key = maps[layer][head].mean(0).max(0)
        if share > 0.3:
            note = f"Column {tokens[key]} ({key}) is a sink: it takes {share * 100:.0f}%"
            expect(page.locator(".map-note")).to_contain_text(note)
        else:
            expect(page.locator(".map-note")).not_to_contain_text("sink")


def test_it_fits_a_phone_and_the_scale_can_be_changed(open_map: Open) -> None:
    page = open_map(link(PRONOUN, view="map", layer=LAYER, head=HEAD), size=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture = "() => document.querySelector('.map-chart .heatmaplayer image').getAttribute('href')"
    before = page.evaluate(picture)
    page.get_by_role("button", name="Colours follow the weight").click()
    expect(page).to_have_url(re.compile("scale=linear"))
    page.wait_for_timeout(300)
    assert page.evaluate(picture) != before
