"""What the server answers beside a bare forward pass over the same texts, with the same threads."""

from __future__ import annotations

from collections.abc import Callable

from benchmarks import peers
from benchmarks.texts import take
from benchmarks.timing import interleave

BARE = "bare sdpa forward"


def beside_forward(
    name: peers.Name, tokens: int, prepare: Callable[[str], str], *ours: Callable[[str], object], rounds: int, warm: int
) -> list[float]:
    """The median milliseconds of each of `ours`, and last of a bare pass. Each round has a text of its own.

    `prepare` is given each text before the clock runs; what it makes, the id of a run say, is given to `ours`.
    """
    texts = take(peers.tokenizer(name), tokens, rounds + warm)
    inputs = [peers.encode(name, text) for text in texts]
    ready = [prepare(text) for text in texts]

    def side(ask: Callable[[str], object]) -> Callable[[int], object]:
        return lambda turn: ask(ready[turn])

    sides = [*map(side, ours), lambda turn: peers.forward(name, inputs[turn])]
    return [seconds * 1000 for seconds in interleave(*sides, rounds=rounds, warm=warm)]
