"""POST of a run on a warm server, HTTP, tokens, checks and JSON included, beside a bare forward pass."""

from __future__ import annotations

from benchmarks import peers
from benchmarks.beside import BARE, beside_forward
from benchmarks.row import Row
from benchmarks.server import Server, serving

TOKENS = 128
ROUNDS: dict[peers.Name, int] = {"minilm": 41, "smollm2": 15}
WARM = 3


def measure() -> list[Row]:
    with serving() as server:
        return [_row(server, name, rounds) for name, rounds in ROUNDS.items()]


def _row(server: Server, name: peers.Name, rounds: int) -> Row:
    ours, bare = beside_forward(
        name, TOKENS, str, lambda text: server.post("/api/runs", {"model": name, "text": text}),
        rounds=rounds, warm=WARM,
    )  # fmt: skip
    return Row(f"POST of a run, {name}, {TOKENS} tokens", ours, bare, BARE, "ms", "ratio", 1.15)
