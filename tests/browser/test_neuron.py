"""The Neuron view: every number through the page against transformers' own queries, keys, values and maps."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from pathlib import Path

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer
from transformers.models.llama.modeling_llama import apply_rotary_pos_emb

from app.models import catalogue
from app.models.progress import never, silent
from app.models.sources import wheel
from app.settings import Settings
from tests.browser.conftest import NARROW, Open, wait_drawn
from tests.browser.pictures import LONG, PRONOUN, STORE, link, said


@dataclass(frozen=True)
class Head:
    """q, k, v [tokens, D] and probs [tokens, tokens] of one head, by transformers alone."""

    q: torch.Tensor
    k: torch.Tensor
    v: torch.Tensor
    probs: torch.Tensor

    @property
    def scores(self) -> torch.Tensor:
        return self.q @ self.k.T * self.q.shape[-1] ** -0.5


def minilm_head(text: str, layer: int, head: int) -> Head:
    entry = catalogue.entry("minilm")
    assert entry is not None
    folder = wheel.place(entry)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt", padding=False, truncation=False)
    with torch.no_grad():
        outputs = model(**inputs, output_attentions=True, output_hidden_states=True)
        hidden = outputs.hidden_states[layer][0]
        own = model.encoder.layer[layer].attention.self
        part = slice(head * 32, head * 32 + 32)
        q, k, v = (module(hidden)[:, part] for module in (own.query, own.key, own.value))
    return Head(q, k, v, outputs.attentions[layer][0, head])


def smollm2_head(text: str, layer: int, head: int) -> Head:
    """Three queries share a key/value head; positions are rotations."""
    entry = catalogue.entry("smollm2")
    assert entry is not None
    folder = wheel.find(entry, Settings(), silent, never).folder
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = AutoTokenizer.from_pretrained(folder)(text, return_tensors="pt")
    with torch.no_grad():
        outputs = model(**inputs, output_attentions=True, output_hidden_states=True)
        block = model.model.layers[layer]
        hidden = block.input_layernorm(outputs.hidden_states[layer])
        own = block.self_attn
        q, k, v = (m(hidden).unflatten(-1, (-1, 64)).transpose(1, 2) for m in (own.q_proj, own.k_proj, own.v_proj))
        cos, sin = model.model.rotary_emb(hidden, torch.arange(hidden.shape[1])[None])
        q, k = apply_rotary_pos_emb(q, k, cos, sin)
    return Head(q[0, head], k[0, head // 3], v[0, head // 3], outputs.attentions[layer][0, head])


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def close(text: str, value: float) -> bool:
    """Is it this number to four significant digits?"""
    return abs(number(text) - value) <= 6e-4 * abs(value) + 2e-6


def rows(page: Page) -> dict[int, list[str]]:
    """The keys that are in the list now: token, score, ..., probability by index."""
    texts = "rows => rows.map((row) => [...row.children].map((cell) => cell.textContent))"
    listed = page.locator(".neuron-sheet .neuron-key").evaluate_all(texts)
    return {int(index): cells for index, *cells in listed}


def terms(page: Page) -> list[str]:
    """The numbers of the equations, score first."""
    return page.locator(".neuron-term b").all_inner_texts()


def dimension(page: Page, grid: str, d: int) -> list[float]:
    """The numbers that a dimension says when the keyboard comes to it."""
    page.get_by_role("grid", name=grid).focus()
    page.keyboard.press("Home")
    for _ in range(d):
        page.keyboard.press("ArrowRight")
    words = said(page)
    assert words.startswith(f"dimension {d}:")
    return [number(text) for text in re.findall(r"[−-]?\d+\.?\d*(?:e-?\d+)?", words.split(":", 1)[1])]


@pytest.mark.parametrize(
    ("model", "text", "layer", "head", "query"), [("minilm", PRONOUN, 3, 1, 9), ("smollm2", STORE, 24, 4, 13)]
)
def test_every_step_is_the_models(open_page: Open, model: str, text: str, layer: int, head: int, query: int) -> None:
    reference = (minilm_head if model == "minilm" else smollm2_head)(text, layer, head)
    page = open_page(link(text, model=model, view="neuron", layer=layer, head=head, query=query))
    probs, scores = reference.probs[query], reference.scores[query]
    strongest = int(probs.argmax())
    listed = rows(page)
    assert sorted(listed) == list(range(len(probs)))
    for key, (_, score, probability) in listed.items():
        assert close(score, float(scores[key])), key
        assert close(probability, float(probs[key])), key
    expect(page.locator(".neuron-p")).to_have_text(listed[strongest][-1])
    for key in (strongest, 0, 4):
        page.locator(f"[data-key='{key}']").click()
        expect(page).to_have_url(re.compile(rf"key={key}\b"))
        product = reference.q[query] * reference.k[key]
        scale = len(product) ** -0.5
        entering = scores[: query + 1] if model == "smollm2" else scores
        counted = (entering - entering.max()).exp()
        wanted = [product.sum(), scale, scores[key], counted[key], counted.sum(), probs[key]]
        got = terms(page)
        assert len(got) == 6
        assert all(close(text, float(value)) for text, value in zip(got, wanted, strict=True)), (got, wanted)
        for d in (0, 7, 19):
            page.get_by_role("grid", name="Keys").focus()
            page.mouse.move(2, 2)
            said_q, said_k, said_product, so_far = dimension(page, "Query and key", d)
            assert said_q == pytest.approx(float(reference.q[query, d]), rel=6e-4, abs=1e-6)
            assert said_k == pytest.approx(float(reference.k[key, d]), rel=6e-4, abs=1e-6)
            assert said_product == pytest.approx(float(product[d]), rel=1e-3, abs=1e-5)
            assert so_far == pytest.approx(float(product[: d + 1].sum()), rel=1e-3, abs=2e-4)
            z = float(probs @ reference.v[:, d])
            v, p, part, rest, said_z = dimension(page, "Value and output", d)
            assert v == pytest.approx(float(reference.v[key, d]), rel=6e-4, abs=1e-6)
            assert p == pytest.approx(float(probs[key]), rel=6e-4, abs=1e-6)
            assert said_z == pytest.approx(z, rel=1e-3, abs=1e-5)
            assert part + rest == pytest.approx(z, rel=2e-3, abs=1e-4)
    expect(page.locator(".neuron-trust")).to_contain_text("the z that the model itself computed, in this layer")
    shared = "heads 3, 4 and 5 share key/value head 1" if model == "smollm2" else "Its keys and values are its own"
    expect(page.locator(".neuron-shared")).to_contain_text(shared)


def test_keys_are_walked_sorted_pinned_and_let_go(open_page: Open) -> None:
    reference = minilm_head(PRONOUN, 3, 1)
    page = open_page(link(PRONOUN, view="neuron", layer=3, head=1, query=9))
    keys = page.get_by_role("grid", name="Keys")
    keys.focus()
    page.keyboard.press("Home")
    assert said(page).startswith("[CLS] (0): score ")
    page.keyboard.press("ArrowDown")
    assert said(page).startswith("the (1): score ")
    assert close(said(page).split("probability ")[1], float(reference.probs[9, 1]))
    expect(page.locator(".neuron-title")).to_contain_text("the 1")
    expect(keys).to_have_attribute("aria-activedescendant", "neuron-key-1")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"key=1\b"))
    page.get_by_role("button", name="Largest first").click()
    order = [int(i) for i in page.locator(".neuron-sheet .neuron-index").all_inner_texts()]
    assert order[:5] == reference.probs[9].argsort(descending=True)[:5].tolist()
    keys.focus()
    page.keyboard.press("Escape")
    expect(page).not_to_have_url(re.compile("key="))


def test_the_strip_chooses_the_query_and_follows_a_key(open_page: Open) -> None:
    reference = minilm_head(PRONOUN, 3, 1)
    page = open_page(link(PRONOUN, view="neuron", layer=3, head=1))
    expect(page.locator(".neuron-title")).to_contain_text("the 1")  # the first that is no special token
    page.locator("#strip .chip[data-index='9']").click()
    wait_drawn(page)
    page.locator("#strip .chip[data-index='7']").hover()
    expect(page.locator(".neuron-title")).to_contain_text("street 7")
    assert close(page.locator(".neuron-p").inner_text(), float(reference.probs[9, 7]))
    assert float(page.locator("#aside .number").inner_text()) == pytest.approx(float(reference.probs[9, 7]), abs=5e-4)


def test_what_cannot_be_seen_is_hidden(open_page: Open) -> None:
    reference = smollm2_head(STORE, 24, 4)
    page = open_page(link(STORE, model="smollm2", view="neuron", layer=24, head=4, query=6, key=9))
    assert rows(page)[9][-1] == "hidden"
    assert close(rows(page)[9][1], float(reference.scores[6, 9]))  # the score is there, before the mask
    expect(page.locator(".neuron-note")).to_contain_text("The mask hides this key")
    expect(page.locator(".neuron-foot")).to_contain_text("7 of 14 keys are hidden")
    assert terms(page)[-1] == "0"


@pytest.mark.parametrize("size", [None, NARROW])
def test_a_long_text_has_a_window_of_keys_and_fetches_what_is_followed(open_page: Open, size: object) -> None:
    reference = minilm_head(LONG, 3, 1)
    count = len(reference.probs)
    assert count > 400
    page = open_page(link(LONG, view="neuron", layer=3, head=1, query=300, key=299), **({"size": size} if size else {}))
    expect(page.get_by_role("grid", name="Keys")).to_have_attribute("aria-rowcount", str(count + 1))
    assert page.locator(".neuron-sheet .neuron-key").count() < 60
    expect(page.locator(".neuron-read").first).to_contain_text("products add up to")
    for key in (299, count - 1):
        if key != 299:
            page.get_by_role("grid", name="Keys").focus()
            page.keyboard.press("End")
        expect(page.locator(f"[data-key='{key}']")).to_be_visible()
        expect(page.locator(".neuron-read").first).to_contain_text("products add up to")
        raw = float(reference.q[300] @ reference.k[key])
        assert close(terms(page)[0], raw)
        assert close(page.locator(".neuron-read").first.inner_text().split("add up to ")[1].split(". ")[0], raw)
        assert close(rows(page)[key][-1], float(reference.probs[300, key]))
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_is_taken_away_is_what_is_shown(open_page: Open, tmp_path: Path) -> None:
    reference = minilm_head(PRONOUN, 3, 1)
    page = open_page(link(PRONOUN, view="neuron", layer=3, head=1, query=9))
    for name in ("CSV", "SVG", "PNG"):
        with page.expect_download() as download:
            page.locator("#aside").get_by_role("button", name=name, exact=True).click()
        download.value.save_as(tmp_path / name)
        assert download.value.suggested_filename == f"headlight-minilm-neuron-encoder-layer3-head1.{name.lower()}"
    with (tmp_path / "CSV").open(newline="") as file:
        table = list(csv.DictReader(file))
    got = torch.tensor([[float(row["q·k"]), float(row["score"]), float(row["probability"])] for row in table])
    wanted = torch.stack([reference.q[9] @ reference.k.T, reference.scores[9], reference.probs[9]], 1)
    assert (got - wanted).abs().max() < 1e-4
    svg = (tmp_path / "SVG").read_text()
    assert "animal (2)" in svg
    assert page.locator(".neuron-p").inner_text() in svg
    assert (tmp_path / "PNG").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing(open_page: Open, theme: str) -> None:
    page = open_page(link(STORE, model="smollm2", view="neuron", layer=24, head=4, query=6, key=3), theme=theme)
    for size in (None, NARROW):
        if size:
            page.set_viewport_size(size)
            wait_drawn(page)
        found = Axe().run(page).response["violations"]
        assert found == [], [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]
