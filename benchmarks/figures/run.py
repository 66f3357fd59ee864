"""POST of a run on a warm server, HTTP, tokens, checks and JSON included, beside a bare forward pass."""

from __future__ import annotations

from benchmarks import peers
from benchmarks.row import Row
from benchmarks.server import Server, serving
from benchmarks.texts import take
from benchmarks.timing import interleave

TOKENS = 128
ROUNDS: dict[peers.Name, int] = {"minilm": 41, "smollm2": 15}
WARM = 3


def measure() -> list[Row]:
    with serving() as server:
        return [_row(server, name, rounds) for name, rounds in ROUNDS.items()]


def _row(server: Server, name: peers.Name, rounds: int) -> Row:
    texts = take(peers.tokenizer(name), TOKENS, rounds + WARM)
    inputs = [peers.encode(name, text) for text in texts]
    ours, bare = interleave(
        lambda i: server.post("/api/runs", {"model": name, "text": texts[i]}),
        lambda i: peers.forward(name, inputs[i]),
        rounds=rounds,
        warm=WARM,
    )
    what = f"POST of a run, {name}, {TOKENS} tokens"
    return Row(what, ours * 1000, bare * 1000, "bare sdpa forward", "ms", "ratio", 1.15)
