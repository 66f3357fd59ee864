"""The Neuron view of other architectures: sinks, a position bias, maps without queries. Tiny models, random weights."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect
from transformers import AutoModelForCausalLM, AutoModelForSeq2SeqLM, AutoTokenizer

from tests.browser.conftest import Open, Watch, serving, wait_drawn
from tests.browser.pictures import link
from tests.browser.test_neuron import close, number, rows
from tests.browser.tiny_models import write_tiny_models

TEXT = "the house is wonderful"


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return write_tiny_models(tmp_path_factory.mktemp("models"))


@pytest.fixture(scope="module")
def address(folders: dict[str, Path]) -> Iterator[str]:
    with serving(*(part for name, folder in folders.items() for part in ("--model", f"{name}={folder}"))) as here:
        yield here


def test_the_sink_is_the_remainder(open_page: Open, folders: dict[str, Path]) -> None:
    model = AutoModelForCausalLM.from_pretrained(folders["tiny-oss"], attn_implementation="eager").eval()
    inputs = AutoTokenizer.from_pretrained(folders["tiny-oss"])(TEXT, return_tensors="pt")
    inputs.pop("token_type_ids", None)
    with torch.no_grad():
        probs = model(**inputs, output_attentions=True).attentions[1][0, 2]
    query = len(probs) - 1
    page = open_page(link(TEXT, model="tiny-oss", view="neuron", layer=1, head=2, query=query))
    for key, cells in rows(page).items():
        assert close(cells[-1], float(probs[query, key]))
    remainder = 1 - float(probs[query].sum())
    assert remainder > 0.02
    foot = page.locator(".neuron-foot").inner_text()
    assert close(re.search(r"the remainder, (\S+),", foot).group(1), remainder), foot
    assert "and the sink" in page.locator(".neuron-terms").last.inner_text()
    expect(page.locator(".neuron-shared")).to_contain_text("heads 2 and 3 share key/value head 1")


def test_t5_adds_its_bias(open_page: Open, folders: dict[str, Path]) -> None:
    model = AutoModelForSeq2SeqLM.from_pretrained(folders["tiny-t5"], attn_implementation="eager").eval()
    inputs = AutoTokenizer.from_pretrained(folders["tiny-t5"])(TEXT, return_tensors="pt")
    ids = inputs["input_ids"]
    with torch.no_grad():
        encoded = model.encoder(ids, output_attentions=True)
        bias = model.encoder.block[0].layer[0].SelfAttention.compute_bias(ids.shape[1], ids.shape[1])[0, 1]
    page = open_page(link(TEXT, model="tiny-t5", stack="encoder", view="neuron", layer=0, head=1, query=2))
    for key, (_, score, shown_bias, enters, probability) in rows(page).items():
        assert close(shown_bias, float(bias[2, key]))
        assert number(enters) == pytest.approx(number(score) + number(shown_bias), rel=2e-3, abs=2e-4)
        assert close(probability, float(encoded.attentions[0][0, 1, 2, key]))
    assert "position bias" in page.locator(".neuron-terms").first.inner_text()


def test_a_model_of_weights_alone_says_why_there_are_no_steps(open_page: Open, watch: Watch) -> None:
    page = open_page(link(TEXT, model="tiny-bloom", view="neuron"))
    expect(page.locator(".neuron-none")).to_contain_text("shows its attention weights only")
    page.wait_for_timeout(500)  # the strip fades in
    found = Axe().run(page).response["violations"]
    assert found == [], [(one["id"], [node["target"] for node in one["nodes"]][:3]) for one in found]
    assert watch.errors == []
    page.get_by_role("button", name="Use minilm").click()
    wait_drawn(page)
    expect(page.locator(".neuron-p")).to_be_visible()
