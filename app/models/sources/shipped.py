"""Models that were trained here and ship inside the app, each with its card: app/weights/."""

from __future__ import annotations

import hashlib
from pathlib import Path

from app.models.catalogue import Shipped
from app.models.sources.found import Found

WEIGHTS = Path(__file__).parent.parent.parent / "weights"
SOURCE = "trained here"


def place(line: Shipped) -> Path:
    """The model's folder."""
    return WEIGHTS / line.folder


def find(line: Shipped) -> Found:
    """The model's folder, which is always there."""
    return Found(place(line), SOURCE, fingerprint(line), line.licence)


def fingerprint(line: Shipped) -> str:
    """The beginning of the weights' sha256; the card has all of it."""
    return hashlib.sha256((place(line) / "model.safetensors").read_bytes()).hexdigest()[:16]
