"""Medians of interleaved rounds: every side runs once in each round, so that noise falls on all alike."""

from __future__ import annotations

from collections.abc import Callable
from statistics import median
from time import perf_counter

Side = Callable[[int], object]


def interleave(*sides: Side, rounds: int, warm: int = 1) -> list[float]:
    """The median seconds of each side. A side is called with the number of the round, from 0.

    The first `warm` rounds are run and forgotten. The order turns round by round, so that no side always
    follows the same one. A side must do its work anew in each round: our runs are stored by their text, so
    each round brings a text of its own.
    """
    seconds: list[list[float]] = [[] for _ in sides]
    for turn in range(warm + rounds):
        for offset in range(len(sides)):
            which = (turn + offset) % len(sides)
            start = perf_counter()
            sides[which](turn)
            if turn >= warm:
                seconds[which].append(perf_counter() - start)
    return [median(times) for times in seconds]
