"""What the card of a model that was trained here says of its limits, in its own words and figures."""

from __future__ import annotations

from pathlib import Path

HEADING = "## Limits"


def limits(folder: Path) -> str | None:
    """The section of `folder`/card.md on what the model cannot, its paragraphs as lines; None where there is none."""
    try:
        text = (folder / "card.md").read_text("utf-8")
    except OSError:
        return None
    _, found, rest = text.partition(f"\n{HEADING}\n")
    paragraphs = rest.split("\n## ", 1)[0].strip().split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs) if found else None
