"""One line of the table: what was measured, ours, the peer's, and the bar that it is held against."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Unit = Literal["ms", "s", "MB", "GB"]
Held = Literal["ratio", "ours"]

DIGITS: dict[Unit, int] = {"ms": 1, "s": 2, "MB": 3, "GB": 3}


@dataclass(frozen=True, slots=True)
class Row:
    """`limit` is the largest `ratio` (ours by the peer's) or the largest `ours` that is still good; None: only shown.

    >>> Row("a run", 33.0, 30.0, "bare", "ms", "ratio", 1.15).holds
    True
    """

    what: str
    ours: float
    peer: float | None
    peer_name: str
    unit: Unit
    held: Held = "ratio"
    limit: float | None = None
    note: str = ""

    @property
    def ratio(self) -> float | None:
        return self.ours / self.peer if self.peer else None

    @property
    def holds(self) -> bool | None:
        value = self.ratio if self.held == "ratio" else self.ours
        return None if self.limit is None or value is None else value <= self.limit


def table(rows: list[Row]) -> str:
    """The rows as a Markdown table.

    >>> print(table([Row("a run", 33.0, 30.0, "bare forward", "ms", "ratio", 1.15)]))
    | what | Headlight | beside it | ratio | bar | holds |
    |---|---|---|---|---|---|
    | a run | 33.0 ms | 30.0 ms (bare forward) | 1.10 | ratio ≤ 1.15 | yes |
    """
    lines = ["| what | Headlight | beside it | ratio | bar | holds |", "|---|---|---|---|---|---|"]
    return "\n".join(lines + [_line(row) for row in rows])


def _line(row: Row) -> str:
    what = f"{row.what} ({row.note})" if row.note else row.what
    peer = "" if row.peer is None else f"{_amount(row.peer, row.unit)} ({row.peer_name})"
    holds = {True: "yes", False: "**no**", None: ""}[row.holds]
    return f"| {what} | {_amount(row.ours, row.unit)} | {peer} | {_ratio(row.ratio)} | {_bar(row)} | {holds} |"


def _amount(value: float, unit: Unit) -> str:
    return f"{value:,.{DIGITS[unit]}f} {unit}"


def _ratio(ratio: float | None) -> str:
    if ratio is None:
        return ""
    return f"{ratio:.2f}" if ratio >= 0.1 else f"1 / {1 / ratio:,.0f}"


def _bar(row: Row) -> str:
    if row.limit is None:
        return ""
    if row.held == "ours":
        return f"≤ {row.limit:g} {row.unit}"
    return f"ratio ≤ {row.limit:g}" if row.limit >= 0.1 else f"ratio ≤ 1 / {1 / row.limit:,.0f}"
