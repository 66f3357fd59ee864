"""Folders that the operator named in the settings: `--model name=PATH`. A caller gives the name only."""

from __future__ import annotations

import hashlib
from pathlib import Path

from app.errors import ModelUnknown
from app.models.progress import Cancelled, Progress
from app.models.sources.found import Found
from app.models.sources.gguf import converted
from app.settings import Settings


def find(name: str, settings: Settings, progress: Progress, cancelled: Cancelled) -> Found:
    """The folder of that name. A GGUF file in it (or named itself) is converted the first time, into the cache."""
    path = settings.models[name]
    if not path.exists():
        raise ModelUnknown("The folder of this model is gone.", "Ask the operator to correct the setting `models`.")
    gguf = gguf_file(path)
    mark = fingerprint(path)
    if gguf is None:
        return Found(path.resolve(), "folder", mark)
    return Found(converted(gguf, name, mark, settings, progress, cancelled), "folder", mark)


def gguf_file(path: Path) -> Path | None:
    """The GGUF file to convert, where the folder has no safetensors model of its own."""
    if path.is_file():
        return path.resolve()
    if (path / "config.json").is_file():
        return None
    files = sorted(path.glob("*.gguf"))
    return files[0].resolve() if files else None


def fingerprint(path: Path) -> str:
    """Changes when a file of the model is replaced: a hash over names, sizes and times of change, not contents."""
    files = [path] if path.is_file() else sorted(file for file in path.iterdir() if file.is_file())
    digest = hashlib.sha256()
    for file in files:
        facts = file.stat()
        digest.update(f"{file.name}\0{facts.st_size}\0{facts.st_mtime_ns}\0".encode())
    return digest.hexdigest()[:16]
