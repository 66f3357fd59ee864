"""Seven lenses, switched in place: the numbers through the page against their formulas, and what cannot be shown."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, expect
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.analyses.lenses import LENSES
from app.models import catalogue
from app.models.progress import never, silent
from app.models.sources import wheel
from app.settings import Settings
from tests.browser.conftest import NARROW, WIDE, Open, Watch, wait_drawn
from tests.browser.downloads import csv_map, csv_rows, same
from tests.browser.lens_formulas import Reference, divergence, minilm, norm, rollout, without_sink
from tests.browser.page import problem
from tests.browser.pictures import PRONOUN, STORE, link

LAYER, HEAD = 3, 1

# The server says that a look takes long, and its stream reports one stage and does not end.
NEVER_ENDS = """
const real = window.fetch;
const stage = {stage: 'gradient', done: 3, total: 31, message: 'Layer 4 of 31'};
window.fetch = (url, options) => {
  if (!String(url).includes('lens=gradient')) return real(url, options);
  if (options.method === 'GET') {
    const problem = {title: 'Long', status: 409, code: 'needs-stream', detail: 'It takes a while.', hint: 'POST.'};
    return Promise.resolve(new Response(JSON.stringify(problem), {status: 409}));
  }
  const body = new ReadableStream({ start(controller) {
    controller.enqueue(new TextEncoder().encode(`event: progress\\ndata: ${JSON.stringify(stage)}\\n\\n`));
    options.signal.addEventListener('abort', () => {
      window.left = true;
      controller.error(new DOMException('', 'AbortError'));
    });
  } });
  return Promise.resolve(new Response(body));
};
"""


@pytest.fixture(scope="module")
def pronoun() -> Reference:
    return minilm(PRONOUN)


def through(open_page: Open, lens: str, **selection: object) -> Page:
    page = open_page(link(PRONOUN, **{"view": "map", "layer": LAYER, "head": HEAD, "lens": lens} | selection))
    page.wait_for_selector(".map-chart .heatmaplayer image")
    return page


def test_each_lens_is_offered_with_its_meaning(open_page: Open) -> None:
    page = open_page(link(PRONOUN, view="map"))
    options = page.locator("#lens option")
    said = {option.get_attribute("value"): option.inner_text() for option in options.all()}
    assert list(said) == list(LENSES)
    for name, lens in LENSES.items():
        assert lens.meaning.replace("'", "’") in page.locator(f"#lens option[value='{name}']").text_content()


def test_switching_changes_the_picture_in_place(open_page: Open, pronoun: Reference, tmp_path: Path) -> None:
    page = through(open_page, "raw")
    assert same(csv_map(page, tmp_path), pronoun.maps[LAYER][HEAD])
    head = page.locator("#head")
    for lens, expected, has_heads in (
        ("norm", norm(pronoun, LAYER)[HEAD], True),
        ("rollout", rollout(pronoun, LAYER), False),
        ("no-sink", without_sink(pronoun.maps[LAYER][HEAD]), True),
    ):
        page.select_option("#lens", lens)
        expect(page.locator(".says-lens")).to_contain_text(f"{lens} {LENSES[lens].meaning}")
        assert same(csv_map(page, tmp_path), expected, 1e-4), lens
        expect(head).to_be_enabled() if has_heads else expect(head).to_be_disabled()
        expect(page).to_have_url(re.compile(f"lens={lens}"))
    page.select_option("#lens", "raw")
    expect(page).not_to_have_url(re.compile("lens="))


@pytest.mark.parametrize("lens", ["alti", "value-zeroing"])
def test_maps_without_heads_have_rows_that_sum_to_1(open_page: Open, tmp_path: Path, lens: str) -> None:
    page = through(open_page, lens)
    got = csv_map(page, tmp_path)
    assert (got.sum(-1) - 1).abs().max() < 1e-4
    expect(page.locator("#aside .where")).to_have_text(f"layer {LAYER}, {lens}")
    page.get_by_role("tab", name="Heads").click()
    wait_drawn(page)
    expect(page.locator(".heads-bar")).to_be_hidden()
    expect(page.locator(".says-lens b")).to_have_text(lens)


def test_values_without_bounds_are_scaled_to_the_largest(open_page: Open, pronoun: Reference) -> None:
    page = through(open_page, "norm")
    largest = float(norm(pronoun, LAYER)[HEAD].max())
    top = page.locator(".map-chart .cbaxis text, .map-chart .colorbar text").last
    assert abs(float(top.text_content() or "") - largest) < 0.006 * largest


def test_a_lens_that_does_not_apply_says_why_and_leaves_the_view(
    open_page: Open, watch: Watch, tmp_path: Path, pronoun: Reference
) -> None:
    watch.expected.append("status of 422")
    page = through(open_page, "raw")
    page.select_option("#lens", "gradient")
    expect(page.locator(".says-why")).to_contain_text("No picture through gradient. This model was trained without")
    expect(page.locator(".map-chart .heatmaplayer image")).to_have_count(1)
    expect(page.locator("#problem > *")).to_have_count(0)
    page.get_by_role("button", name="Show raw attention").click()
    expect(page.locator("#view")).not_to_have_attribute("data-refused", re.compile(""))
    assert same(csv_map(page, tmp_path), pronoun.maps[LAYER][HEAD])


def test_a_link_to_a_lens_that_does_not_apply_opens(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 422")
    page = open_page(link(PRONOUN, view="map", lens="gradient"), drawn=False)
    expect(page.locator(".says-why")).to_be_visible()
    page.get_by_role("button", name="Show raw attention").click()
    page.wait_for_selector(".map-chart .heatmaplayer image")


@pytest.mark.slow
def test_the_gradient_has_two_sides(open_page: Open, tmp_path: Path) -> None:
    layer, head = 24, 4
    entry = catalogue.entry("smollm2")
    assert entry is not None
    folder = wheel.find(entry, Settings(), silent, never).folder
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = AutoTokenizer.from_pretrained(folder)(STORE, return_tensors="pt")
    outputs = model(**inputs, output_attentions=True)
    likeliest = outputs.logits[0, -1].log_softmax(-1).max()
    (slope,) = torch.autograd.grad(likeliest, outputs.attentions[layer])
    expected = (outputs.attentions[layer] * slope)[0, head].detach()

    page = open_page(link(STORE, model="smollm2", view="map", layer=layer, head=head, lens="gradient"))
    page.wait_for_selector(".map-chart .heatmaplayer image")
    got = csv_map(page, tmp_path)
    seen = torch.ones_like(expected).tril().bool()
    assert same(got, expected.masked_fill(~seen, torch.nan), 1e-3 * float(expected.abs().max()))
    assert float(expected.min()) < 0 < float(expected.max())
    expect(page.locator(".says-lens")).to_contain_text("Here for “·Mary”")
    low, high = (page.locator(".map-chart .cbaxis text").nth(i).text_content() for i in (0, -1))
    assert {low, high} == {f"−{high}".replace("−−", "−"), high} or low == f"−{high}"
    assert page.locator("#strip .chip.against").count() > 0


def test_what_takes_long_shows_how_far_it_is_and_can_be_stopped(open_page: Open) -> None:
    page = open_page(
        link(STORE, model="smollm2", view="map", layer=24, head=4),
        before=lambda context: context.add_init_script(NEVER_ENDS),
    )
    page.select_option("#lens", "gradient")
    expect(page.locator("#busy")).to_contain_text("Layer 4 of 31 · 9%")
    page.locator("#busy").get_by_role("button", name="Stop").click()
    expect(page.locator(".says-why")).to_contain_text("The work was stopped")
    assert page.evaluate("window.left") is True
    expect(page.get_by_role("button", name="Try again")).to_be_visible()
    page.get_by_role("button", name="Show raw attention").click()
    expect(page.locator(".says-lens b")).to_have_text("raw")


def test_the_stream_ends_in_the_same_picture(open_page: Open, watch: Watch, tmp_path: Path) -> None:
    plain = csv_map(through(open_page, "value-zeroing"), tmp_path)
    watch.expected.append("status of 409")

    def refuse(context: BrowserContext) -> None:
        long = problem(409, "needs-stream", "It takes a while.")
        context.route(
            "**/attention?*value-zeroing*",
            lambda route: long(route) if route.request.method == "GET" else route.continue_(),
        )

    page = open_page(link(PRONOUN, view="map", layer=LAYER, head=HEAD, lens="value-zeroing"), before=refuse)
    page.wait_for_selector(".map-chart .heatmaplayer image")
    assert same(csv_map(page, tmp_path), plain)


def test_where_lenses_disagree_by_head_and_by_pair(open_page: Open, pronoun: Reference, tmp_path: Path) -> None:
    page = open_page(link(PRONOUN, view="lenses", layer=LAYER, head=HEAD))
    name, rows = csv_rows(page, tmp_path)
    assert name == "headlight-minilm-encoder-lenses.csv"
    assert rows[0] == ["layer", "head", "divergence of raw and norm (bits)", "queries"]
    assert len(rows) == 1 + 6 * 12
    largest = (0.0, 0, 0, 0, 0)
    for layer in range(6):
        brought = norm(pronoun, layer)
        for head in range(12):
            expected = divergence(pronoun.maps[layer][head], brought[head])
            row = rows[1 + layer * 12 + head]
            assert abs(float(row[2]) - expected) < 1e-4
            shares = brought[head] / brought[head].sum(-1, keepdim=True)
            difference = (shares - pronoun.maps[layer][head]).abs()
            at = int(difference.argmax())
            largest = max(largest, (float(difference.max()), layer, head, at // 15, at % 15))
    expected = divergence(pronoun.maps[LAYER][HEAD], norm(pronoun, LAYER)[HEAD])
    expect(page.get_by_role("gridcell", selected=True)).to_have_attribute(
        "aria-label", f"layer {LAYER}, head {HEAD}: {expected:.3f} bits"
    )
    first = page.locator(".lenses-pairs tbody tr").first
    difference, layer, head, query, key = largest
    expect(first.locator("td").last).to_have_text(f"{difference:.3f}")
    expect(first.locator("td").first).to_have_text(f"{layer}.{head}")
    first.get_by_role("button").click()
    expect(page).to_have_url(re.compile(f"layer={layer}&head={head}&query={query}&key={key}"))
    page.get_by_role("button", name="Map through norm").click()
    page.wait_for_selector(".map-chart .heatmaplayer image")
    expect(page.locator(".map-tip strong")).to_have_text(re.compile(r"[\d.]+"))
    value = float(page.locator(".map-tip strong").inner_text())
    assert abs(value - float(norm(pronoun, layer)[head][query, key])) < 0.006 * value


def test_heads_are_walked_by_the_keyboard_and_their_own_pairs_listed(open_page: Open, pronoun: Reference) -> None:
    page = open_page(link(PRONOUN, view="lenses", layer=LAYER, head=HEAD, lenses="raw,no-sink"))
    page.get_by_role("gridcell", selected=True).focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page).to_have_url(re.compile(f"layer={LAYER + 1}&head={HEAD + 1}"))
    head = pronoun.maps[LAYER + 1][HEAD + 1]
    expected = divergence(head, without_sink(head))
    words = f"layer {LAYER + 1}, head {HEAD + 1}: {expected:.3f} bits"
    expect(page.locator("#live")).to_have_text(words)
    expect(page.locator(":focus")).to_have_attribute("aria-label", words)
    page.get_by_role("button", name="this head").click()
    expect(page.locator(".lenses-pairs tbody tr td:first-child").first).to_have_text(f"{LAYER + 1}.{HEAD + 1}")
    heads = set(page.locator(".lenses-pairs tbody tr td:first-child").all_inner_texts())
    assert heads == {f"{LAYER + 1}.{HEAD + 1}"}
    page.get_by_role("button", name="norm", exact=True).click()
    expect(page).to_have_url(re.compile("lenses=raw%2Cno-sink%2Cnorm"))
    expect(page.locator(".lenses-pairs thead th")).to_have_text(
        ["head", "query looks at key", "raw", "no-sink", "norm", "difference"]
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Open, watch: Watch, theme: str) -> None:
    watch.expected.append("status of 422")
    page = open_page(link(PRONOUN, view="lenses", layer=LAYER, head=HEAD, query=9, key=2), theme=theme)
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.set_viewport_size(WIDE)
    page.get_by_role("button", name="gradient", exact=True).click()
    expect(page.locator(".says-why")).to_be_visible()
    assert Axe().run(page).response["violations"] == []
