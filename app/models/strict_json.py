"""Reads a JSON object from a file that somebody else wrote: bounded in size and depth, and never ambiguous."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, NoReturn

from app.errors import ModelRefused

LARGEST = 4 * 1024 * 1024
DEEPEST = 32


def read_object(path: Path, largest: int = LARGEST) -> dict[str, Any]:
    """The object in `path`. Raises ModelRefused, with the file's name only, when it is not plain JSON.

    Refused: more than `largest` bytes, not UTF-8, duplicate keys, NaN and Infinity, nesting deeper than 32.
    """
    try:
        if path.stat().st_size > largest:
            raise ModelRefused(f"{path.name} of this model is larger than {largest} bytes.")
        value = json.loads(path.read_bytes(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except OSError as exc:
        raise ModelRefused(f"{path.name} of this model cannot be read.") from exc
    except (ValueError, RecursionError) as exc:
        raise ModelRefused(f"{path.name} of this model is not valid JSON.") from exc
    if not isinstance(value, dict):
        raise ModelRefused(f"{path.name} of this model is not a JSON object.")
    if _deeper_than(value, DEEPEST):
        raise ModelRefused(f"{path.name} of this model is nested too deeply.")
    return value


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN or Infinity")


def _deeper_than(value: Any, depth: int) -> bool:
    level = [value]
    while level:
        if depth < 0:
            return True
        depth -= 1
        level = [
            child
            for node in level
            for child in (node.values() if isinstance(node, dict) else node if isinstance(node, list) else ())
            if isinstance(child, (dict, list))
        ]
    return False
