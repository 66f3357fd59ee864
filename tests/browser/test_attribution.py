"""The views Attribution and Saliency through the page, against transformers' own modules, hooks and autograd."""

from __future__ import annotations

import csv
import json
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, Route, ViewportSize, expect
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForMaskedLM, AutoTokenizer

from app.models.sources import locate
from app.settings import Settings
from tests.browser.conftest import NARROW, Open, Watch, wait_drawn
from tests.browser.page import chip
from tests.browser.pictures import STORE, link

ATTRIBUTION = {"model": "smollm2", "view": "attribution"}
SALIENCY = {"model": "smollm2", "view": "saliency"}
SETTLED = """async () => {
  for (let i = 0; i < 2; i += 1) await new Promise(requestAnimationFrame);
  const moving = document.getAnimations().filter((one) => one instanceof CSSTransition);
  await Promise.all(moving.map((one) => one.finished.catch(() => null)));
}"""
"""Nothing is on its way from one theme, or width, to the other any more."""
CUP = "He drank a cup of [MASK] in the morning."


class Plain:
    """SmolLM2 as transformers has it."""

    def __init__(self) -> None:
        folder = locate("smollm2", Settings(hub=False)).folder
        tokenizer = AutoTokenizer.from_pretrained(folder)
        self.model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32)
        self.model.eval().requires_grad_(False)
        self.ids = tokenizer(STORE, return_tensors="pt").input_ids
        self.mary, self.john = (int(tokenizer(f" {name}").input_ids[0]) for name in ("Mary", "John"))

    def parts(self) -> tuple[Tensor, Tensor, float]:
        """(what each head [30, 9] and each MLP [30] writes into Mary - John at the last token, the difference)."""
        z: dict[int, Tensor] = {}
        mlp: dict[int, Tensor] = {}
        body = self.model.model
        hooks = [
            *(
                block.self_attn.o_proj.register_forward_pre_hook(lambda _, given, i=i: z.update({i: given[0][0, -1]}))
                for i, block in enumerate(body.layers)
            ),
            *(
                block.mlp.register_forward_hook(lambda _, __, made, i=i: mlp.update({i: made[0, -1]}))
                for i, block in enumerate(body.layers)
            ),
        ]
        rows: list[Tensor] = []
        hooks.append(body.norm.register_forward_pre_hook(lambda _, given: rows.append(given[0][0, -1].double())))
        logits = self.model(self.ids, use_cache=False).logits[0, -1].double()
        for hook in hooks:
            hook.remove()
        scale = (rows[0].pow(2).mean() + body.norm.variance_epsilon).rsqrt()
        w = self.model.lm_head.weight
        u = (w[self.mary] - w[self.john]).double() * body.norm.weight.double() * scale
        heads = torch.stack(
            [
                ((block.self_attn.o_proj.weight.double().T @ u) * z[i].double()).reshape(9, 64).sum(-1)
                for i, block in enumerate(body.layers)
            ]
        )
        mlps = torch.stack([mlp[i].double() @ u for i in range(len(body.layers))])
        return heads, mlps, float(logits[self.mary] - logits[self.john])


@pytest.fixture(scope="module")
def plain() -> Plain:
    return Plain()


def rows(page: Page, folder: Path) -> list[dict[str, str]]:
    """The CSV of the view."""
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(folder / "table.csv")
    with (folder / "table.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def cell(page: Page, layer: int, head: int) -> Any:
    return page.locator(f".attribution .causes-cell[data-layer='{layer}'][data-head='{head}']")


def number(text: str | None) -> float:
    return float((text or "").rpartition(": ")[2].replace("−", "-"))


def looks_right(page: Page) -> None:
    for theme in ("light", "dark"):
        page.emulate_media(color_scheme=theme)
        page.evaluate(SETTLED)
        assert Axe().run(page).response["violations"] == []
    page.set_viewport_size(NARROW)
    page.evaluate(SETTLED)
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]


def test_mary_against_john(open_page: Open, plain: Plain, tmp_path: Path) -> None:
    page = open_page(link(STORE, **ATTRIBUTION, token=plain.mary, against=plain.john))
    heads, mlps, total = plain.parts()
    expect(page.locator(".attribution-says")).to_contain_text("the logit of “·Mary” minus that of “·John”")
    said = page.locator(".attribution-says").inner_text()
    assert number(": " + said.split(" ")[0]) == pytest.approx(total, abs=0.00052)
    assert "the remainder is" in said
    found = rows(page, tmp_path)
    mine = {(int(r["layer"]), int(r["head"])): float(r["share"]) for r in found if r["head"]}
    assert len(mine) == 270
    assert max(abs(value - float(heads[place])) for place, value in mine.items()) <= 1e-4
    assert max(abs(float(r["share"]) - float(mlps[int(r["layer"])])) for r in found if r["part"].startswith("MLP "
               ) and "bias" not in r["part"]) <= 1e-4  # fmt: skip
    whole = sum(float(r["share"]) for r in found if r["part"] != "total")
    assert whole == pytest.approx(total, abs=1e-3)
    for layer, head in ((23, 3), (24, 4), (0, 0)):
        assert number(cell(page, layer, head).get_attribute("aria-label")) == pytest.approx(
            float(heads[layer, head]), abs=0.00052
        )
    beside = page.locator(".causes-cell[data-beside='28']").get_attribute("aria-label")
    assert number(beside) == pytest.approx(float(mlps[28]), abs=0.00052)
    first = page.locator("ol[aria-label='Largest parts'] li").first
    assert first.get_attribute("data-part") == "head 23.3"
    assert float(heads.max()) == float(heads[23, 3])


CROWDED = """() => [...document.querySelectorAll('.causes-cell')]
  .filter((cell) => cell.firstChild.getBoundingClientRect().width > cell.clientWidth - 1)
  .map((cell) => cell.textContent)"""


@pytest.mark.parametrize("view", ["attribution", "causes"])
def test_on_a_narrow_screen_no_number_touches_the_next(open_page: Open, view: str) -> None:
    page = open_page(link(STORE, model="smollm2", view=view), size=NARROW)
    page.wait_for_selector(".causes-cell")
    assert page.evaluate(CROWDED) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= NARROW["width"]
    page.set_viewport_size(ViewportSize(width=320, height=800))
    page.evaluate(SETTLED)
    assert page.evaluate(CROWDED) == []
    if view == "attribution":
        box = page.locator(".causes-grid-box")
        assert box.evaluate("box => box.scrollWidth > box.clientWidth"), "its columns have no room, and scroll"
        expect(page.locator(".attribution-blank")).to_have_text(
            "A cell without a number wrote less than 0.005 either way."
        )


def test_a_head_is_chosen_by_pointer_keyboard_and_bar(open_page: Open, plain: Plain) -> None:
    page = open_page(link(STORE, **ATTRIBUTION, token=plain.mary, against=plain.john))
    page.locator("ol[aria-label='Largest parts']").get_by_role("button", name=re.compile("^head 23.3")).click()
    expect(page).to_have_url(re.compile("layer=23&head=3"))
    expect(cell(page, 23, 3)).to_have_attribute("aria-selected", "true")
    cell(page, 22, 3).click()
    cell(page, 22, 3).focus()
    page.keyboard.press("ArrowDown")
    expect(cell(page, 23, 3)).to_be_focused()
    expect(page.locator(".attribution-chosen")).to_contain_text("Head 23.3 wrote +2.8")
    page.locator(".badge").click()
    expect(page.locator(".checks-panel")).to_contain_text("parts sum to the logit")
    page.keyboard.press("Escape")
    looks_right(page)
    page.get_by_role("button", name="Open its map").click()
    expect(page).to_have_url(re.compile("view=map"))


def test_words_are_chosen_and_looked_up(open_page: Open, plain: Plain) -> None:
    page = open_page(link(STORE, **ATTRIBUTION))
    with torch.no_grad():
        logits = plain.model(plain.ids).logits[0].double()
    said = page.locator(".attribution-says")
    expect(said).to_contain_text("the logit of “·Mary”.")
    page.locator("#attribution-word").fill("elephant")
    page.get_by_role("button", name="List it").click()
    expect(page.locator(".aim-told")).to_contain_text("·elephant is in both lists now")
    page.locator("#attribution-against").select_option(label="·elephant")
    expect(said).to_contain_text("minus that of “·elephant”")
    against = int(page.locator("#attribution-against").input_value())
    wait_drawn(page)
    assert number(": " + said.inner_text().split(" ")[0]) == pytest.approx(
        float(logits[-1, plain.mary] - logits[-1, against]), abs=0.00052
    )
    page.locator("#attribution-against").select_option("")
    chip(page, 4).click()  # after "went"
    expect(page.locator("#attribution-at")).to_have_value("4")
    wait_drawn(page)
    assert number(": " + said.inner_text().split(" ")[0]) == pytest.approx(float(logits[4].max()), abs=0.00052)


def test_the_picture_and_the_command_of_attribution(open_page: Open, plain: Plain) -> None:
    page = open_page(link(STORE, **ATTRIBUTION, token=plain.mary, against=plain.john))
    page.get_by_role("button", name="Copy as curl").click()
    expect(page.locator("#aside .done")).to_have_text("Command copied")
    command = page.evaluate("navigator.clipboard.readText()")
    answer = json.loads(subprocess.run(["bash", "-c", command], capture_output=True, check=True, timeout=60).stdout)
    assert answer["total"] == pytest.approx(plain.parts()[2], abs=1e-4)
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name="SVG", exact=True).click()
    assert download.value.suggested_filename == "headlight-smollm2-attribution.svg"
    svg = Path(download.value.path()).read_text("utf-8")
    assert "head 23.3" in svg
    assert "the remainder is" in svg


def test_where_attribution_is_not_exact_it_says_why(open_page: Open, watch: Watch) -> None:
    watch.expected.append("status of 422")
    page = open_page(link(CUP, model="minilm-mlm", view="attribution"))
    expect(page.locator(".attribution .next-none")).to_contain_text("post-norm")
    page = open_page("/?view=attribution")
    expect(page.locator("#view h2")).to_have_text("This model predicts no words")


def test_gradient_times_input_on_the_strip(open_page: Open, plain: Plain, tmp_path: Path) -> None:
    page = open_page(link(STORE, **SALIENCY, token=plain.mary, against=plain.john))
    embedded = plain.model.get_input_embeddings()(plain.ids).detach().requires_grad_()
    logits = plain.model(inputs_embeds=embedded, use_cache=False).logits[0, -1].double()
    (gradient,) = torch.autograd.grad(logits[plain.mary] - logits[plain.john], embedded)
    wanted = (gradient * embedded)[0].sum(-1).detach()
    found = [float(row["score"]) for row in rows(page, tmp_path)]
    assert found == pytest.approx(wanted.tolist(), abs=2e-3)
    most = float(wanted.abs().max())
    for i, value in enumerate(wanted.tolist()):
        light = float(chip(page, i).evaluate("element => element.style.getPropertyValue('--light')"))
        assert light == pytest.approx(abs(value) / most, abs=0.01) or light == 0.0
        bar = page.locator(f"li[data-part='decoder {i}']")
        assert number(": " + bar.locator("b").inner_text()) == pytest.approx(value, abs=0.003)
        assert bar.get_attribute("data-sign") == ("down" if value < 0 else "up") or abs(value) < 1e-3
    expect(page.locator(".saliency-says")).to_contain_text("need not agree")
    assert float(wanted.min()) < 0
    expect(page.locator(".strip-legend")).to_contain_text(f"up to ±{most:.3f}"[:-1])
    expect(page.locator(".strip-scale[data-signed]")).to_have_count(1)
    looks_right(page)


def test_integrated_gradients_of_a_masked_word(open_page: Open, tmp_path: Path) -> None:
    page = open_page(link(CUP, model="minilm-mlm", view="saliency"))
    page.get_by_role("button", name="Integrated gradients").click()
    expect(page.locator(".saliency-says")).to_contain_text("What is missing between them", timeout=120_000)
    folder = locate("minilm-mlm", Settings(hub=False)).folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model: Any = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager").eval().requires_grad_(False)
    ids = tokenizer(CUP, return_tensors="pt").input_ids
    at = int((ids[0] == tokenizer.mask_token_id).nonzero())
    token = int(model(input_ids=ids).logits[0, at].argmax())
    table = model.get_input_embeddings().weight
    real, start = table[ids[0]], table.mean(0)
    wanted = torch.zeros(ids.shape[1])
    points = (torch.arange(200) + 0.5) / 200
    for some in points.split(50):
        leaf = (start + some[:, None, None] * (real - start)).requires_grad_()
        reached = model(inputs_embeds=leaf).logits[:, at].log_softmax(-1)[:, token]
        (gradient,) = torch.autograd.grad(reached.sum(), leaf)
        wanted += (gradient * (real - start)).sum(-1).sum(0) / len(points)
    found = torch.tensor([float(row["score"]) for row in rows(page, tmp_path)])
    assert float((found - wanted).abs().max()) <= 0.03 * float(wanted.abs().max())
    ends = torch.stack([start.expand_as(real), real])
    low, high = model(inputs_embeds=ends).logits[:, at].log_softmax(-1)[:, token].tolist()
    said = re.search(r"sum to (\S+);.* changes by (\S+)\.", page.locator(".saliency-says").inner_text())
    assert said
    total, change = (float(part.replace("−", "-")) for part in said.groups())
    assert change == pytest.approx(high - low, abs=2e-3)
    assert abs(total - change) <= 0.05 * max(0.5, abs(change))
    expect(page).to_have_url(re.compile("method=integrated-gradients"))


def test_an_integral_that_fell_short_offers_more_steps(open_page: Open) -> None:
    """The first answer is made to say that its check failed; the second is the server's own."""
    page = open_page(link(CUP, model="minilm-mlm", view="saliency"))
    asked: list[int] = []

    def failing(route: Route) -> None:
        asked.append(json.loads(route.request.post_data or "{}").get("steps", 0))
        answer = route.fetch()
        check = r'("name": ?"scores-sum-to-the-change".*?"ok": ?)true'
        body, found = re.subn(check, r"\1false", answer.text()) if asked[-1] == 128 else (answer.text(), 1)
        assert found == 1
        route.fulfill(response=answer, body=body)

    page.route("**/saliency", failing)
    page.get_by_role("button", name="Integrated gradients").click()
    says, more = page.locator(".saliency-says"), page.get_by_role("button", name="More steps (512)")
    expect(says).to_contain_text("gradients were not enough", timeout=120_000)
    expect(page.locator(".saliency-more")).to_contain_text("about four times as long")
    looks_right(page)
    more.click()
    expect(says).to_contain_text("What is missing between them", timeout=240_000)
    expect(more).to_be_hidden()
    expect(page).to_have_url(re.compile("gradients=512"))
    assert asked == [128, 512]


def test_saliency_of_an_encoder_decoder_and_where_there_is_no_mask(open_page: Open) -> None:
    page = open_page(link("3 March 2021", model="dates", view="saliency", stack="cross", position=2))
    assert page.locator("ol[aria-label='Scores of the encoder’s tokens'] li").count() == 13
    assert page.locator("ol[aria-label='Scores of the decoder’s tokens'] li").count() == 11
    assert page.locator("li[data-part='decoder 5'] b").inner_text() == "+0.000"  # what comes later has no part in it
    for view in ("saliency", "causes"):
        page = open_page(link("No mask here.", model="minilm-mlm", view=view))
        expect(page.locator("#view h2")).to_have_text("No word is masked yet")
        page.get_by_role("button", name="Choose a word to mask").click()
        expect(page).to_have_url(re.compile("view=next"))
        page.locator(".next-word[data-index='2']").click()
        wait_drawn(page)
        page.get_by_role("tab", name=view.capitalize()).click()
        expect(page.locator(f"#{view}-at")).to_have_value("2")
    page = open_page("/?view=saliency")
    expect(page.locator("#view h2")).to_have_text("This model predicts no words")


def test_a_long_integral_can_be_stopped(open_page: Open, plain: Plain) -> None:
    page = open_page(link(STORE, **SALIENCY, token=plain.mary))
    page.get_by_role("button", name="Integrated gradients").click()
    expect(page.locator("#busy")).to_contain_text(re.compile(r"of at most 129 gradients"), timeout=60_000)
    page.locator("#busy").get_by_role("button").click()
    expect(page.locator("#problem")).to_contain_text("Stopped")
    page.get_by_role("button", name="Gradient × input").click()
    expect(page.locator(".saliency-says")).to_contain_text("need not agree")


def test_another_model_has_other_words(open_page: Open, plain: Plain) -> None:
    page = open_page(link("The drink was [MASK].", **SALIENCY, token=plain.mary, against=plain.john))
    page.locator("#model").click()
    page.locator("#model").fill("minilm-mlm")
    page.keyboard.press("Enter")
    expect(page.locator("#saliency-token option:checked")).to_contain_text("the likeliest", timeout=60_000)
    assert not re.search("token=|against=", page.url)
