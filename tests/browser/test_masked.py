"""A masked word in the Next word view, through the page, against transformers alone."""

from __future__ import annotations

import pytest
import torch
from playwright.sync_api import expect
from transformers import AutoModelForMaskedLM, AutoTokenizer

from app.models.sources import locate
from app.settings import Settings
from tests.browser.conftest import Open
from tests.browser.pictures import link
from tests.browser.test_next import candidates

TEXT = "He opened the [MASK] with a key."


def test_the_words_for_a_mask_are_the_models_own(open_page: Open, tmp_path_factory: pytest.TempPathFactory) -> None:
    settings = Settings(hub=False, cache_dir=tmp_path_factory.mktemp("cache"))
    folder = locate("minilm-mlm", settings).folder
    inputs = AutoTokenizer.from_pretrained(folder)(TEXT, return_tensors="pt")
    with torch.no_grad():
        scores = AutoModelForMaskedLM.from_pretrained(folder, attn_implementation="eager")(**inputs).logits[0, 4]
    page = open_page(link(TEXT, model="minilm-mlm", view="next"))
    page.wait_for_selector(".next-row[data-id]", timeout=60_000)
    expect(page.locator(".next-context")).to_have_text("[CLS]heopenedthe?withakey.")
    shown = candidates(page)
    assert [int(row["id"]) for row in shown] == scores.argsort(descending=True)[:20].tolist()
    for row in shown:
        assert float(row["logit"]) == pytest.approx(float(scores[int(row["id"])]), abs=6e-3)
