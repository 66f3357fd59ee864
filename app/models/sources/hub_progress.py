"""huggingface_hub tells its progress through tqdm bars that it makes itself; these pass it on and show nothing."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Self

from app.errors import Cancelled as CancelledError
from app.models.progress import Cancelled


def bar_class(report: Callable[[int], None], cancelled: Cancelled) -> type[Any]:
    """A class with as much of tqdm's interface as huggingface_hub uses, which reports the bytes done.

    Two bars count the same bytes (received, written); the furthest is reported. A bar raises Cancelled into the
    download that updates it; what was fetched so far stays in the hub's cache, and is gone on with next time.
    """
    lock = threading.Lock()
    furthest = 0

    class Bar:
        format_dict: dict[str, Any] = {"rate": None}  # noqa: RUF012 (read only)

        def __init__(
            self, *_: Any, total: float | None = None, initial: float = 0, unit: str = "it", **__: Any
        ) -> None:
            self.total, self.n, self.in_bytes = total, initial, unit == "B"

        def update(self, n: float | None = 1) -> None:
            nonlocal furthest
            if cancelled():
                raise CancelledError("The download was given up: nobody was waiting for it.")
            with lock:
                self.n += n or 0
                if not self.in_bytes or self.n <= furthest:
                    return
                furthest = int(self.n)
            report(furthest)

        def refresh(self, *_: Any, **__: Any) -> None:
            """Nothing is drawn."""

        close = set_description = set_description_str = set_postfix_str = refresh

        def __enter__(self) -> Self:
            return self

        def __exit__(self, *_: object) -> None:
            return None

    return Bar
