"""Encoder, decoder and cross attention of the model that ships with the app, against transformers' eager maps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from torch import Tensor
from transformers import AutoModelForSeq2SeqLM, AutoTokenizer

import app
from tests.browser.conftest import NARROW, WIDE, Open, wait_drawn
from tests.browser.downloads import csv_map, same
from tests.browser.lens_formulas import in_words
from tests.browser.pictures import link, weight

DATE = "the third of March 2021"
STACKS = ("encoder", "decoder", "cross")


@dataclass(frozen=True)
class Reference:
    """Maps by stack [layers][heads, Q, K], and what the decoder wrote."""

    maps: dict[str, list[Tensor]]
    answer: str
    rows: int
    cols: int
    words: list[int | None]


def dates(target: str | None = None) -> Reference:
    folder = Path(app.__file__).parent / "weights" / "dates"
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = tokenizer(DATE, return_tensors="pt")
    with torch.no_grad():
        wrote = model.generate(**inputs, do_sample=False, num_beams=1, max_new_tokens=32)
        if target is None:
            read = wrote[:, :-1]
        else:
            read = model.prepare_decoder_input_ids_from_labels(
                tokenizer(text_target=target, return_tensors="pt").input_ids
            )
        seen = model(
            input_ids=inputs.input_ids,
            attention_mask=inputs.attention_mask,
            decoder_input_ids=read,
            output_attentions=True,
        )
    maps = {
        "encoder": [layer[0] for layer in seen.encoder_attentions],
        "decoder": [layer[0] for layer in seen.decoder_attentions],
        "cross": [layer[0] for layer in seen.cross_attentions],
    }
    answer = tokenizer.decode(wrote[0], skip_special_tokens=True)
    return Reference(maps, answer, read.shape[1], inputs.input_ids.shape[1], tokenizer(DATE).word_ids())


@pytest.fixture(scope="module")
def own() -> Reference:
    return dates()


def open_map(open_page: Open, **selection: object) -> Page:
    page = open_page(link(DATE, model="dates", **{"view": "map"} | selection))
    page.wait_for_selector(".map-chart .heatmaplayer image")
    return page


def test_each_stack_shows_its_own_maps(open_page: Open, own: Reference, tmp_path: Path) -> None:
    page = open_map(open_page)
    for stack in STACKS:
        page.select_option("#stack", stack)
        for layer, head in ((0, 1), (1, 3)):
            page.locator("#layer").fill(str(layer))
            page.keyboard.press("Enter")
            page.locator("#head").fill(str(head))
            page.keyboard.press("Enter")
            wait_drawn(page)
            expected = own.maps[stack][layer][head]
            if stack == "decoder":
                expected = expected.masked_fill(~torch.ones_like(expected).tril().bool(), torch.nan)
            assert same(csv_map(page, tmp_path), expected), f"{stack} {layer}.{head}"


def test_the_answer_of_the_model_is_shown_and_a_target_replaces_it(
    open_page: Open, own: Reference, tmp_path: Path
) -> None:
    page = open_map(open_page, stack="cross", head=1)
    assert own.answer == "2021-03-03"
    expect(page.locator(".ask-answer")).to_have_text("It wrote 2021-03-03 itself.")
    expect(page.locator("#strip .strip-head h2")).to_have_text(f"{own.rows} tokens look at {own.cols} tokens")
    page.locator("#target").fill("1999-12-31")
    page.keyboard.press("Enter")
    expect(page.locator(".ask-answer")).to_be_hidden()
    wait_drawn(page)
    assert same(csv_map(page, tmp_path), dates("1999-12-31").maps["cross"][0][1])


def test_cross_attention_reads_the_parts_of_the_date(open_page: Open, own: Reference) -> None:
    page = open_page(link(DATE, model="dates", stack="cross", view="heads", layer=0, heads=1))
    queries, keys = page.locator("#strip .chips").all()
    head, text = own.maps["cross"][0][1], DATE.lower()
    for query, part in ((3, "2021"), (5, "march"), (9, "third")):
        key = int(head[query].argmax())
        assert text.index(part) <= key < text.index(part) + len(part)
        queries.locator(".chip").nth(query).click()
        first = page.locator("#aside .top li").first
        expect(first.locator(".top-index")).to_have_text(str(key))
        expect(first.locator(".top-value")).to_have_text(f"{float(head[query, key]):.3f}")
        expect(keys.locator(".chip").nth(key)).to_have_class(re.compile("bright"))
    keys.locator(".chip").nth(key).hover()
    expect(page.locator("#aside .number")).to_have_text(f"{float(head[9, key]):.3f}")


def test_cross_attention_in_words_has_words_on_both_sides(open_page: Open, own: Reference, tmp_path: Path) -> None:
    page = open_map(open_page, stack="cross", head=1, group="word")
    got = csv_map(page, tmp_path)
    assert got.shape[1] == len(in_words(own.maps["encoder"][0][0], own.words))
    assert (got.sum(-1) - 1).abs().max() < 1e-5
    march = next(
        i for i, label in enumerate(page.locator(".map-chart .xtick text").all_text_contents()) if "march" in label
    )
    dash = next(i for i, label in enumerate(page.locator(".map-chart .ytick text").all_text_contents()) if label == "-")
    assert got[dash].argmax() == march
    page.get_by_role("grid").focus()
    for _ in range(dash + 1):  # the first press comes to the first cell
        page.keyboard.press("ArrowDown")
    for _ in range(march):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".map-tip strong")).to_have_text(weight(float(got[dash, march])))


@pytest.mark.parametrize("view", ["grid", "roles", "neuron", "lenses", "tokens"])
def test_every_view_opens_on_cross_attention(open_page: Open, view: str) -> None:
    page = open_page(link(DATE, model="dates", stack="cross", view=view, layer=0, head=1))
    expect(page.locator("#stack")).to_have_value("cross")
    expect(page.locator("#problem > *")).to_have_count(0)
    expect(page.locator("#strip .strip-side")).to_have_text(["Queries", "Keys"])


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", ["heads", "map", "lenses"])
def test_axe_finds_nothing(open_page: Open, theme: str, view: str) -> None:
    page = open_page(link(DATE, model="dates", stack="cross", view=view, layer=0, head=1, query=5), theme=theme)
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        wait_drawn(page)
        found = Axe().run(page).response["violations"]
        assert found == [], [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
