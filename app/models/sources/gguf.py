"""GGUF files, converted once into a safetensors folder in the cache; from then on that folder is loaded.

The conversion takes 15 to 25 seconds for SmolLM2 (135M parameters, 98 MB) and writes 538 MB; loading the result
takes about 3. It is written into a folder beside its place and renamed at the end, under a lock, so that whoever
is killed half way leaves nothing that could be taken for finished. Only the pinned packages and the operator's
own folders get here.
"""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from app.errors import Cancelled as CancelledError
from app.errors import ModelFailed, ModelRefused
from app.models.progress import Cancelled, Progress, Stage
from app.settings import Settings

FORMAT = 1
"""Of the converted folder. Counting it up makes every file be converted again."""

STEPS = 4
LOCK_POLL = 0.2
"""Seconds between two looks at a lock that another process holds."""


def converted(
    file: Path, name: str, fingerprint: str, settings: Settings, progress: Progress, cancelled: Cancelled
) -> Path:
    """The converted copy of `file`, made now where there is none. `fingerprint` changes when the file does.

    Raises Cancelled between two steps, ModelRefused when the model is too large, ModelFailed when it cannot be read.
    """
    place = converted_place(name, fingerprint, settings)
    if place.is_dir():
        return place
    place.parent.mkdir(parents=True, exist_ok=True)
    with _locked(place, progress, cancelled):
        if place.is_dir():
            return place
        for stale in place.parent.glob(f".{place.name}.*.tmp"):
            shutil.rmtree(stale, ignore_errors=True)
        _check_size(file, settings, place.parent)
        temporary = place.parent / f".{place.name}.{os.getpid()}.tmp"
        temporary.mkdir()
        try:
            _convert(file, temporary, progress, cancelled)
            _flush(temporary)
            temporary.rename(place)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return place


def converted_place(name: str, fingerprint: str, settings: Settings) -> Path:
    """Where the converted copy is, or would be."""
    digest = hashlib.sha256(f"{FORMAT}:{fingerprint}".encode()).hexdigest()[:16]
    return settings.cache_dir / "models" / f"{name}-{digest}"


def remove_converted(name: str, settings: Settings) -> int:
    """Removes every converted copy of the model of that name; answers with the bytes that were freed."""
    freed = 0
    for place in (settings.cache_dir / "models").glob(f"{name}-{'[0-9a-f]' * 16}"):
        freed += sum(file.stat().st_size for file in place.rglob("*") if file.is_file())
        grave = place.with_name(f".{place.name}.{os.getpid()}.tmp")
        place.rename(grave)
        shutil.rmtree(grave)
    return freed


def _convert(file: Path, folder: Path, progress: Progress, cancelled: Cancelled) -> None:
    """Writes config, tokenizer and weights (float32) of `file` into `folder`."""

    def step(done: int, message: str) -> None:
        if cancelled():
            raise CancelledError("The conversion was given up: nobody was waiting for it.")
        progress(Stage("convert", done, STEPS, message))

    step(0, "Reading the tokenizer (once)")
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        tokenizer = AutoTokenizer.from_pretrained(file.parent, gguf_file=file.name, trust_remote_code=False)
        tokenizer.save_pretrained(folder)
        step(1, "Unpacking the weights (once)")
        model = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, trust_remote_code=False)
        # transformers takes the unpacked model for a quantized one, and would refuse to write it.
        model.hf_quantizer = None  # type: ignore[assignment]
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        step(2, "Writing the weights (once)")
        model.save_pretrained(folder)
    except CancelledError:
        raise
    except Exception as exc:
        raise ModelFailed("The GGUF file cannot be converted.", "Take one of a kind that transformers reads.") from exc
    step(3, "Converted")


def _check_size(file: Path, settings: Settings, target: Path) -> None:
    """Refuses what would not fit into memory or on the disk, from the file's own table of tensors."""
    from gguf import GGUFReader

    try:
        weights = sum(int(tensor.n_elements) for tensor in GGUFReader(file).tensors)
    except Exception as exc:
        raise ModelRefused("The GGUF file cannot be read.", "Fetch it again.") from exc
    needed = 4 * weights
    if needed > settings.model_limit:
        raise ModelRefused(
            f"The model needs {needed} bytes of memory, and {settings.model_limit} is the limit.",
            "Raise HEADLIGHT_MODEL_LIMIT, or take a smaller model.",
        )
    free = shutil.disk_usage(target).free
    if needed > free:
        raise ModelFailed(
            f"Converting the model needs {needed} bytes on disk, and {free} are free.",
            "Free some room, or set HEADLIGHT_CACHE_DIR to another disk.",
        )


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
                raise CancelledError("Nobody was waiting for the conversion any more.") from None
            progress(Stage("convert", 0, STEPS, "Waiting for another process that converts this model"))
    try:
        yield
    finally:
        lock.release()
