"""Masked words in the Next word view, through the page, against transformers alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from transformers import AutoModelForMaskedLM, AutoTokenizer

from app.models.card import limits
from app.models.sources import locate
from app.models.sources.shipped import WEIGHTS
from app.settings import Settings
from tests.browser.conftest import NARROW, Open, wait_drawn
from tests.browser.page import chip
from tests.browser.pictures import link
from tests.browser.test_next import candidates

TEXT = "He opened the [MASK] with a key."
WORDS = "She poured a cup of tea."
Scores = Callable[[str], tuple[list[str], torch.Tensor]]


@pytest.fixture(scope="module")
def scores(tmp_path_factory: pytest.TempPathFactory) -> Scores:
    """The tokens of a text, and the logits [tokens, V] at them, by transformers alone."""
    folder = locate("minilm-mlm", Settings(hub=False, cache_dir=tmp_path_factory.mktemp("cache"))).folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager").eval()

    def compute(text: str) -> tuple[list[str], torch.Tensor]:
        inputs = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            return tokenizer.convert_ids_to_tokens(inputs["input_ids"][0]), model(**inputs).logits[0]

    return compute


def shows(page: Page, exact: torch.Tensor) -> None:
    """The table holds the largest of these logits [V]."""
    expect(page.locator(".next-row[data-id]").first).to_have_attribute("data-id", str(int(exact.argmax())))
    shown = candidates(page)
    assert [int(row["id"]) for row in shown] == exact.argsort(descending=True)[:20].tolist()
    for row in shown:
        assert float(row["logit"]) == pytest.approx(float(exact[int(row["id"])]), abs=6e-3)


def test_the_words_for_a_mask_are_the_models_own(open_page: Open, scores: Scores) -> None:
    page = open_page(link(TEXT, model="minilm-mlm", view="next"))
    page.wait_for_selector(".next-row[data-id]", timeout=60_000)
    expect(page.locator(".next-context")).to_have_text("[CLS]heopenedthe?withakey.")
    shows(page, scores(TEXT)[1][4])


def test_a_click_masks_any_token_and_another_gives_it_back(open_page: Open, scores: Scores) -> None:
    page = open_page(link(WORDS, model="minilm-mlm", view="next"))
    expect(page.locator(".next-actual")).to_contain_text("Click a word")
    expect(page.locator(".next-result")).to_be_hidden()
    for index in (4, 6):
        chip(page, index).click()
        expect(chip(page, index)).to_have_text("[MASK]")
        expect(chip(page, index)).to_have_attribute("aria-selected", "true")
    wait_drawn(page)
    tokens, exact = scores("She poured a [MASK] of [MASK].")
    assert page.locator("#strip .chip").all_inner_texts() == tokens
    shows(page, exact[6])
    chip(page, 4).click()
    expect(chip(page, 4)).to_have_attribute("aria-selected", "true")
    wait_drawn(page)
    shows(page, exact[4])
    cup, chance = candidates(page), exact[4].softmax(-1)
    known = next(row for row in cup if row["piece"] == "cup")
    rank = int((chance > chance[int(known["id"])]).sum()) + 1
    expect(page.locator(".next-actual")).to_contain_text(f"In the text stood cup: rank {rank} of 30,522, softmax")
    expect(page.locator("#text")).to_have_value(WORDS)
    page.wait_for_function("() => location.search.includes('masks=0%3A13%3A16%2C0%3A20%3A23')")
    page.wait_for_function("() => location.search.includes('position=4')")
    page.reload()
    wait_drawn(page)
    shows(page, exact[4])
    chip(page, 4).focus()
    page.keyboard.press("Enter")
    expect(chip(page, 4)).to_have_text("cup")
    wait_drawn(page)
    shows(page, scores("She poured a cup of [MASK].")[1][6])
    page.go_back()
    expect(chip(page, 4)).to_have_text("[MASK]")
    page.go_forward()
    expect(chip(page, 4)).to_have_text("cup")
    chip(page, 6).click()
    expect(page.locator(".next-actual")).to_contain_text("Click a word")
    assert "masks" not in page.url


def test_what_cannot_be_masked_says_why(open_page: Open) -> None:
    page = open_page(link("She poured a [MASK] of tea.", model="minilm-mlm", view="next"))
    why = page.locator(".next-refused")
    expect(why).to_have_text("")
    chip(page, 0).click()
    expect(why).to_have_text(re.compile(r"^\[CLS\] cannot be masked: the tokenizer adds it by itself"))
    chip(page, 8).focus()
    page.keyboard.press("Enter")
    expect(why).to_contain_text("[SEP] cannot be masked")
    chip(page, 4).click()  # the mask that is asked about, and that the person wrote
    expect(why).to_contain_text("This [MASK] was written in the text itself")
    page.locator(".next-context .next-word[data-index='0']").click()
    expect(why).to_contain_text("[CLS] cannot be masked")
    assert Axe().run(page).response["violations"] == []
    page.set_viewport_size(NARROW)
    page.wait_for_function("width => document.documentElement.scrollWidth <= width", arg=NARROW["width"])
    assert "masks" not in page.url
    chip(page, 6).click()
    expect(chip(page, 6)).to_have_text("[MASK]")
    expect(why).to_have_text("")


def test_a_piece_of_a_word_and_a_second_sentence_can_be_masked(open_page: Open, scores: Scores) -> None:
    page = open_page("/?model=minilm-mlm&view=next#text=The+unwholesome+soup.&pair=Nobody+ate+it.")
    page.locator("#strip .chip", has_text="soup").click()
    page.locator("#strip .chip", has_text="nobody").click()
    expect(page.locator("#strip .chip", has_text="[MASK]")).to_have_count(2)
    page.locator("#strip .chip.joined").last.click()
    expect(page.locator("#strip .chip", has_text="[MASK]")).to_have_count(3)
    expect(page.locator("#pair")).to_have_value("Nobody ate it.")
    wait_drawn(page)
    tokens, _ = scores("The unwholes[MASK] [MASK].")
    assert page.locator("#strip .chip").all_inner_texts()[: len(tokens)] == [t.removeprefix("##") for t in tokens]


def test_minilm_offers_the_model_that_fills_in_words_and_the_text_stays(open_page: Open) -> None:
    page = open_page(link(WORDS, model="minilm", view="next"))
    expect(page.locator(".next-none")).to_contain_text("This model predicts no words")
    page.get_by_role("button", name="Use minilm-mlm for this text").click()
    expect(page.locator(".next-actual")).to_contain_text("Click a word", timeout=60_000)
    expect(page.locator("#text")).to_have_value(WORDS)
    expect(page.locator("#model")).to_have_value("minilm-mlm")


def test_the_page_says_what_the_model_can_and_cannot_as_its_card_does(open_page: Open) -> None:
    said = limits(WEIGHTS / "minilm_mlm")
    assert said is not None
    page = open_page(link(WORDS, model="minilm-mlm", view="next"))
    about = page.locator(".next-about")
    about.locator("summary").click()
    words = " ".join(re.sub(r"^What minilm-mlm can and cannot: |More from its card", "", about.inner_text()).split())
    assert words == " ".join(said.split())
