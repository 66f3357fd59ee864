"""The Grid view: the pixels of its cells, its strongest pairs and its roles against transformers' eager attention."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect
from plotly.colors import PLOTLY_SCALES, sample_colorscale

from tests.browser.conftest import NARROW, Eager, Open
from tests.browser.pictures import LONG, PRONOUN, STORE, link, said, weight
from tests.browser.roles_by_hand import by_hand

LAYER, HEAD = 3, 1

PIXEL = """([x, y]) => {
  const copy = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
  const [left, top] = [x, y].map((at) => -Math.floor(at * devicePixelRatio));
  copy.drawImage(document.querySelector('.grid-canvas'), left, top);
  return [...copy.getImageData(0, 0, 1, 1).data].slice(0, 3);
}"""


PAINTED = """() => new Promise((resolve) => {
  const tell = () => {
    const [measured] = performance.getEntriesByName('grid-paint');
    if (measured) resolve(measured.duration);
    else setTimeout(tell, 20);
  };
  tell();
})"""


def colour(value: float) -> list[int]:
    """Cividis by Plotly, of the square root of a weight."""
    (text,) = sample_colorscale(PLOTLY_SCALES["Cividis"], [value**0.5])
    return [round(float(part)) for part in re.findall(r"[\d.]+", text)]


def place(page: Page, layer: int, head: int) -> tuple[float, float, float]:
    """Left, top and side of a head's cell in the picture, where layers are rows, the first at the bottom."""
    box, picture = page.locator(".grid-current").bounding_box(), page.locator(".grid-picture").bounding_box()
    assert box
    assert picture
    state = re.search(r"layer=(\d+)&head=(\d+)", page.url)
    assert state
    step = (picture["width"] - 42) / 12  # beside the labels
    x = box["x"] - picture["x"] + (head - int(state[2])) * step
    y = box["y"] - picture["y"] - (layer - int(state[1])) * step
    return x, y, box["width"]


def point(page: Page, layer: int, head: int) -> None:
    page.locator(".grid-picture").scroll_into_view_if_needed()
    x, y, side = place(page, layer, head)
    box = page.locator(".grid-picture").bounding_box()
    assert box
    page.mouse.move(box["x"] + x + side / 2, box["y"] + y + side / 2)


def test_each_cell_is_the_map_of_its_head(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page(link(PRONOUN, view="grid", layer=LAYER, head=HEAD))
    maps, n = eager(PRONOUN).attentions, 15
    for layer, head in ((0, 2), (3, 1), (5, 11), (2, 8)):
        x, y, side = place(page, layer, head)
        for query, key in ((0, 0), (9, 2), (4, 3), (14, 14), (3, 14)):
            byte = round(255 * float(maps[layer][head][query, key])) / 255
            got = page.evaluate(PIXEL, [x + (key + 0.5) / n * side, y + (query + 0.5) / n * side])
            assert got == pytest.approx(colour(byte), abs=3), (layer, head, query, key)


def test_one_small_answer_is_fetched_and_painted_at_once(open_page: Open) -> None:
    asked: list[str] = []
    page = open_page(link(PRONOUN, view="map", layer=LAYER, head=HEAD))
    page.on("request", lambda request: asked.append(request.url))
    page.get_by_role("tab", name="Grid").click()
    page.wait_for_selector(".grid-canvas")
    assert page.evaluate(PAINTED) > 0  # how fast is measured in benchmarks/figures/switch.py
    grids = [url for url in asked if "/attention?" in url and "layer=" not in url]
    assert len(grids) == 1
    assert "dtype=u8" in grids[0]
    assert int(re.search(r"size=(\d+)", grids[0]).group(1)) <= 64


def test_pointing_at_a_head_names_it_and_its_strongest_pair(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page(link(PRONOUN, view="grid", layer=LAYER, head=HEAD))
    page.locator(".grid-picture").scroll_into_view_if_needed()
    exact = eager(PRONOUN)
    for layer, head in ((3, 1), (2, 9), (0, 0), (5, 4)):
        point(page, layer, head)
        best = int(exact.attentions[layer][head].argmax())
        query, key = best // 15, best % 15
        pair = f"{exact.tokens[query]} ({query}) → {exact.tokens[key]} ({key})"
        tip = page.locator(".grid-tip")
        expect(tip.locator("strong")).to_have_text(f"Layer {layer}, head {head}")
        expect(tip.locator("b")).to_have_text(weight(float(exact.attentions[layer][head].max())))
        expect(tip).to_contain_text(pair)


def test_the_numbers_beside_the_picture_are_exact_not_bytes(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page(link(PRONOUN, view="grid", layer=LAYER, head=HEAD))
    means = eager(PRONOUN).attentions[LAYER][HEAD].mean(0)
    best = means.argsort(descending=True)[:6].tolist()
    expect(page.locator("#aside .top-value")).to_have_text([f"{float(means[key]):.3f}" for key in best])
    page.locator("#strip .chip[data-index='9']").click()
    row = eager(PRONOUN).attentions[LAYER][HEAD][9]
    wanted = [f"{float(row[key]):.3f}" for key in row.argsort(descending=True)[:6].tolist()]
    expect(page.locator("#aside .top-value")).to_have_text(wanted)


def test_the_keyboard_moves_says_and_opens(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page(link(PRONOUN, view="grid", layer=LAYER, head=HEAD))
    exact = eager(PRONOUN)
    grid = page.get_by_role("grid", name="All heads")
    expect(grid).to_have_attribute("aria-rowcount", "6")
    expect(grid).to_have_attribute("aria-colcount", "12")
    grid.focus()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(r"layer=4&head=2"))
    a = exact.attentions[4][2]
    query, key = divmod(int(a.argmax()), 15)
    words = f"Layer 4, head 2: {exact.tokens[query]} ({query}) to {exact.tokens[key]} ({key}): {weight(float(a.max()))}"
    expect(page.locator("#live")).to_have_text(words)
    assert said(page) == words
    expect(page.locator("#grid-cell")).to_have_attribute("aria-label", words)
    expect(page.locator("#grid-cell")).to_have_attribute("aria-colindex", "3")
    page.keyboard.press("Home")
    expect(page).to_have_url(re.compile(r"layer=4(?!.*head=)"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="Heads")).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile(r"layer=4.*heads=0"))


def test_the_arrows_of_the_page_lead_where_they_point(open_page: Open) -> None:
    page = open_page(link(STORE, model="smollm2", view="grid", layer=12, head=3))
    page.locator("body").press("ArrowRight")  # thirty layers lie across
    expect(page).to_have_url(re.compile(r"layer=13&head=3"))
    page.locator("body").press("ArrowDown")
    expect(page).to_have_url(re.compile(r"layer=13&head=4"))


def test_a_click_opens_the_head(open_page: Open) -> None:
    page = open_page(link(PRONOUN, view="grid", layer=LAYER, head=HEAD))
    x, y, side = place(page, 1, 8)
    page.locator(".grid-picture").click(position={"x": x + side / 2, "y": y + side / 2})
    expect(page.get_by_role("tab", name="Heads")).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile(r"layer=1&head=8&heads=8"))


def test_colour_by_a_role(open_page: Open, eager: Callable[..., Eager], tmp_path: Path) -> None:
    page = open_page(link(PRONOUN, view="grid", layer=LAYER, head=HEAD))
    page.get_by_label("Colour", exact=True).select_option("previous")
    expect(page).to_have_url(re.compile("colour=previous"))
    page.wait_for_function("document.querySelector('#busy').hidden")
    exact = eager(PRONOUN)
    ids = [exact.tokens.index(token) for token in exact.tokens]
    scores = [[by_hand(head, ids, [14], causal=False)["previous"] for head in layer] for layer in exact.attentions]
    most = max(max(layer) for layer in scores)
    expect(page.locator(".grid-legend")).to_contain_text("weight on the token just before")
    for layer, head in ((0, 2), (1, 4), (3, 1)):
        point(page, layer, head)
        expect(page.locator(".grid-tip")).to_contain_text(f"previous {scores[layer][head]:.3f}, ")
        x, y, side = place(page, layer, head)
        within = page.locator(".grid-tip").get_by_text("within what chance gives").count() == 1
        wanted = colour((scores[layer][head] / most) ** 2)
        middle = [x + side / 2, y + side * (0.32 if within else 0.2)]  # beside the number
        assert page.evaluate(PIXEL, middle) == pytest.approx(wanted, abs=3), (layer, head)
        if within:  # drawn small: the corner is empty
            assert page.evaluate(PIXEL, [x + 2, y + 2]) != pytest.approx(wanted, abs=3)
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "grid.csv")
    with (tmp_path / "grid.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    got = torch.tensor([float(row["previous"]) for row in rows]).reshape(6, 12)
    torch.testing.assert_close(got, torch.tensor(scores), atol=1e-5, rtol=0)


def test_a_long_text_is_pooled_and_its_strongest_pair_exact(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page(link(LONG, view="grid", layer=LAYER, head=HEAD))
    expect(page.locator(".map-note")).to_contain_text("Each point stands for up to")
    page.locator(".grid-picture").scroll_into_view_if_needed()
    for layer, head in ((3, 1), (0, 4), (2, 2)):
        point(page, layer, head)
        value = page.locator(".grid-tip b")
        expect(value).to_have_text(re.compile(r"^\d\.\d+$"))
        a = eager(LONG).attentions[layer][head]
        indices = re.findall(r"\((\d+)\)", page.locator(".grid-tip").inner_text())
        query, key = (int(i) for i in indices)
        assert float(value.inner_text()) == pytest.approx(float(a[query, key]), abs=6e-4)
        assert float(a.max() - a[query, key]) <= 1 / 255


@pytest.mark.parametrize("role", ["", "induction"])
@pytest.mark.parametrize(("kind", "magic"), [("PNG", b"\x89PNG"), ("SVG", b"<svg")])
def test_the_picture_can_be_taken_away(open_page: Open, tmp_path: Path, kind: str, magic: bytes, role: str) -> None:
    page = open_page(link(PRONOUN, view="grid", layer=LAYER, head=HEAD, **({"colour": role} if role else {})))
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name=kind, exact=True).click()
    download.value.save_as(tmp_path / "picture")
    content = (tmp_path / "picture").read_bytes()
    assert content.startswith(magic)
    if kind == "SVG":
        assert b"all heads" in content
        assert (b"data:image/png" in content) == (role == "")


def test_it_fits_a_phone_and_its_scale_can_be_changed(open_page: Open) -> None:
    page = open_page(link(PRONOUN, view="grid", layer=LAYER, head=HEAD), size=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    picture = "() => document.querySelector('.grid-canvas').toDataURL()"
    before = page.evaluate(picture)
    page.get_by_role("button", name="Colours follow the weight").click()
    expect(page).to_have_url(re.compile("scale=linear"))
    page.wait_for_timeout(200)
    assert page.evaluate(picture) != before
