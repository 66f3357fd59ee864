"""Taking the numbers of a picture out of the page: the CSV that a person would save."""

from __future__ import annotations

import csv
import math
from pathlib import Path

import torch
from playwright.sync_api import Page
from torch import Tensor


def csv_rows(page: Page, folder: Path) -> tuple[str, list[list[str]]]:
    """(name of the file, its rows, the header first)."""
    with page.expect_download() as download:
        page.locator("#aside").get_by_role("button", name="CSV", exact=True).click()
    download.value.save_as(folder / "picture.csv")
    with (folder / "picture.csv").open(newline="") as file:
        return download.value.suggested_filename, list(csv.reader(file))


def csv_map(page: Page, folder: Path) -> Tensor:
    """The map that is drawn, [rows, cols]; what has no value is NaN."""
    _, rows = csv_rows(page, folder)
    return torch.tensor([[float(cell) if cell else math.nan for cell in row[1:]] for row in rows[1:]])


def same(got: Tensor, expected: Tensor, limit: float = 1e-5) -> bool:
    """Are they equal, NaN where NaN is expected and nowhere else?"""
    here = ~expected.isnan()
    close = (got[here] - expected[here]).abs().max() <= limit
    return bool(got.shape == expected.shape and torch.equal(~got.isnan(), here) and close)
