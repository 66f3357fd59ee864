"""Raw: the probabilities of each head, as the model computed them. What a query looks at, not what it takes from it."""

from __future__ import annotations

from collections.abc import Iterator

from app.analyses.lenses.lens import Asked, Shown


def raw(asked: Asked) -> Iterator[Shown]:
    """The records as they are. Applies to every model."""
    records = asked.records()
    for layer in asked.layers:
        yield Shown(records[layer])
