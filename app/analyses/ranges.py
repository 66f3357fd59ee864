"""Reading which layer, head and tokens are asked about, once for all analyses."""

from __future__ import annotations

from app.errors import OutOfRange

Span = tuple[int, int]


def index(value: int, count: int, what: str) -> int:
    """`value` when it is below `count`. Raises OutOfRange."""
    if not 0 <= value < count:
        raise OutOfRange(
            f"There is no such {what}: they run from 0 to {count - 1}.", f"Ask for a {what} in that range."
        )
    return value


def span(value: Span | None, count: int, what: str) -> range:
    """The positions [a, b) of `value`, all when it is None. Raises OutOfRange for an empty or impossible span."""
    if value is None:
        return range(count)
    start, stop = value
    if not 0 <= start < stop <= count:
        raise OutOfRange(f"The {what} must be a:b with 0 <= a < b <= {count}.", f"Ask for {what} within 0:{count}.")
    return range(start, stop)
