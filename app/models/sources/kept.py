"""Copies of models that are made here once, from files that cannot be loaded as they are, and kept in the cache.

A copy is written into a folder beside its place and renamed at the end, under a lock, so that whoever is killed half
way leaves nothing that could be taken for finished. Only the pinned packages, the weights that ship with the app and
the operator's own folders get here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import Cancelled as CancelledError
from app.errors import ModelFailed
from app.models.progress import Cancelled, Progress, Stage
from app.settings import Settings

FORMAT = 1
"""Of the kept folders. Counting it up makes every copy be made again."""

LOCK_POLL = 0.2
"""Seconds between two looks at a lock that another process holds."""


def kept(
    name: str,
    fingerprint: str,
    settings: Settings,
    progress: Progress,
    cancelled: Cancelled,
    make: Callable[[Path], None],
) -> Path:
    """The copy of that name; where there is none, `make` fills an empty folder, which becomes it.

    `fingerprint` changes when that changes which the copy is made from. Raises Cancelled, ModelFailed where the folder
    cannot be written, and whatever else `make` raises.
    """
    place = kept_place(name, fingerprint, settings)
    if place.is_dir():
        return place
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        with _locked(place, progress, cancelled):
            if not place.is_dir():
                _fill(place, make)
    except OSError as exc:
        raise ModelFailed(
            f"Its copy could not be written into the cache folder ({type(exc).__name__}).",
            "Free some room there, or choose a folder that can be written: --cache-dir.",
        ) from exc
    return place


def _fill(place: Path, make: Callable[[Path], None]) -> None:
    """Makes the copy beside its place, then moves it there."""
    for stale in place.parent.glob(f".{place.name}.*.tmp"):
        shutil.rmtree(stale, ignore_errors=True)
    temporary = place.parent / f".{place.name}.{os.getpid()}.tmp"
    temporary.mkdir()
    try:
        make(temporary)
        _flush(temporary)
        temporary.rename(place)
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def kept_place(name: str, fingerprint: str, settings: Settings) -> Path:
    """Where the copy is, or would be."""
    digest = hashlib.sha256(f"{FORMAT}:{fingerprint}".encode()).hexdigest()[:16]
    return settings.cache_dir / "models" / f"{name}-{digest}"


def remove_kept(name: str, settings: Settings) -> int:
    """Removes every copy of the model of that name; answers with the bytes that were freed."""
    freed = 0
    for place in (settings.cache_dir / "models").glob(f"{name}-{'[0-9a-f]' * 16}"):
        freed += sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
        grave = place.with_name(f".{place.name}.{os.getpid()}.tmp")
        place.rename(grave)
        shutil.rmtree(grave)
    return freed


def _flush(folder: Path) -> None:
    """Makes the files reach the disk before the folder gets its name."""
    for file in folder.iterdir():
        with file.open("rb") as handle:
            os.fsync(handle.fileno())


@contextmanager
def _locked(place: Path, progress: Progress, cancelled: Cancelled) -> Iterator[None]:
    """Holds the lock of `place` against other processes and threads. The system frees it when its holder dies."""
    from filelock import FileLock, Timeout

    lock = FileLock(place.parent / f".{place.name}.lock")
    while True:
        try:
            lock.acquire(timeout=LOCK_POLL)
            break
        except Timeout:
            if cancelled():
                raise CancelledError("Nobody was waiting for the model any more.") from None
            progress(Stage("convert", 0, 1, "Waiting for another process that converts this model"))
    try:
        yield
    finally:
        lock.release()
