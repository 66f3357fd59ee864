"""Which files of a hub repository are fetched: by name, from its top folder, safetensors and text only."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import ModelRefused
from app.models.tokenizer_files import ADDED, BESIDE, CONFIG, SPECIAL, VOCABULARIES
from app.models.weights import INDEX, SINGLE

SHARD = re.compile(r"model-\d{5}-of-\d{5}\.safetensors")
SMALL = VOCABULARIES | BESIDE | {"config.json", "generation_config.json", CONFIG, SPECIAL, ADDED, INDEX}


@dataclass(frozen=True, slots=True)
class Files:
    """Names, and the bytes that they come to."""

    small: tuple[str, ...]
    weights: tuple[str, ...]
    total: int

    @property
    def all(self) -> tuple[str, ...]:
        return self.small + self.weights


def choose_files(sizes: Mapping[str, int | None]) -> Files:
    """Raises ModelRefused where there is no config, no safetensors, or the hub does not tell a size."""
    if "config.json" not in sizes:
        raise ModelRefused("The repository holds no model of the transformers library.", "Take another one.")
    weights = (SINGLE,) if SINGLE in sizes else tuple(sorted(filter(SHARD.fullmatch, sizes)))
    if not weights or (weights != (SINGLE,) and INDEX not in sizes):
        raise ModelRefused(
            "The model has no safetensors weights, and pickles are never loaded.",
            "Take a revision that has model.safetensors; the hub often keeps one under @refs/pr/1 or so.",
        )
    small = tuple(sorted(name for name in sizes if name in SMALL and (name != INDEX or weights != (SINGLE,))))
    known = [sizes[name] for name in small + weights]
    if any(size is None for size in known):
        raise ModelRefused("The hub does not say how large the model is.", "Try again later.")
    return Files(small, weights, sum(size for size in known if size is not None))
