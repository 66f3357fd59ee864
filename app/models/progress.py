"""How long work says where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stage:
    """`done` of `total` units (bytes, layers, ...) of the named stage; `total` 0 where it is not known."""

    stage: str
    done: int
    total: int
    message: str


Progress = Callable[[Stage], None]
Cancelled = Callable[[], bool]


def silent(_: Stage) -> None:
    """A Progress for callers who do not listen."""


def never() -> bool:
    """A Cancelled for callers who always wait."""
    return False
