"""A token of the vocabulary, as answers about predictions name it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ScoredWord:
    """A token, and its logit in the run as it is."""

    id: int
    text: str
    logit: float


@dataclass(frozen=True, slots=True)
class RankedWord:
    """A token in a distribution: `softmax` over the whole vocabulary at temperature 1, `rank` by logit, from 0."""

    id: int
    text: str
    logit: float
    softmax: float
    rank: int
