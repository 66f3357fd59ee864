"""The safetensors files of a folder and what their headers say, read without touching the weights.

Format: 8 bytes little-endian length, a JSON header of that length with name → dtype, shape, data_offsets, then
the data. Source: https://huggingface.co/docs/safetensors.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from app.errors import ModelRefused
from app.models.strict_json import read_object

SINGLE = "model.safetensors"
INDEX = "model.safetensors.index.json"
LARGEST_INDEX = 32 * 1024 * 1024
SHARD = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.safetensors")


@dataclass(frozen=True, slots=True)
class Weights:
    """`bytes` as stored; `parameters` is the number of values."""

    files: tuple[Path, ...]
    bytes: int
    parameters: int


def read_weights(folder: Path) -> Weights:
    """Raises ModelRefused where there are no safetensors, a file is missing, or a header contradicts its file."""
    files = weight_files(folder)
    size = parameters = 0
    for file in files:
        stored, values = _header(file)
        size += stored
        parameters += values
    return Weights(files, size, parameters)


def weight_files(folder: Path) -> tuple[Path, ...]:
    """`model.safetensors`, or the shards that the index names; names only, never paths."""
    if (folder / SINGLE).is_file():
        return (folder / SINGLE,)
    if not (folder / INDEX).is_file():
        others = any(folder.glob("*.bin")) or any(folder.glob("*.pt")) or any(folder.glob("*.pkl"))
        raise ModelRefused(
            "This model has no safetensors weights" + (", only pickles, which can run code." if others else "."),
            "Take a model or a revision with model.safetensors (most hub models have one).",
        )
    return tuple(folder / name for name in shard_names(folder / INDEX, folder))


def shard_names(index: Path, folder: Path | None = None) -> list[str]:
    """The files that an index names. With `folder`, each must be there."""
    table = read_object(index, LARGEST_INDEX).get("weight_map")
    names = list(table.values()) if isinstance(table, dict) else []
    if not names or not all(isinstance(name, str) and SHARD.fullmatch(name) for name in names):
        raise ModelRefused("The index of this model's weights names something other than safetensors files beside it.")
    if folder is not None and not all((folder / name).is_file() for name in names):
        raise ModelRefused("Some of this model's weight files are missing.", "Fetch the model again.")
    return sorted(set(names))


def _header(file: Path) -> tuple[int, int]:
    """(bytes, values) of all tensors, held against the size of the file. The library checks the offsets and types."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(file, framework="numpy") as tensors:
            values = 0
            for name in tensors.keys():  # noqa: SIM118 (not a mapping)
                count = 1
                for length in tensors.get_slice(name).get_shape():
                    count *= length
                values += count
    except (SafetensorError, OSError, ValueError) as exc:
        raise ModelRefused(f"{file.name} of this model is not a whole safetensors file.", "Fetch it again.") from exc
    return file.stat().st_size, values
