"""What a source hands over: a folder on this machine, not yet checked."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Found:
    """`revision` changes whenever the files do; `source` says in words where they came from."""

    folder: Path
    source: str
    revision: str
    licence: str | None = None
