"""What is taken away of a picture is what it shows: files, the link, the command."""

from __future__ import annotations

import csv
import io
import json
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect
from safetensors.numpy import load

from tests.browser.conftest import Eager, Open, serving
from tests.browser.lens_formulas import divergence, minilm, norm
from tests.browser.page import FIRST, VIEWS, WRITES_WORDS


def take(page: Page, button: str) -> tuple[str, bytes]:
    """Press it, and the file that comes: its name and what is in it."""
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name=button, exact=True).click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def test_safetensors_holds_the_exact_map(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page("/?view=map&layer=3&head=1")
    name, data = take(page, "safetensors")
    assert name == "headlight-minilm-encoder-layer3-head1.safetensors"
    values = load(data)["values"]
    assert values.shape == (1, 1, 15, 15)
    assert values.dtype == np.float32
    np.testing.assert_allclose(values[0, 0], eager(FIRST).attentions[3][1].numpy(), atol=1e-5)


def test_csv_of_the_map_has_its_numbers_and_names(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page("/?view=map&layer=3&head=1")
    name, data = take(page, "CSV")
    assert name == "headlight-minilm-encoder-layer3-head1.csv"
    header, *rows = csv.reader(io.StringIO(data.decode()))
    assert "animal" in header[3]
    assert "it" in rows[9][0]
    numbers = np.array([[float(cell) for cell in row[1:]] for row in rows])
    np.testing.assert_allclose(numbers, eager(FIRST).attentions[3][1].numpy(), atol=1e-5)


def test_csv_of_the_tokens(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page("/?view=tokens")
    name, data = take(page, "CSV")
    rows = list(csv.DictReader(io.StringIO(data.decode())))
    assert name == "headlight-minilm-tokens.csv"
    assert [row["text"] for row in rows] == eager(FIRST).tokens
    inside = [FIRST[int(row["start"]) : int(row["end"])].lower() for row in rows if row["start"]]
    assert inside == [row["display"] for row in rows if row["start"]]


@pytest.mark.parametrize("view", ["heads", "map", "roles"])
def test_the_picture_as_png_and_svg(open_page: Open, view: str) -> None:
    page = open_page(f"/?view={view}&layer=3&head=1")
    name, png = take(page, "PNG")
    assert name.endswith(".png")
    assert png.startswith(b"\x89PNG\r\n")
    name, svg = take(page, "SVG")
    assert name.endswith(".svg")
    assert b"<svg" in svg
    assert (b"induction" if view == "roles" else b"animal") in svg


def test_the_command_answers_where_the_run_is_not_stored(open_page: Open, address: str) -> None:
    """As after the server let it go: a second server, of the same installation, has never seen the text."""
    page = open_page("/?view=roles")
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#aside .done")).to_have_text("Command copied")
    command = page.evaluate("navigator.clipboard.readText()")
    with serving() as other:
        command = command.replace(address, other)
        answer = json.loads(subprocess.run(["bash", "-c", command], capture_output=True, check=True, timeout=60).stdout)
    assert len(answer["heads"]) == 72


@pytest.mark.parametrize("view", [view for view in VIEWS if view not in (*WRITES_WORDS, "compare", "whatif")])
def test_the_command_answers_with_what_the_page_shows(open_page: Open, eager: Callable[..., Eager], view: str) -> None:
    page = open_page(f"/?view={view}&layer=3&head=1")
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#aside .done")).to_have_text("Command copied")
    command = page.evaluate("navigator.clipboard.readText()")
    answer = json.loads(subprocess.run(["bash", "-c", command], capture_output=True, check=True, timeout=30).stdout)
    exact = eager(FIRST)
    if view == "tokens":
        assert [token["text"] for token in answer["tokens"]] == exact.tokens
        return
    if view == "roles":
        before = [head["previous"] for head in answer["heads"]]
        wanted = [float(head.diagonal(-1).mean()) for layer in exact.attentions for head in layer]
        np.testing.assert_allclose(before, wanted, atol=1e-5)
        return
    if view == "lenses":
        of_maps = minilm(FIRST)
        wanted = [
            divergence(of_maps.maps[layer][head], norm(of_maps, layer)[head]) for layer in (0, 5) for head in (0, 11)
        ]
        found = [answer["heads"][layer * 12 + head]["divergence"] for layer in (0, 5) for head in (0, 11)]
        np.testing.assert_allclose(found, wanted, atol=1e-4)
        return
    if view == "neuron":
        np.testing.assert_allclose(answer["probs"], exact.attentions[3][1, 1].numpy(), atol=1e-5)
        return
    layers = np.stack([layer.numpy() for layer in exact.attentions])
    wanted = {"heads": layers[3:4], "map": layers[3:4, 1:2], "grid": layers}[view]
    np.testing.assert_allclose(np.array(answer["values"]), wanted, atol=1e-5)


@pytest.mark.parametrize("view", ["compare", "next"])
def test_where_there_is_nothing_yet_only_the_link_can_be_taken(open_page: Open, view: str) -> None:
    page = open_page(f"/?view={view}")
    expect(page.locator("#aside .actions button:visible")).to_have_text(["Copy link"])


def test_text_and_model_at_once_are_not_compared(open_page: Open) -> None:
    page = open_page("/?view=compare&model_b=dates#text_b=Another+text")
    expect(page.locator(".compare-note")).to_contain_text("Change one thing at a time")
    expect(page.locator("#aside .actions button:visible")).to_have_text(["Copy link"])
    page.get_by_role("button", name="Same model").click()
    expect(page.locator(".compare-result")).to_be_visible()


def test_safetensors_of_heads_holds_the_heads_that_are_chosen(open_page: Open, eager: Callable[..., Eager]) -> None:
    page = open_page("/?view=heads&layer=3&heads=1,4")
    exact = eager(FIRST).attentions[3][[1, 4]].numpy()
    np.testing.assert_allclose(load(take(page, "safetensors")[1])["values"], exact[None], atol=1e-5)
    rows = csv.DictReader(io.StringIO(take(page, "CSV")[1].decode()))
    got = {(int(row["head"]), int(row["query"]), int(row["key"])): float(row["weight"]) for row in rows}
    assert len(got) == exact.size
    assert got[4, 9, 2] == pytest.approx(exact[1, 9, 2], abs=1e-5)


def test_a_token_is_marked_in_the_text(open_page: Open) -> None:
    page = open_page("/?view=tokens")
    page.locator(".tokens-table tbody tr").nth(2).hover()
    expect(page.locator(".tokens-text mark")).to_have_text("animal")
    expect(page.locator("#strip .chip.query")).to_have_text("animal")
    page.locator("#strip .chip").nth(7).hover()
    expect(page.locator(".tokens-text mark")).to_have_text("street")
    expect(page.locator(".tokens-table tr.pointed td").first).to_have_text("7")
