"""How many may ask at once, and answers that many share. All of it is called on the event loop, which is one thread."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Generic, TypeVar

from anyio import CapacityLimiter

from app.errors import Busy

T = TypeVar("T")


class Line:
    """At most `limit` questions of one kind at once, each with a thread; whoever comes then is refused, not kept.

    A question counts from the moment it comes, also while it waits for the engine to start.
    """

    def __init__(self, limit: int) -> None:
        self.limit, self.inside = limit, 0
        self.threads = CapacityLimiter(limit)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Be one of them for as long as the block runs. Raises Busy."""
        if self.inside >= self.limit:
            raise Busy("Too many requests are waiting.", "Try again in a moment.", retry_after=2)
        self.inside += 1
        try:
            yield
        finally:
            self.inside -= 1


class Shared(Generic[T]):
    """One answer for all who ask while it is made, and for `seconds` after. What failed is asked anew."""

    def __init__(self, make: Callable[[], Awaitable[T]], seconds: float) -> None:
        self._make, self._seconds = make, seconds
        self._task: asyncio.Task[T] | None = None
        self._until = float("inf")

    async def get(self) -> T:
        """The answer. Who leaves does not take it from the others."""
        if self._task is None or (self._task.done() and time.monotonic() >= self._until):
            self._until = float("inf")
            self._task = asyncio.create_task(self._ask())
        return await asyncio.shield(self._task)

    def forget(self) -> None:
        """What is known or being made is out of date: the next who asks has it made anew."""
        self._task = None

    async def _ask(self) -> T:
        mine = asyncio.current_task()
        kept = 0.0
        try:
            value = await self._make()
            kept = self._seconds
            return value
        finally:
            if self._task is mine:
                self._until = time.monotonic() + kept
