"""A folder that holds a model, found by one of the sources and ready to be built."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """`source` says where it came from in words; `weight_bytes` is the size of its safetensors files.

    `memory_bytes` is what its parameters are computed to take once loaded (0: not computed).
    """

    id: str
    folder: Path
    source: str
    revision: str
    licence: str | None
    weight_bytes: int
    memory_bytes: int = 0
