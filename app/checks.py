"""An invariant that was tested on one particular answer. Every computed answer carries a list of these.

A check is a number held against a limit, so that whoever reads it sees how close it came, and not
only that it passed. It is made on the exact values, before anything is pooled or rounded.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Check:
    """`value` is what was measured, `limit` the largest that is still right.

    >>> at_most("rows-sum-to-1", 3e-7, 1e-5).ok
    True
    """

    name: str
    value: float | None
    limit: float
    ok: bool


def at_most(name: str, value: float, limit: float) -> Check:
    """A check that holds when `value <= limit`. A value that is not finite never holds and is kept as None."""
    value = float(value)
    finite = math.isfinite(value)
    return Check(name, value if finite else None, limit, finite and value <= limit)


def worst(checks: Iterable[Check]) -> tuple[Check, ...]:
    """One check of each name, in the order in which they came first: one that does not hold, or the nearest to it.

    >>> [c.value for c in worst([at_most("a", 1, 3), at_most("b", 0, 3), at_most("a", 2, 3)])]
    [2.0, 0.0]
    """
    found: dict[str, Check] = {}
    for check in checks:
        known = found.get(check.name)
        if known is None or _badness(check) > _badness(known):
            found[check.name] = check
    return tuple(found.values())


def _badness(check: Check) -> float:
    return math.inf if check.value is None else check.value / check.limit if check.limit else check.value
