"""Memory between passes: large amounts go back to the system, and what the next short pass needs lies ready."""

from __future__ import annotations

import ctypes
import ctypes.util
import sys
from functools import cache
from mmap import PAGESIZE

import torch

MOST_WARMED = 16 * 1024 * 1024
MADV_POPULATE_WRITE = 23
"""Linux's madvise, from 5.14 on: bring these pages in now."""


def warm_memory(size: int) -> None:
    """Have the system lay out twice as much memory as the next run will keep, and free it, on the run's own thread.

    A run keeps its tensors, so each new one lands in fresh memory, with a page fault every 4 KB: a tenth of a short
    pass. Paid after an answer, they are not paid before the next. Twice, since what a pass needs and lets go lies
    between what it keeps. One call of the system does it, on one core, and lets other threads of the process on. Only
    for runs that are short enough to notice; where the system cannot, nothing happens.
    """
    if size > MOST_WARMED or sys.platform != "linux":
        return
    block = torch.empty(2 * size, dtype=torch.uint8)
    start, end = block.data_ptr(), block.data_ptr() + block.numel()
    first, last = start // PAGESIZE * PAGESIZE, end // PAGESIZE * PAGESIZE
    _libc().madvise(ctypes.c_void_p(first), ctypes.c_size_t(last - first), MADV_POPULATE_WRITE)


def trim_memory() -> None:
    """Give memory that was freed back to the system, where the C library can."""
    if sys.platform == "linux":
        trim = getattr(_libc(), "malloc_trim", None)
        if trim is not None:
            trim(0)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(ctypes.util.find_library("c"))
