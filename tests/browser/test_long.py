"""Two thousand tokens of SmolLM2: what is drawn is exact where one looks, and no array is larger than a screen."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from playwright.sync_api import Page, Response, expect
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from app.models import catalogue
from app.models.progress import never, silent
from app.models.sources import wheel
from app.settings import Settings
from tests.browser.conftest import Open
from tests.browser.page import top
from tests.browser.pictures import link, weight

pytestmark = pytest.mark.slow

CHAPTER = "In chapter {} the narrator walks to the harbour, counts {} ships, and remembers what her mother said."
TEXT = " ".join(CHAPTER.format(i, 3 * i) for i in range(1, 86))
LAYER, HEAD, QUERY = 2, 3, 1500
SCREEN = 1920 * 1080
"""Numbers in the largest answer that may come."""


@pytest.fixture(scope="module")
def rows() -> Callable[[slice], Tensor]:
    """Rows of all heads of the layer, [heads, rows, N], by transformers' modules; never a whole map."""
    entry = catalogue.entry("smollm2")
    assert entry is not None
    folder = wheel.find(entry, Settings(), silent, never).folder
    model = AutoModelForCausalLM.from_pretrained(folder).model.eval()
    inputs = AutoTokenizer.from_pretrained(folder)(TEXT, return_tensors="pt")
    model.layers = model.layers[: LAYER + 1]
    with torch.no_grad():
        before = model(**inputs, output_hidden_states=True).hidden_states[LAYER]
        block = model.layers[LAYER]
        hidden = block.input_layernorm(before)
        q, k = (
            part(hidden).unflatten(-1, (-1, 64)).transpose(1, 2)
            for part in (block.self_attn.q_proj, block.self_attn.k_proj)
        )
        q, k = apply_rotary_pos_emb(q, k, *model.rotary_emb(hidden, torch.arange(hidden.shape[1])[None]))
        k = k[0].repeat_interleave(3, dim=0)

    def compute(part: slice) -> Tensor:
        scores = q[0, :, part] @ k.transpose(1, 2) / 8
        later = torch.arange(k.shape[1]) > torch.arange(part.start, part.stop)[:, None]
        return scores.masked_fill(later, -torch.inf).softmax(-1)

    return compute


@pytest.fixture
def open_long(open_page: Open) -> Callable[..., tuple[Page, list[int]]]:
    """The page, and the bytes of each answer with maps."""

    def start(**selection: object) -> tuple[Page, list[int]]:
        page = open_page(link(TEXT, model="smollm2", layer=LAYER, head=HEAD, **selection), drawn=False)
        sizes: list[int] = []

        def heard(response: Response) -> None:
            if "/attention?" in response.url:
                sizes.append(int(response.headers.get("content-length", 0)))

        page.on("response", heard)
        page.wait_for_selector("#aside .facts:not(:empty)", timeout=240_000)
        return page, sizes

    return start


def test_heads_shows_a_window_that_follows_the_selection(
    open_long: Callable[..., tuple[Page, list[int]]], rows: Callable[[slice], Tensor]
) -> None:
    page, sizes = open_long(view="heads", query=QUERY)
    exact = rows(slice(QUERY, QUERY + 1))[:, 0]
    mean = exact.mean(0)
    order = mean.argsort(descending=True)[:3].tolist()
    expect(page.locator("#aside .top-index").first).to_have_text(str(order[0]), timeout=60_000)
    assert top(page)[:3] == [(i, f"{mean[i]:.3f}") for i in order]
    assert page.locator(".heads-token").count() < 200
    expect(page.locator(f"#heads-query-{QUERY}")).to_be_visible()
    first = page.locator("#view table tbody tr").first
    expect(first.locator("td").first).to_have_text(weight(float(exact.amax(0).max())))
    page.keyboard.press("Shift+ArrowRight")
    after = rows(slice(QUERY + 1, QUERY + 2))[:, 0].mean(0)
    expect(page.locator("#aside .top-value").first).to_have_text(f"{after.max():.3f}", timeout=60_000)
    page.locator(".heads-scroll").evaluate("element => { element.scrollTop = 0; }")
    expect(page.locator("#heads-query-3")).to_be_visible()
    page.locator("#heads-query-30").hover()
    early = rows(slice(30, 31))[:, 0].mean(0)
    expect(page.locator("#aside .top-value").first).to_have_text(f"{early.max():.3f}", timeout=60_000)
    assert sizes
    assert max(sizes) < 4 * SCREEN


def test_the_map_is_pooled_first_and_exact_when_zoomed(
    open_long: Callable[..., tuple[Page, list[int]]], rows: Callable[[slice], Tensor]
) -> None:
    page, sizes = open_long(view="map")
    page.wait_for_selector(".map-chart .heatmaplayer image", timeout=60_000)
    count = int(page.get_by_role("grid").get_attribute("aria-rowcount") or 0)
    assert count > 1900
    expect(page.locator(".map-note")).to_contain_text("Too large to show every cell")
    page.locator(".map-stage").scroll_into_view_if_needed()
    box = page.locator(".map-over").bounding_box()
    assert box
    page.mouse.move(box["x"] + 0.3 * box["width"], box["y"] + 0.7 * box["height"])
    tip = page.locator(".map-tip")
    expect(tip.locator("strong")).to_contain_text("at most")
    query, key = (
        [int(i) for i in re.findall(r"\((\d+)\)", part)] for part in tip.locator("span").inner_text().split(" → ")
    )
    bins = rows(slice(query[0], query[-1] + 1))[HEAD, :, key[0] : key[-1] + 1]
    expect(tip.locator("strong")).to_have_text(f"at most {weight(float(bins.max()))}")
    note = page.locator(".map-note")
    for _ in range(6):
        if "Too large" not in note.inner_text():
            break
        with page.expect_response(re.compile(r"/attention\?.*rows=")):
            page.get_by_role("button", name="Zoom in").click()
        page.wait_for_timeout(500)  # for the answer to be drawn
    expect(note).not_to_contain_text("Too large", timeout=20_000)
    found = re.fullmatch(r"rows (\d+)–(\d+), columns (\d+)–(\d+)", page.locator(".map-where").inner_text())
    assert found
    top_row, last_row, left, right = (int(i) for i in found.groups())
    last_row, right = last_row + 1, right + 1
    page.wait_for_timeout(500)
    box = page.locator(".map-over").bounding_box()
    assert box
    r = (last_row - top_row) * 3 // 4
    row = rows(slice(top_row + r, top_row + r + 1))[HEAD, 0, left:right]
    c = int(row.argmax())
    page.mouse.move(
        box["x"] + (c + 0.5) / (right - left) * box["width"],
        box["y"] + (r + 0.5) / (last_row - top_row) * box["height"],
    )
    expect(tip.locator("span")).to_contain_text(f"({top_row + r}) → ")
    expect(tip.locator("span")).to_contain_text(f"({left + c})")
    expect(tip.locator("strong")).to_have_text(weight(float(row[c])))
    page.get_by_role("button", name="Show all tokens").click()
    page.get_by_role("button", name="words", exact=True).click()
    expect(page.locator(".says-hidden")).to_contain_text("In words")
    assert max(sizes) < 4 * 257 * 257 + 65536
