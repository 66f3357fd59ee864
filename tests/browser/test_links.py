"""A link that asks for what there is not: it opens, and the page says what was taken differently."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import NARROW, Open, wait_drawn
from tests.browser.pictures import PRONOUN, STORE, link

ASKED = re.compile(r"/(logits|lens|attribution|saliency)(\?|$)")
"""Where a prediction is asked about."""


def test_a_good_link_is_taken_in_silence(open_page: Open) -> None:
    page = open_page(link(PRONOUN, model="minilm", view="map", layer=5, head=11, query=9, key=2))
    expect(page.locator("#notice")).to_be_empty()


def test_each_part_that_was_changed_is_named(open_page: Open) -> None:
    page = open_page(
        link(
            PRONOUN, model="minilm", view="nope", layer=99, head=40, query=500, temperature=-1, lens="magic", hue="red"
        )
    )
    assert page.locator("#notice li").all_inner_texts() == [
        "“view=nope” is no view: heads is shown.",
        "“temperature=-1” cannot be read and was left out.",
        "“lens=magic” cannot be read and was left out.",
        "“hue=red” is no part of a link of this page.",
        "“layer=99”: there are layers 0 to 5, so 5 is shown.",
        "“head=40”: there are heads 0 to 11, so 11 is shown.",
        "And 1 more.",
    ]
    expect(page.locator("#layer")).to_have_value("5")
    page.get_by_role("button", name="Dismiss").click()
    expect(page.locator("#notice")).to_be_empty()


def test_the_notice_goes_with_the_next_text_and_comes_back_with_the_link(open_page: Open) -> None:
    page = open_page(link(PRONOUN, model="minilm", view="map", layer=7, rows="9:900"), size=NARROW)
    expect(page.locator("#notice li")).to_have_count(2)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    page.locator("#text").fill("Another text.")
    page.keyboard.press("Enter")
    expect(page.locator("#notice")).to_be_empty()
    page.evaluate("location.hash = '#text=Another+text.&colour=red'")
    expect(page.locator("#notice li")).to_have_text(["“colour=red” is no part of a link of this page."])


def test_masks_that_nothing_can_be_made_of_are_said(open_page: Open) -> None:
    page = open_page(link(PRONOUN, model="minilm", view="map", masks="0:4:10"))
    expect(page.locator("#notice li")).to_contain_text("this model fills in no words, so none is masked.")
    page = open_page(link(PRONOUN, model="minilm-mlm", view="next", masks="0:4:10,0:400:410"))
    expect(page.locator("#notice li")).to_have_text("“masks=0:400:410” lies outside the text and was left out.")
    wait_drawn(page)
    expect(page.locator("#strip .chip").nth(2)).to_have_text("[MASK]")


def test_words_that_the_model_has_not_are_left_out_and_said(open_page: Open) -> None:
    words = {"token": 49_152, "against": "John", "position": 99}
    for view, shown in (
        ("attribution", ".attribution-says"),
        ("saliency", ".saliency-says"),
        ("causes", ".causes-verdict"),
    ):
        page = open_page(link(STORE, model="smollm2", view=view, **words))
        expect(page.locator(shown)).to_contain_text("Mary")
        assert page.locator("#notice li").all_inner_texts() == [
            "“against=John” cannot be read and was left out.",
            "“position=99” is not in this text or model and was left out.",
            "“token=49152” is not in this text or model and was left out.",
        ]
        expect(page).not_to_have_url(re.compile("token=|against=|position="))


def test_a_word_that_comes_by_going_back_is_cleaned_too(open_page: Open) -> None:
    """The run stays, and only what is looked at changes."""
    page = open_page(link(STORE, model="smollm2", view="saliency"))
    page.evaluate(
        "history.pushState(null, '', location.href.replace('#', '&token=999999#')); history.pushState(null, '', '/');"
    )
    page.evaluate("history.back()")
    expect(page.locator("#notice li")).to_have_text(["“token=999999” is not in this text or model and was left out."])
    expect(page.locator(".saliency-says")).to_contain_text("The scores sum to")


@pytest.mark.parametrize("view", ["next", "whatif", "logit-lens", "causes", "attribution", "saliency"])
def test_a_pinned_token_is_the_position_of_every_view_of_a_prediction(open_page: Open, view: str) -> None:
    page = open_page(link(STORE, model="smollm2", view="map", query=9))
    with page.expect_request(ASKED) as asked:
        page.locator(f"#tab-{view}").click()
    wanted = asked.value.url if asked.value.method == "GET" else asked.value.post_data
    assert re.search(r'position"?[=:]\s*9\b', wanted or ""), wanted
    wait_drawn(page)
    box = page.locator(f"#{view}-at")
    if view in ("causes", "attribution", "saliency"):
        expect(box).to_have_value("9")


def test_a_pinned_mask_is_the_one_that_is_asked_about_another_word_is_not(open_page: Open) -> None:
    text = "She poured a [MASK] of [MASK]."
    for pinned, wanted in ((6, "6"), (2, "4")):
        page = open_page(link(text, model="minilm-mlm", view="saliency", query=pinned))
        expect(page.locator("#saliency-at")).to_have_value(wanted)


def test_the_edge_from_another_token_leaves_the_prediction_where_it_is(open_page: Open) -> None:
    page = open_page(link(STORE, model="smollm2", view="causes"))
    expect(page.locator("#causes-at")).to_have_value("13")
    page.locator("#causes-query").select_option("4")
    expect(page).to_have_url(re.compile("query=4"))
    wait_drawn(page)
    expect(page.locator("#causes-at")).to_have_value("13")
