"""The Causes view: before and after, and every head in turn, through the page against plain transformers."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from pathlib import Path

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Locator, Page, expect
from torch import Tensor, nn
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.models.sources import locate
from app.settings import Settings
from tests.browser.conftest import NARROW, Open, Watch, wait_drawn
from tests.browser.pictures import STORE, link

MARY, TO = 1, 13
CAUSES = {"model": "smollm2", "view": "causes"}
LONG = 60_000
"""Milliseconds that a pass may take on a busy machine."""


class Plain:
    """SmolLM2 as transformers has it, edited by its own hooks and masks only."""

    def __init__(self) -> None:
        folder = locate("smollm2", Settings(hub=False)).folder
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
        self.model.eval()
        self.ids = self.tokenizer(STORE, return_tensors="pt").input_ids
        self.mary, self.john = (self.tokenizer(f" {name}").input_ids[0] for name in ("Mary", "John"))

    def logits(self, mask: Tensor | None = None) -> Tensor:
        more = {} if mask is None else {"attention_mask": mask}
        with torch.no_grad():
            found: Tensor = self.model(self.ids, use_cache=False, **more).logits[0, -1].double()
        return found

    def without_head(self, layer: int, head: int, mode: str = "zero") -> Tensor:
        """The head's columns of o_proj's input at zero, or at their mean over the tokens."""

        def hook(_: nn.Module, given: tuple[Tensor]) -> tuple[Tensor]:
            z = given[0].clone()
            part = z[..., head * 64 : head * 64 + 64]
            part[:] = 0.0 if mode == "zero" else part.mean(1, keepdim=True)
            return (z,)

        handle = self.model.model.layers[layer].self_attn.o_proj.register_forward_pre_hook(hook)
        try:
            return self.logits()
        finally:
            handle.remove()

    def hidden(self, *cells: tuple[int, int]) -> Tensor:
        """In every layer these queries do not see these keys, by a mask that transformers adds to the scores."""
        count = self.ids.shape[1]
        mask = torch.full((count, count), torch.finfo(torch.float32).min).triu(1)
        for query, key in cells:
            mask[query, key] = torch.finfo(torch.float32).min
        return self.logits(mask[None, None])


@pytest.fixture(scope="module")
def plain() -> Plain:
    return Plain()


def row(page: Page, token: int) -> list[str]:
    """A candidate of the table: softmax before and after, rank, logits, change."""
    return page.locator(f".causes-table tr[data-id='{token}'] td").all_inner_texts()


def shown_is(page: Page, token: int, before: Tensor, after: Tensor) -> None:
    """The row of the token says these numbers, as they are written."""
    softmax_before, softmax_after, _, logits, change = row(page, token)
    p, q = before.softmax(-1)[token], after.softmax(-1)[token]
    for text, value in ((softmax_before, p), (softmax_after, q)):
        if not text.startswith("<"):
            assert float(text) == pytest.approx(float(value), abs=0.00052), text
    first, then = (float(part.replace("−", "-")) for part in logits.split("→"))
    assert first == pytest.approx(float(before[token]), abs=0.0052)
    assert then == pytest.approx(float(after[token]), abs=0.0052)
    assert float(change.replace("−", "-")) == pytest.approx(float(after[token] - before[token]), abs=0.0052)


def kl_is(page: Page, before: Tensor, after: Tensor) -> None:
    p = before.log_softmax(-1)
    wanted = float((p.exp() * (p - after.log_softmax(-1))).sum())
    said = re.search(r"KL (\S+) nats", page.locator(".causes-verdict").inner_text())
    assert said
    assert float(said.group(1)) == pytest.approx(wanted, abs=0.00052)


def effect(page: Page, layer: int, head: int) -> Locator:
    grid = page.locator("[role=grid][aria-labelledby='causes-effect-title']")
    return grid.locator(f".causes-cell[data-layer='{layer}'][data-head='{head}']")


def add(page: Page, name: str | re.Pattern[str]) -> None:
    """Press a button that takes something away, and wait for what comes of it."""
    count = page.locator(".causes-list li").count()
    page.locator(".causes-adds").get_by_role("button", name=name).click()
    expect(page.locator(".causes-list li")).to_have_count(count + 1, timeout=LONG)
    wait_drawn(page)


def test_a_head_taken_away_by_hand(open_page: Open, plain: Plain) -> None:
    page = open_page(link(STORE, **CAUSES, layer=23, head=3))
    expect(page.locator(".causes-verdict")).to_contain_text("The model predicts “Mary” with 92.")
    said = page.locator(".causes-form .causes-fields").nth(1).locator("label").all_inner_texts()
    assert said == ["the token", "looks at"], "a sentence: the token … looks at …"
    add(page, "Head 23.3")
    expect(page.locator(".causes-list li")).to_contain_text("head 23.3")
    expect(page.locator(".causes-table thead")).to_contain_text("after")
    before, after = plain.logits(), plain.without_head(23, 3)
    for token in (plain.mary, plain.john):
        shown_is(page, token, before, after)
    kl_is(page, before, after)
    expect(page).to_have_url(re.compile(r"edits=head\.decoder\.23\.3"))
    change = page.locator(f".causes-table tr[data-id='{plain.mary}'] td").last
    by_zero = change.inner_text()
    page.get_by_label("the output of a head becomes").select_option("mean")
    expect(change).not_to_have_text(by_zero, timeout=LONG)
    expect(page).to_have_url(re.compile("ablation=mean"))
    shown_is(page, plain.mary, before, plain.without_head(23, 3, "mean"))
    page.get_by_role("button", name="Put back head 23.3").click()
    expect(page.locator(".causes-verdict")).to_contain_text("Nothing is taken away yet", timeout=LONG)
    expect(page.locator(".causes-list")).to_be_hidden()


def test_a_token_and_an_edge_against_transformers_own_mask(open_page: Open, plain: Plain) -> None:
    page = open_page(link(STORE, **CAUSES))
    page.locator(f"#strip .chip[data-index='{MARY}']").click()
    add(page, "Token ·Mary (1)")
    before = plain.logits()
    after = plain.hidden(*((query, MARY) for query in range(TO + 1) if query != MARY))
    expect(page.locator(".causes-verdict")).to_contain_text("flips from “Mary” to “John”")
    for token in (plain.mary, plain.john):
        shown_is(page, token, before, after)
    kl_is(page, before, after)
    assert "flipped" in (page.locator(f".causes-table tr[data-id='{plain.john}']").get_attribute("class") or "")
    page.get_by_role("button", name="Put all back").click()
    expect(page.locator(".causes-list")).to_be_hidden(timeout=LONG)
    page.get_by_label("The edge is taken away").select_option("all")
    add(page, re.compile(r"^Edge ·to \(13\) → ·Mary \(1\)"))
    expect(page.locator(".causes-list li")).to_contain_text("edge ·to (13) → ·Mary (1), every layer")
    after = plain.hidden((TO, MARY))
    shown_is(page, plain.mary, before, after)
    kl_is(page, before, after)


def test_every_head_in_turn(open_page: Open, plain: Plain, tmp_path: Path) -> None:
    page = open_page(link(STORE, **CAUSES, against=plain.john, layer=23, head=3))
    page.get_by_role("button", name="Measure all 270 heads").click()
    expect(page.locator(".causes-agree")).to_contain_text("Rank correlation", timeout=4 * LONG)
    page.get_by_role("button", name="“Mary” minus “John”").click()
    before = plain.logits()
    p = before.log_softmax(-1)
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "heads.csv")
    with (tmp_path / "heads.csv").open(newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    assert len(rows) == 270
    moves = sorted(rows, key=lambda one: -abs(float(one["difference"])))
    assert [(one["layer"], one["head"]) for one in moves[:3]] == [("23", "3"), ("1", "5"), ("29", "1")]
    with torch.no_grad():
        maps = plain.model(plain.ids, output_attentions=True).attentions
    for one in (*moves[:3], moves[100], moves[-1]):
        layer, head = int(one["layer"]), int(one["head"])
        after = plain.without_head(layer, head)
        moved = after - before
        difference = float(moved[plain.mary] - moved[plain.john])
        assert float(one["difference"]) == pytest.approx(difference, abs=3e-4), one
        assert float(one["change"]) == pytest.approx(float(moved[plain.mary]), abs=3e-4), one
        kl = float((p.exp() * (p - after.log_softmax(-1))).sum())
        assert float(one["kl"]) == pytest.approx(kl, abs=1e-5), one
        assert float(one["attention"]) == pytest.approx(float(maps[layer][0, head, TO, MARY]), abs=1e-5), one
        said = (effect(page, layer, head).get_attribute("aria-label") or "").rpartition(": ")[2]
        assert float(said.replace("−", "-")) == pytest.approx(difference, abs=0.0052)
    page.locator(".causes-top tr[data-head='1.5'] button").click()
    expect(effect(page, 1, 5)).to_have_attribute("aria-selected", "true")
    expect(
        page.locator("[aria-labelledby='causes-attention-title']").locator("[aria-selected='true']")
    ).to_have_attribute("data-layer", "1")
    effect(page, 1, 5).focus()
    page.keyboard.press("ArrowDown")
    expect(effect(page, 2, 5)).to_be_focused()
    expect(page).to_have_url(re.compile("layer=2&head=5"))
    page.get_by_role("button", name="Take away head 2.5").click()
    expect(page.locator(".causes-list li")).to_contain_text("head 2.5", timeout=LONG)
    expect(page.locator(".causes-agree")).to_contain_text("Rank correlation")  # not measured again
    page.locator(".badge").click()
    expect(page.locator(".checks-panel")).to_contain_text("one head alone equals the batch")
    page.keyboard.press("Escape")
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.wait_for_function("() => document.getAnimations().length === 0")  # a button fades to its new colour
        assert Axe().run(page).response["violations"] == []
    page.set_viewport_size(NARROW)
    page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=NARROW["width"])
    page.reload()  # the link brings it all back
    expect(page.locator(".causes-agree")).to_contain_text("Rank correlation", timeout=4 * LONG)


def test_it_is_shown_layer_by_layer_and_stops(open_page: Open) -> None:
    page = open_page(link(STORE, **CAUSES))
    page.get_by_role("button", name="Measure all 270 heads").click()
    expect(effect(page, 1, 0)).to_have_attribute("style", re.compile("background"), timeout=LONG)
    page.locator(".causes-stop").get_by_role("button", name="Stop").click()
    expect(page.get_by_role("button", name="Measure again")).to_be_visible(timeout=LONG)
    expect(page.locator(".causes-start")).to_contain_text("Stopped.")
    expect(effect(page, 29, 8)).to_have_attribute("aria-label", "layer 29, head 8: not measured yet")
    expect(page.locator("#busy")).to_be_hidden()
    expect(page).not_to_have_url(re.compile("effect="))
    add(page, "Head 0.0")  # the model is free


def test_escape_stops_it_from_anywhere_and_the_focus_is_not_lost(open_page: Open) -> None:
    page = open_page(link(STORE, **CAUSES))
    start = page.locator(".causes-start button")
    stop = page.locator(".causes-stop button")
    start.focus()
    page.keyboard.press("Enter")
    expect(stop).to_be_focused()
    expect(effect(page, 0, 0)).to_have_attribute("style", re.compile("background"), timeout=LONG)
    # the view is drawn anew meanwhile, and with that goes what the page itself knew of the work
    page.locator("[aria-labelledby='causes-attention-title'] .causes-cell").nth(3).click()
    expect(page.locator("#busy")).to_be_hidden()
    page.evaluate("() => document.activeElement.blur()")
    page.keyboard.press("Escape")
    expect(start).to_have_text("Measure again", timeout=LONG)
    expect(page.locator(".causes-start")).to_contain_text("Stopped.")
    start.focus()
    page.keyboard.press("Enter")
    expect(stop).to_be_focused()
    page.keyboard.press("Enter")
    expect(start).to_be_focused(timeout=LONG)


def test_what_was_measured_before_stop_is_not_kept_for_another_question(
    open_page: Open, plain: Plain, tmp_path: Path
) -> None:
    page = open_page(link(STORE, **CAUSES))
    grid = page.locator("[role=grid][aria-labelledby='causes-effect-title']")
    for label, value in (
        ("held against", str(plain.john)),
        ("the output of a head becomes", "mean"),
        ("predicted after", "5"),
    ):
        page.locator(".causes-start button").click()
        expect(page.locator(".causes-top")).to_be_visible(timeout=LONG)  # of the first layer
        page.locator(".causes-stop").get_by_role("button", name="Stop").click()
        expect(page.locator(".causes-start")).to_contain_text("Stopped.", timeout=LONG)
        expect(page.locator(".causes-chosen")).to_contain_text("without it")
        page.get_by_label(label, exact=True).select_option(value)
        expect(page.get_by_role("button", name="Measure all 270 heads")).to_be_visible(timeout=LONG)
        expect(page.locator(".causes-start")).not_to_contain_text("Stopped.")
        expect(grid).to_be_hidden()
        expect(page.locator(".causes-top")).to_be_hidden()
        expect(page.locator(".causes-chosen")).not_to_contain_text("without it")
        wait_drawn(page)
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(tmp_path / "candidates.csv")
    with (tmp_path / "candidates.csv").open(newline="") as file:
        assert next(csv.reader(file)) == ["rank", "id", "text", "logit", "softmax"]


def test_what_cannot_be_taken_away_is_said_with_a_way_out(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 422")
    page = open_page(
        link(STORE, **CAUSES, edits="head.decoder.3.2,edge.decoder.0.0.0.0,head.decoder.99.0"), drawn=False
    )
    expect(page.locator(".says-why")).to_contain_text("its only edge cannot be taken away", timeout=LONG)
    page.get_by_role("button", name="Take the last one back").click()
    expect(page.locator(".causes-list li")).to_have_count(1, timeout=LONG)
    expect(page.locator(".causes-verdict")).to_contain_text("stays “Mary”")
    page.locator("#causes-key").select_option("13")
    page.locator("#causes-query").select_option("4")
    expect(page.locator(".causes-why").first).to_contain_text("no token looks at a later one")
    expect(page.locator(".causes-adds").get_by_role("button", name=re.compile("^Edge"))).to_be_disabled()


def test_at_the_most_edits_it_says_so_and_one_put_back_makes_room(open_page: Open) -> None:
    heads = [f"head.decoder.{layer}.{head}" for layer in range(8) for head in range(8)]
    page = open_page(link(STORE, **CAUSES, layer=20, edits=",".join(heads)))
    expect(page.locator(".causes-list li")).to_have_count(64, timeout=LONG)
    buttons = page.locator(".causes-adds button")
    expect(page.locator(".causes-adds button:disabled")).to_have_count(buttons.count())
    expect(page.locator(".causes-why").first).to_have_text(
        "64 are taken away, which is the most at once: put one back to take another away."
    )
    page.get_by_role("button", name="Put back head 3.3").click()
    expect(page.locator(".causes-list li")).to_have_count(63, timeout=LONG)
    expect(page.locator(".causes-adds button:disabled")).to_have_count(0)
    expect(page.locator(".causes-why").first).to_be_hidden()
    add(page, "Attention of layer 20")


def test_the_command_and_the_picture(open_page: Open, plain: Plain) -> None:
    page = open_page(link(STORE, **CAUSES, edits="head.decoder.1.5"))
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#aside .done")).to_have_text("Command copied")
    command = page.evaluate("navigator.clipboard.readText()")
    answer = json.loads(subprocess.run(["bash", "-c", command], capture_output=True, check=True, timeout=60).stdout)
    wanted = plain.without_head(1, 5)
    assert answer["after"][0]["logit"] == pytest.approx(float(wanted.max()), abs=2e-4)
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name="SVG", exact=True).click()
    assert download.value.suggested_filename == "headlight-smollm2-decoder-causes.svg"
    svg = Path(download.value.path()).read_text("utf-8")
    assert "without head 1.5" in svg
    assert "The prediction stays" in svg


@pytest.mark.parametrize("stack", ["encoder", "decoder", "cross"])
def test_every_stack_of_an_encoder_decoder(open_page: Open, stack: str) -> None:
    page = open_page(link("3 March 2026", model="dates", view="causes", stack=stack))
    page.get_by_role("button", name=re.compile(r"Measure all \d+ heads")).click()
    expect(page.locator(".causes-agree")).to_contain_text(
        re.compile("Rank correlation|too small to rank"), timeout=LONG
    )
    add(page, "Head 0.0")
    expect(page.locator(".causes-list li")).to_contain_text(f"head 0.0, {stack}")
    label = effect(page, 0, 0).get_attribute("aria-label") or ""
    kl = re.search(r"KL (\S+) nats", page.locator(".causes-verdict").inner_text())
    assert kl
    assert float(label.rpartition(": ")[2]) == pytest.approx(float(kl.group(1)), abs=0.00052)


def test_models_without_a_prediction_say_so(open_page: Open) -> None:
    page = open_page("/?view=causes")
    expect(page.locator("#view h2")).to_have_text("This model predicts no words")
