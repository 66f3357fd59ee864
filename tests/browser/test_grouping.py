"""Words in the place of tokens, and what is hidden: the numbers through the page, and the line that says so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, WIDE, Open, wait_drawn
from tests.browser.downloads import csv_map, csv_rows, same
from tests.browser.lens_formulas import Reference, in_words, minilm, word_edges
from tests.browser.page import top
from tests.browser.pictures import link, weight

TEXT = "Unhappily, the tokenization of antidisestablishmentarianism was incomprehensible."
A, B = "A man is playing a guitar on stage.", "Somebody makes music in front of an audience."
LAYER, HEAD = 3, 1


@pytest.fixture(scope="module")
def long_words() -> Reference:
    return minilm(TEXT)


@pytest.fixture(scope="module")
def pair() -> Reference:
    return minilm(A, B)


def open_map(open_page: Open, text: str, second: str | None = None, **selection: object) -> Page:
    page = open_page(link(text, second, **{"view": "map", "layer": LAYER, "head": HEAD} | selection))
    page.wait_for_selector(".map-chart .heatmaplayer image")
    return page


def lines_drawn(page: Page, folder: Path) -> int:
    """How many lines the picture of Heads has."""
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name="SVG", exact=True).click()
    download.value.save_as(folder / "lines.svg")
    return (folder / "lines.svg").read_text().count("<path ")


def weights(page: Page, folder: Path) -> list[list[str]]:
    """The rows of the CSV of Heads that hold a weight: query, token, key, token, head, weight."""
    return [row for row in csv_rows(page, folder)[1][1:] if row[-1]]


def hidden(page: Page) -> str:
    return page.locator(".says-hidden").inner_text()


def test_words_sum_their_keys_and_average_their_queries(open_page: Open, long_words: Reference, tmp_path: Path) -> None:
    page = open_map(open_page, TEXT)
    page.get_by_role("button", name="words", exact=True).click()
    expect(page.locator(".says-hidden")).to_contain_text("In words")
    expect(page).to_have_url(re.compile("group=word"))
    expected = in_words(long_words.maps[LAYER][HEAD], long_words.words)
    assert len(expected) < len(long_words.tokens)
    assert same(csv_map(page, tmp_path), expected)
    name, rows = csv_rows(page, tmp_path)
    assert name.endswith("-words.csv")
    assert rows[0][0] == "query (in words)"
    assert any(label.startswith("antidisestablish") for label in rows[0])
    assert page.get_by_role("grid").get_attribute("aria-rowcount") == str(len(expected))
    page.get_by_role("button", name="tokens", exact=True).click()
    assert same(csv_map(page, tmp_path), long_words.maps[LAYER][HEAD])


def test_a_token_of_a_word_stands_for_the_word_everywhere(open_page: Open, long_words: Reference) -> None:
    edges = word_edges(long_words.words)
    of = next(i for i in range(len(edges) - 1) if edges[i + 1] - edges[i] > 4)
    page = open_page(link(TEXT, view="heads", layer=LAYER, heads=HEAD, group="word"))
    chips = page.locator("#strip .chip")
    chips.nth(edges[of] + 2).click()
    page.mouse.move(0, 0)
    for i in range(edges[of], edges[of + 1]):
        expect(chips.nth(i)).to_have_class(re.compile(r"\bpinned\b"))
    row = in_words(long_words.maps[LAYER][HEAD], long_words.words)[of]
    order = row.argsort(descending=True)[:3].tolist()
    assert top(page)[:3] == [(i, f"{row[i]:.3f}") for i in order]
    expect(page.locator(".heads-token.is-pinned > span")).to_contain_text("antidis")
    expect(page.locator(".heads-column[data-side='query'] .heads-token")).to_have_count(len(edges) - 1)
    spoken = page.locator("#view table tbody tr").first
    expect(spoken.locator("td").first).to_have_text(weight(float(row[order[0]])))
    page.keyboard.press("Shift+ArrowRight")
    expect(page).to_have_url(re.compile(f"query={edges[of + 1]}"))


def test_special_tokens_are_hidden_in_the_map_the_lines_and_the_strip(
    open_page: Open, long_words: Reference, tmp_path: Path
) -> None:
    page = open_map(open_page, TEXT)
    page.get_by_role("button", name="special tokens").click()
    expect(page.locator(".says-hidden")).to_contain_text("Hidden: special tokens ([CLS], [SEP]).")
    plain = long_words.maps[LAYER][HEAD]
    expected = plain.clone()
    expected[[0, -1]] = torch.nan
    expected[:, [0, -1]] = torch.nan
    assert same(csv_map(page, tmp_path), expected)
    _, rows = csv_rows(page, tmp_path)
    assert rows[0][0] == "query (without special tokens)"
    expect(page.locator("#strip .chip.out")).to_have_text(["[CLS]", "[SEP]"])
    inner = expected[1:-1, 1:-1].mean(0)
    best = int(inner.argmax())
    assert top(page)[0] == (best + 1, f"{inner[best]:.3f}")
    page.get_by_role("tab", name="Heads").click()
    wait_drawn(page)
    expect(page.locator(".heads-token.is-out")).to_have_text(["[CLS]", "[SEP]"] * 2)
    _, lines = csv_rows(page, tmp_path)
    assert lines[0][-1] == "weight (without special tokens)"
    ends = {0, len(long_words.tokens) - 1}
    assert not any({int(line[0]), int(line[2])} & ends for line in weights(page, tmp_path))
    page.get_by_role("button", name="Show all").click()
    expect(page.locator(".says-hidden")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("hide"))


def test_each_head_loses_its_sink_and_the_picture_says_which(
    open_page: Open, long_words: Reference, tmp_path: Path
) -> None:
    shares, keys = long_words.maps[LAYER].mean(1).max(-1)
    sinks = [int(key) if share > 0.3 else None for share, key in zip(shares, keys, strict=True)]
    with_sink = next(h for h, sink in enumerate(sinks) if sink is not None)
    page = open_map(open_page, TEXT, head=with_sink, hide_sink=1)
    sink = sinks[with_sink]
    expected = long_words.maps[LAYER][with_sink].clone()
    expected[:, sink] = torch.nan
    assert same(csv_map(page, tmp_path), expected)
    expect(page.locator(".says-hidden")).to_contain_text(f"the sink, {long_words.tokens[sink]} ({sink})")
    page.get_by_role("tab", name="Heads").click()
    wait_drawn(page)
    for key in {key for key in sinks if key is not None}:
        count = sinks.count(key)
        heads = f"{count} head" if count == 1 else f"{count} heads"
        expect(page.locator(".says-hidden")).to_contain_text(f"{long_words.tokens[key]} ({key}) in {heads}")
    assert not any(int(line[2]) == sinks[int(line[4])] for line in weights(page, tmp_path))


def test_weights_below_the_slider_are_hidden(open_page: Open, long_words: Reference, tmp_path: Path) -> None:
    page = open_map(open_page, TEXT)
    slider = page.locator("#least")
    slider.focus()
    for _ in range(20):
        page.keyboard.press("ArrowRight")
    expect(page.locator(".slider-value")).to_have_text("0.04")
    expect(page.locator(".says-hidden")).to_have_text(
        "Hidden: weights below 0.04. What is left is not renormalised. Show all"
    )
    plain = long_words.maps[LAYER][HEAD]
    assert same(csv_map(page, tmp_path), plain.masked_fill(plain < 0.04, torch.nan))
    expect(page).to_have_url(re.compile(r"least=0\.04"))
    page.get_by_role("tab", name="Heads").click()
    wait_drawn(page)
    assert lines_drawn(page, tmp_path) == int((long_words.maps[LAYER] >= 0.04).sum())
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name="SVG", exact=True).click()
    download.value.save_as(tmp_path / "picture.svg")
    assert "without weights below 0.04" in (tmp_path / "picture.svg").read_text()
    assert download.value.suggested_filename == "headlight-minilm-encoder-layer3-least0.04.svg"


@pytest.mark.parametrize("block", ["aa", "ab", "ba", "bb"])
def test_a_block_of_a_pair_of_sentences(open_page: Open, pair: Reference, tmp_path: Path, block: str) -> None:
    first = pair.segments.index(1)
    part = {"a": slice(0, first), "b": slice(first, len(pair.tokens))}
    page = open_map(open_page, A, B)
    expect(page.locator("#strip .chip-sentence")).to_have_text(["A", "B"])
    page.select_option("#segments", block)
    name = f"{block[0].upper()} → {block[1].upper()}"
    expect(page.locator(".says-hidden")).to_contain_text(f"Hidden: all but {name}.")
    plain = pair.maps[LAYER][HEAD]
    assert same(csv_map(page, tmp_path), plain[part[block[0]], part[block[1]]])
    page.get_by_role("tab", name="Heads").click()
    wait_drawn(page)
    lines = weights(page, tmp_path)
    rows, cols = (range(*part[side].indices(len(pair.tokens))) for side in block)
    assert lines
    assert all(int(line[0]) in rows and int(line[2]) in cols for line in lines)
    kept = pair.maps[LAYER][:, part[block[0]], part[block[1]]]
    assert lines_drawn(page, tmp_path) == int((kept >= 0.03).sum())


def test_one_sentence_has_no_blocks(open_page: Open) -> None:
    page = open_map(open_page, TEXT)
    expect(page.locator("#segments")).to_be_hidden()


def test_a_link_brings_all_of_it_back_and_a_word_keeps_what_is_left_of_it(
    open_page: Open, pair: Reference, tmp_path: Path
) -> None:
    page = open_map(
        open_page, A, B, group="word", hide_special=1, hide_sink=1, least=0.01, segments="ba", query=13, lens="raw"
    )
    says = hidden(page)
    for words in ("In words", "all but B → A", "special tokens ([CLS], [SEP])", "weights below 0.01"):
        assert words in says
    plain = pair.maps[LAYER][HEAD]
    share, sink = plain.mean(0).max(0)
    left = torch.ones_like(plain, dtype=torch.bool)
    if share > 0.3:
        left[:, int(sink)] = False
    edges, first = word_edges(pair.words), pair.segments.index(1)
    special = [i for i, word in enumerate(pair.words) if word is None]
    expected = in_words(plain, pair.words, left)
    expected = expected.masked_fill(expected < 0.01, torch.nan)
    for unit, start in enumerate(edges[:-1]):
        if start in special:
            expected[unit] = torch.nan
            expected[:, unit] = torch.nan
        if edges[unit + 1] - start == 1 and not left[0, start]:
            expected[:, unit] = torch.nan
    cut = edges.index(first)
    assert same(csv_map(page, tmp_path), expected[cut:, :cut])
    page.reload()
    wait_drawn(page)
    assert hidden(page) == says


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", ["heads", "map"])
def test_axe_finds_nothing(open_page: Open, theme: str, view: str) -> None:
    selection = {"group": "word", "hide_special": 1, "hide_sink": 1, "least": 0.02, "segments": "ba", "query": 13}
    page = open_page(link(A, B, view=view, layer=5, head=5, **selection), theme=theme)
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        wait_drawn(page)
        found = Axe().run(page).response["violations"]
        assert found == [], [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
