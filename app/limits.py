"""The limits that no setting changes, in one place and without torch: `GET /api/limits` tells them beside the settings.

Every name in capitals here is a limit; it is told in small letters.
"""

from __future__ import annotations

LARGEST_GRID = 64
"""The largest `size` when all layers are asked for at once."""
LARGEST_SIZE = 4096
"""The largest `size` of one map."""
MOST_CELLS = 64 * 1024 * 1024
"""The most numbers in one answer of maps: 256 MB in float32."""
MOST_WRITTEN = 8 * 1024 * 1024
"""The most of them that are written out as JSON or CSV: some 80 MB; safetensors takes them all."""
MOST_DIFFERENCE_CELLS = 16 * 1024 * 1024
"""The most numbers in one difference map: 64 MB in float32."""
MOST_NEURON_NUMBERS = 4 * 1024 * 1024
"""The most numbers in k, v and product together: 16 MB in float32, three times that as JSON."""
MOST_EVIDENCE = 1000
"""The most cells given as evidence of a role."""
MOST_CANDIDATES = 1000
"""The most candidates of a prediction in one answer."""
MOST_LENS_CELLS = 64 * 1024
"""The most layers times positions of the logit lens in one answer."""
MOST_EDITS = 64
"""The most edits of one knockout."""
MOST_STEPS = 256
"""The most tokens written in one call of generate."""
MOST_SALIENCY_STEPS = 512
"""The most gradients that one integral of saliency takes."""
MOST_PAIRS = 200
"""The most pairs given where lenses disagree."""
LARGEST_HEAD = 64 * 1024
"""The most bytes of a request's head."""
SLOW_WORD = 5_000
"""Longest word, in characters, for a tokenizer written in Python: several merge in quadratic time."""


def fixed() -> dict[str, int]:
    """All of them by name."""
    return {name.lower(): value for name, value in globals().items() if name.isupper()}
