"""Raw: the probabilities of each head, as the model computed them. What a query looks at, not what it takes from it."""

from __future__ import annotations

from collections.abc import Iterator

from app.analyses.lenses.lens import Asked, Shown
from app.attention.joined import joined


def raw(asked: Asked) -> Iterator[Shown]:
    """The records as they are, those of small layers together where that is allowed. Applies to every model."""
    records = asked.records()
    wanted = [records[layer] for layer in asked.layers]
    if not asked.together:
        yield from map(Shown, wanted)
        return
    for count, record in joined(wanted):
        yield Shown(record, layers=count)
