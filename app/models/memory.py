"""Memory between passes: large amounts go back to the system, and what the next short pass needs lies ready."""

from __future__ import annotations

import ctypes
import ctypes.util
import sys

import torch

MOST_WARMED = 16 * 1024 * 1024


def warm_memory(size: int) -> None:
    """Touch and free as much memory as the next run will keep, on the thread that will make it.

    A run keeps its tensors, so each new one lands in fresh memory, with a page fault every 4 KB: a tenth of a short
    pass. Paid after an answer, they are not paid before the next. Only for runs that are short enough to notice.
    """
    if size <= MOST_WARMED:
        torch.empty(size, dtype=torch.uint8).fill_(0)


def trim_memory() -> None:
    """Give memory that was freed back to the system, where the C library can."""
    if sys.platform == "linux":
        trim = getattr(ctypes.CDLL(ctypes.util.find_library("c")), "malloc_trim", None)
        if trim is not None:
            trim(0)
