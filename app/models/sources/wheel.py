"""Models that come as pip packages: found by the package's metadata, without importing it."""

from __future__ import annotations

from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from app.errors import ModelUnknown
from app.models.catalogue import Entry
from app.models.progress import Cancelled, Progress
from app.models.sources.found import Found
from app.models.sources.gguf import converted
from app.settings import Settings


def problem(entry: Entry) -> str | None:
    """Why the entry's package cannot be used, in a sentence; None when it is there."""
    try:
        dist = distribution(entry.package)
    except PackageNotFoundError:
        return "Not installed."
    if dist.version != entry.version:
        return f"Version {dist.version} is installed, and {entry.version} is needed."
    return None if _path(entry, dist).exists() else "Its files are missing."


def place(entry: Entry) -> Path:
    """The package's folder or GGUF file. Raises ModelUnknown, saying what to do, when it is not installed."""
    wrong = problem(entry)
    if wrong is not None:
        raise ModelUnknown(f"The model {entry.id} is not here. {wrong}", f"Run: {entry.command}")
    return _path(entry, distribution(entry.package))


def find(entry: Entry, settings: Settings, progress: Progress, cancelled: Cancelled) -> Found:
    """The model's folder; a GGUF file is converted the first time, into the cache."""
    path = place(entry)
    source = f"pip package {entry.requirement}"
    if path.suffix != ".gguf":
        return Found(path, source, entry.version, entry.licence)
    folder = converted(path, entry.id, fingerprint(entry), settings, progress, cancelled)
    return Found(folder, source, entry.version, entry.licence)


def fingerprint(entry: Entry) -> str:
    """What the converted copy is filed under: the version, and the hash that pip recorded for the file."""
    wanted = entry.path
    files = distribution(entry.package).files or []
    recorded = next((file.hash.value for file in files if str(file) == wanted and file.hash is not None), "")
    return f"{entry.requirement}:{recorded}"


def _path(entry: Entry, dist: Distribution) -> Path:
    return Path(str(dist.locate_file(entry.path)))
