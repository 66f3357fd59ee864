"""The Compare view: pairs, ranking and differences through the page, against transformers' eager maps of both runs."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from safetensors.numpy import load
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.models import catalogue
from app.models.progress import never, silent
from app.models.sources import wheel
from app.settings import Settings
from tests.browser.conftest import NARROW, Eager, Open, Watch, wait_drawn
from tests.browser.page import problem
from tests.browser.pictures import LONG, PRONOUN, said, weight

WIDE_ANIMAL = PRONOUN.replace("tired", "wide")
LAYER, HEAD = 3, 1
PAIRED = [0, *range(1, 12), 13, 14]  # every token but "tired", which became "wide"


def link(text: str, other: str | None = None, **selection: object) -> str:
    fragment = {"text": text} if other is None else {"text": text, "text_b": other}
    return f"/?{urlencode({'view': 'compare', 'layer': LAYER, 'head': HEAD} | selection)}#{urlencode(fragment)}"


@pytest.fixture
def open_compare(open_page: Open) -> Open:
    """As `open_page`, and waits for the three maps."""

    def start(path: str, **options: object) -> Page:
        page = open_page(path, **options)
        expect(page.locator(".compare .heatmaplayer image")).to_have_count(3, timeout=30_000)
        return page

    return start


def divergences(first: Eager, second: Eager) -> dict[tuple[int, int], float]:
    """Bits by (layer, head): mean over the paired rows, keys without a partner counted as one."""
    found = {}
    rest = [i for i in range(len(first.tokens)) if i not in PAIRED]
    for layer, (p, q) in enumerate(zip(first.attentions, second.attentions, strict=True)):
        a, b = (torch.cat([m[:, PAIRED][..., PAIRED], m[:, PAIRED][..., rest].sum(-1, True)], -1) for m in (p, q))
        for head in range(len(a)):
            middle = ((a[head] + b[head]) / 2).double()
            sides = [side.double() * (side.double() / middle).log2() for side in (a[head], b[head])]
            found[layer, head] = float(sum(side.nan_to_num().sum(-1) for side in sides).mean() / 2)
    return found


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def test_heads_are_ranked_by_their_divergence(open_compare: Open, eager: Callable[..., Eager]) -> None:
    page = open_compare(link(PRONOUN, WIDE_ANIMAL))
    wanted = divergences(eager(PRONOUN), eager(WIDE_ANIMAL))
    ranked = sorted(wanted, key=lambda at: -wanted[at])
    buttons = page.locator(".compare-one")
    assert buttons.count() == 10
    for at, text in zip(ranked, buttons.all_inner_texts(), strict=False):
        layer, head, bits = re.match(r"layer (\d+), head (\d+)\s+(\S+) bits", text).groups()
        assert (int(layer), int(head)) == at
        assert float(bits) == pytest.approx(wanted[at], rel=1e-3)
    field = page.get_by_role("grid", name="Heads by divergence")
    field.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowLeft")
    place = ranked.index((4, 0)) + 1
    words = re.match(r"layer 4, head 0: (\S+) bits, (\d+) of 72", said(page))
    assert float(words.group(1)) == pytest.approx(wanted[4, 0], rel=1e-3)
    assert int(words.group(2)) == place
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile("layer=4"))
    buttons.first.click()
    expect(page).to_have_url(re.compile(rf"layer={ranked[0][0]}&head={ranked[0][1]}"))
    expect(buttons.first).to_have_attribute("aria-current", "true")


def test_three_maps_and_what_changed(open_compare: Open, eager: Callable[..., Eager]) -> None:
    page = open_compare(link(PRONOUN, WIDE_ANIMAL))
    first, second = (eager(text).attentions[LAYER][HEAD] for text in (PRONOUN, WIDE_ANIMAL))
    difference = (second - first)[PAIRED][:, PAIRED]
    grid = page.get_by_role("grid", name="Second minus first")
    grid.focus()
    page.keyboard.press("Home")
    for _ in range(9):
        page.keyboard.press("ArrowDown")
    for _ in range(2):
        page.keyboard.press("ArrowRight")
    words = re.match(r"it \(9\) to animal \(2\): (\S+) \((\S+) → (\S+)\)", said(page))
    assert number(words.group(1)) == pytest.approx(float(difference[9, 2]), rel=1e-3)
    assert words.group(2) == weight(float(first[9, 2]))
    assert words.group(3) == weight(float(second[9, 2]))
    reads = page.locator(".compare-panel .compare-read b").all_inner_texts()
    assert reads[:2] == [weight(float(first[9, 2])), weight(float(second[9, 2]))]

    at = int(difference.abs().argmax())
    row, col = divmod(at, len(PAIRED))
    tokens = eager(PRONOUN).tokens
    said_what = page.locator(".compare-what").inner_text()
    assert said_what.startswith("“tired” became “wide”; ")
    amount = re.search(r"“(\S+)” gives (\S+) (more|less) to “(\S+)”", said_what)
    assert (amount.group(1), amount.group(4)) == (tokens[PAIRED[row]], tokens[PAIRED[col]])
    signed = float(amount.group(2)) * (1 if amount.group(3) == "more" else -1)
    assert signed == pytest.approx(float(difference.flatten()[at]), rel=1e-3)
    shown = [number(text) for text in page.locator(".compare-amount").all_inner_texts()]
    strongest = difference.flatten()[difference.abs().flatten().argsort(descending=True)[:6]]
    assert shown == pytest.approx(strongest.tolist(), rel=1e-3)
    page.locator(".compare-change").first.click()
    expect(page).to_have_url(re.compile(rf"query={PAIRED[row]}&key={PAIRED[col]}"))


def test_tokens_stand_above_their_partners(open_compare: Open, eager: Callable[..., Eager]) -> None:
    page = open_compare(link(PRONOUN, WIDE_ANIMAL))
    columns = page.locator(".compare-strip li")
    pairs = columns.evaluate_all(
        "all => all.map((li) => [...li.querySelectorAll('.compare-token')].map((t) => t.textContent))"
    )
    assert pairs == [list(pair) for pair in zip(eager(PRONOUN).tokens, eager(WIDE_ANIMAL).tokens, strict=True)]
    alone = page.locator(".compare-pair.alone")
    assert alone.count() == 1
    assert "tired / wide" in alone.text_content()
    columns.nth(2).hover()
    expect(page.locator("#strip .chip[data-index='2']")).to_have_class(re.compile("query"))


def test_cross_attention_has_its_keys_above_each_other_too(open_compare: Open) -> None:
    page = open_compare(
        link("the third of March 2021", "the third of April 2021", model="dates", stack="cross", layer=0)
    )
    expect(page.locator(".compare-what")).to_contain_text("Among the keys “m” was left out")
    expect(page.locator(".compare-what")).to_contain_text("among the queries “3” became “4”")
    queries, keys = page.locator(".compare-strip").all()
    assert queries.get_attribute("aria-label").startswith("Queries of the first")
    assert "".join(keys.locator(".compare-pair:not(.alone) .compare-token").all_inner_texts()).count("r") >= 4
    keys.locator("li").nth(4).hover()
    expect(keys.locator("li").nth(4)).to_have_class(re.compile("key"))


def test_the_other_side_is_written_here_and_kept_in_the_link(open_page: Open, watch: Watch) -> None:
    page = open_page(link(PRONOUN))
    expect(page.locator(".compare-note")).to_contain_text("Both sides are the same")
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.url))
    box = page.get_by_label("Compare with this text")
    expect(box).to_have_value(PRONOUN)
    box.fill(WIDE_ANIMAL)
    box.press("Enter")
    expect(page.locator(".compare-what")).to_contain_text("became “wide”")
    assert "text_b=The+animal" in page.url.split("#")[1]
    assert not any("wide" in url for url in sent)
    expect(page.locator(".badge")).to_contain_text("checks")
    page.reload()
    wait_drawn(page)
    expect(page.locator(".compare-what")).to_contain_text("became “wide”")
    page.get_by_role("button", name="Same as above").click()
    expect(page.locator(".compare-note")).to_contain_text("Both sides are the same")
    assert watch.errors == []


def test_two_models_are_aligned_by_the_text_and_compared_head_by_head(
    open_compare: Open, eager: Callable[..., Eager]
) -> None:
    page = open_compare(link(PRONOUN, model_b="smollm2", layer_b=20, head_b=4, query=9, key=2))
    entry = catalogue.entry("smollm2")
    assert entry is not None
    folder = wheel.find(entry, Settings(), silent, never).folder
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    with torch.no_grad():
        inputs = AutoTokenizer.from_pretrained(folder)(PRONOUN, return_tensors="pt")
        theirs = model(**inputs, output_attentions=True).attentions[20][0, 4]
    ours = eager(PRONOUN).attentions[LAYER][HEAD]
    expect(page.locator(".compare-note")).to_contain_text("differ in layers or heads")
    expect(page.locator(".compare-rank")).to_be_hidden()
    expect(page.locator(".compare-what")).to_contain_text("minilm cuts the text into 15 tokens and smollm2 into 13")
    reads = page.locator(".compare-panel .compare-read b")
    assert reads.nth(0).inner_text() == weight(float(ours[9, 2]))
    assert reads.nth(1).inner_text() == weight(float(theirs[8, 1]))
    assert number(reads.nth(2).inner_text().split()[0]) == pytest.approx(float(theirs[8, 1] - ours[9, 2]), rel=1e-3)
    page.get_by_label("Layer of the second").fill("300")
    page.get_by_label("Layer of the second").press("Tab")
    expect(page.get_by_label("Layer of the second")).to_have_attribute("aria-invalid", "true")
    expect(page.locator("#compare-otherLayer-wrong")).to_have_text(re.compile(r"Write a whole number from 0 to \d+\."))
    expect(page.get_by_label("Layer of the second")).to_have_value("300")
    page.get_by_label("Layer of the second").fill("3")
    page.get_by_label("Layer of the second").press("Tab")
    expect(page).to_have_url(re.compile("layer_b=3"))
    expect(page.locator(".compare-title").nth(1)).to_have_text("Second: smollm2, layer 3, head 4")


def test_what_does_not_go_together_is_said_and_can_be_mended(open_page: Open, watch: Watch) -> None:
    page = open_page(link(PRONOUN, "Quite another text", model_b="smollm2"))
    expect(page.locator(".compare-note")).to_contain_text("Change one thing at a time")
    expect(page.locator(".compare-result")).to_be_hidden()
    page.get_by_role("button", name="Same model").click()
    expect(page.locator(".compare-note")).not_to_contain_text("one thing at a time")
    expect(page.locator(".compare-what")).to_be_visible()
    page.goto("about:blank")
    page.goto(watch.address + link(PRONOUN, model_b="far/away"))
    wait_drawn(page)
    expect(page.locator(".compare-note")).to_contain_text("The other model is not here yet")


def test_a_server_that_is_busy_is_asked_again(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 503")

    def before(context: object) -> None:
        context.route("**/api/compare", problem(503, "busy", "Too much to do."), times=1)

    page = open_page(link(PRONOUN, WIDE_ANIMAL), before=before, drawn=False)
    expect(page.locator("#problem")).to_contain_text("Too much to do.")
    page.get_by_role("button", name="Try again").click()
    expect(page.locator(".compare-what")).to_contain_text("became “wide”")


def test_a_long_text_is_folded_and_pooled(open_compare: Open, eager: Callable[..., Eager]) -> None:
    other = f"{LONG} Gulls cry."
    page = open_compare(link(LONG, other))
    expect(page.locator(".compare-what")).to_contain_text("“gulls cry.” was added")
    assert page.locator(".compare-strip li").count() < 60
    pooled = page.locator(".compare-amount").first.inner_text()
    first, second = (eager(text).attentions[LAYER][HEAD] for text in (LONG, other))
    n = len(first)
    paired = [*range(n - 1), len(second) - 1]
    difference = second[paired][:, paired] - first
    assert abs(number(pooled)) == pytest.approx(float(difference.abs().max()), rel=1e-3)


def test_what_is_taken_away(open_compare: Open, eager: Callable[..., Eager], tmp_path: Path) -> None:
    page = open_compare(link(PRONOUN, WIDE_ANIMAL))
    for name in ("CSV", "SVG", "PNG", "safetensors"):
        with page.expect_download() as download:
            page.locator("#aside").get_by_role("button", name=name, exact=True).click()
        download.value.save_as(tmp_path / name)
        assert download.value.suggested_filename.startswith("headlight-minilm-compare-encoder-layer3-head1.")
    with (tmp_path / "CSV").open(newline="") as file:
        table = list(csv.DictReader(file))
    wanted = divergences(eager(PRONOUN), eager(WIDE_ANIMAL))
    got = {(int(row["layer"]), int(row["head"])): float(row["divergence"]) for row in table}
    assert got == pytest.approx(wanted, abs=1e-6)
    first, second = (eager(text).attentions[LAYER][HEAD] for text in (PRONOUN, WIDE_ANIMAL))
    values = torch.from_numpy(load((tmp_path / "safetensors").read_bytes())["values"][0, 0])
    assert (values - (second - first)[PAIRED][:, PAIRED]).abs().max() < 1e-5
    svg = (tmp_path / "SVG").read_text()
    assert svg.startswith("<svg")
    assert all(title in svg for title in ("First", "Second minus first", "layer 3, head 1"))
    assert (tmp_path / "PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_and_nothing_is_wider_than_a_phone(open_compare: Open, theme: str) -> None:
    page = open_compare(link(PRONOUN, WIDE_ANIMAL, query=9, key=2), theme=theme)
    for size in (None, NARROW):
        if size:
            page.set_viewport_size(size)
            wait_drawn(page)
        found = Axe().run(page).response["violations"]
        assert found == [], [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
