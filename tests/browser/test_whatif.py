"""What if: a word changed in place, and the prediction and the heads of both texts against transformers alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import NARROW, Eager, Open, wait_drawn
from tests.browser.page import chip
from tests.browser.pictures import PRONOUN, STORE, link, weight
from tests.browser.test_compare import WIDE_ANIMAL, divergences
from tests.browser.test_next import Reference

MARY = STORE.replace("John gave", "Mary gave")


@pytest.fixture(scope="module")
def smollm2() -> Reference:
    return Reference()


def change(page: Page, index: int, word: str) -> None:
    """Writes another word in place, in the row of words of this view."""
    page.locator(f".whatif-chip[data-index='{index}']").click()
    page.keyboard.type(word)
    page.keyboard.press("Enter")
    page.wait_for_selector(".whatif-result:not([hidden])", timeout=60_000)
    wait_drawn(page)


def shown(page: Page) -> dict[int, list[str]]:
    """By id: original, its rank, changed, its rank."""
    rows = page.locator(".whatif-table tbody tr").evaluate_all(
        """rows => rows.map(row => [
             Number(row.dataset.id), [...row.querySelectorAll('td')].slice(0, 4).map(cell => cell.textContent)
           ])"""
    )
    return dict(rows)


def test_the_prediction_of_both_texts_is_the_models_own(open_page: Open, smollm2: Reference) -> None:
    page = open_page(link(STORE, model="smollm2", view="whatif"))
    change(page, 9, "Mary")
    sides = [smollm2.logits(text)[-1].softmax(-1) for text in (STORE, MARY)]
    orders = [side.argsort(descending=True) for side in sides]
    wanted = {int(i) for order in orders for i in order[:8]}
    rows = shown(page)
    assert set(rows) == wanted
    for i, cells in rows.items():
        for side, order, value, rank in zip(sides, orders, cells[::2], cells[1::2], strict=True):
            place = int((order == i).nonzero()) + 1
            if place <= 100:
                assert (value, rank) == (weight(float(side[i])), str(place))
            else:
                assert value.startswith("<")
                assert rank == "–"
    first, now = (int(order[0]) for order in orders)
    names = [smollm2.tokenizer.decode(i).replace(" ", "·") for i in (first, now)]
    assert names == ["·Mary", "·John"]
    expect(page.locator(".whatif .compare-what")).to_have_text(
        f"The likeliest was “·Mary” with {sides[0].max():.3f} and is now “·John” with {sides[1].max():.3f}; "
        f"“·Mary” has {weight(float(sides[1][first]))} now."
    )
    expect(page.locator("#text")).to_have_value(STORE)
    page.get_by_role("button", name="Back to the original").click()
    expect(page.locator(".whatif-result")).to_be_hidden()
    assert "text_b" not in page.url
    page.go_back()
    expect(page.locator(".whatif-result")).to_be_visible()


def test_the_position_that_is_asked_about_moves_with_its_word(open_page: Open, smollm2: Reference) -> None:
    other = STORE.replace("store", "old grocery store")
    page = open_page(link(STORE, model="smollm2", view="whatif", position=10) + f"&text_b={other.replace(' ', '+')}")
    page.wait_for_selector(".whatif-result:not([hidden])")
    wait_drawn(page)
    count = len(smollm2.tokenizer(other)["input_ids"]) - len(smollm2.tokenizer(STORE)["input_ids"])
    sides = [smollm2.logits(STORE)[10].softmax(-1), smollm2.logits(other)[10 + count].softmax(-1)]
    rows = shown(page)
    for at, side in ((0, sides[0]), (2, sides[1])):
        best = int(side.argmax())
        assert rows[best][at : at + 2] == [weight(float(side[best])), "1"]


@pytest.mark.parametrize("pinned", ["query", "position"])
def test_where_the_word_itself_is_changed_both_are_asked_behind_it(
    open_page: Open, smollm2: Reference, pinned: str
) -> None:
    page = open_page(link(STORE, model="smollm2", view="whatif", **{pinned: 9}))
    change(page, 9, "Mary")
    expect(page.locator(".whatif-part h3").first).to_have_text(
        "What it expects after ·John (9), and in the changed text after ·Mary (9)"
    )
    sides = [smollm2.logits(text)[9].softmax(-1) for text in (STORE, MARY)]
    rows = shown(page)
    for at, side in ((0, sides[0]), (2, sides[1])):
        best = int(side.argmax())
        assert rows[best][at : at + 2] == [weight(float(side[best])), "1"]


def test_the_heads_are_ranked_by_their_divergence_and_open_in_compare(
    open_page: Open, eager: Callable[..., Eager]
) -> None:
    page = open_page(link(PRONOUN, model="minilm", view="heads"))
    chip(page, 12).dblclick()
    page.keyboard.type("wide")
    page.keyboard.press("Enter")
    expect(page.get_by_role("tab", name="What if")).to_have_attribute("aria-selected", "true")
    page.wait_for_selector(".whatif-result:not([hidden])")
    wait_drawn(page)
    wanted = divergences(eager(PRONOUN), eager(WIDE_ANIMAL))
    ranked = sorted(wanted, key=lambda at: -wanted[at])
    for at, text in zip(ranked, page.locator(".compare-one").all_inner_texts(), strict=False):
        layer, head, bits = re.match(r"layer (\d+), head (\d+)\s+(\S+) bits", text).groups()
        assert (int(layer), int(head)) == at
        assert float(bits) == pytest.approx(wanted[at], rel=1e-3)
    expect(page.locator(".whatif")).to_contain_text("This model predicts no words here")
    page.locator(".compare-one").first.click()
    page.get_by_role("button", name="Its maps in Compare").click()
    expect(page).to_have_url(re.compile(rf"view=compare&layer={ranked[0][0]}&head={ranked[0][1]}"))
    expect(page.locator("#compare-text")).to_have_value(WIDE_ANIMAL)


def test_the_keyboard_changes_a_word_and_escape_lets_it_be(open_page: Open) -> None:
    page = open_page(link(PRONOUN, model="minilm", view="map"))
    chip(page, 12).focus()
    page.keyboard.press("F2")
    expect(page.locator("#strip input")).to_have_value("tired")
    page.keyboard.type("wide")
    page.keyboard.press("Escape")
    expect(chip(page, 12)).to_have_text("tired")
    expect(chip(page, 12)).to_be_focused()
    assert "text_b" not in page.url
    page.keyboard.press("F2")
    page.keyboard.type("old 🙂")
    page.keyboard.press("Enter")
    page.wait_for_selector(".whatif-result:not([hidden])")
    assert page.evaluate("new URLSearchParams(location.hash.slice(1)).get('text_b')") == PRONOUN.replace(
        "tired", "old 🙂"
    )
    chip(page, 0).focus()
    page.keyboard.press("F2")
    expect(page.locator("#strip input")).to_have_count(0)
    expect(page.locator("#live")).to_have_text("This token cannot be changed here.")


def test_a_space_is_written_and_presses_nothing(open_page: Open) -> None:
    page = open_page(link(PRONOUN, model="minilm", view="whatif"))
    page.locator(".whatif-chip[data-index='12']").click()
    field = page.locator(".whatif-chips input")
    page.keyboard.type(" far too wide")
    expect(field).to_have_value(" far too wide")
    expect(field).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_selector(".whatif-result:not([hidden])")
    expect(field).to_have_count(0)
    changed = page.evaluate("new URLSearchParams(location.hash.slice(1)).get('text_b')")
    assert changed == PRONOUN.replace("tired", "far too wide")


def test_several_words_are_changed_one_after_the_other_and_a_mask_is_followed(open_page: Open) -> None:
    page = open_page(link("She poured a cup of [MASK].", model="minilm-mlm", view="whatif"))
    change(page, 2, "drank")
    change(page, 4, "glass")
    assert page.evaluate("new URLSearchParams(location.hash.slice(1)).get('text_b')") == "She drank a glass of [MASK]."
    assert len(shown(page)) >= 8
    change(page, 6, "milk")
    expect(page.locator(".whatif")).to_contain_text("Of the changed text there is no prediction here.")


def test_a_new_text_lets_the_changed_one_go(open_page: Open) -> None:
    page = open_page(link("She poured a cup of [MASK].", model="minilm-mlm", view="whatif"))
    change(page, 2, "drank")
    page.locator("#text").fill("He lost his [MASK].")
    page.locator("#text").press("Enter")
    expect(page.locator(".whatif-chip")).to_have_text(["[CLS]", "he", "lost", "his", "[MASK]", ".", "[SEP]"])
    expect(page.locator(".whatif-result")).to_be_hidden()
    assert "text_b" not in page.url


def test_it_fits_a_phone(open_page: Open) -> None:
    page = open_page(link(STORE, model="smollm2", view="whatif") + f"&text_b={MARY.replace(' ', '+')}", size=NARROW)
    page.wait_for_selector(".whatif-result:not([hidden])")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_an_encoder_decoder_writes_is_told_for_both_texts(open_page: Open) -> None:
    page = open_page(link("the third of March 2021", model="dates", view="whatif") + "&text_b=the+third+of+May+2021")
    expect(page.locator(".whatif-answer")).to_have_text("It wrote “2021-03-03” itself, and now “2021-05-03”.")
    expect(page.locator(".whatif-part h3").first).to_have_text("What it expects after <s> (0)")
    expect(page.locator(".whatif-part")).to_contain_text(["The likeliest stays “2”", ""])
    page = open_page(
        link("the third of March 2021", model="dates", view="whatif", position=6) + "&text_b=the+third+of+May+2021"
    )
    expect(page.locator(".whatif-part").first).to_contain_text("The likeliest was “3” with 1.000 and is now “5”")
