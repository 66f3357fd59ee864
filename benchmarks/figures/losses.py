"""The logit lens at one position of 30 layers and the loss of every token: HTTP and checks included, of stored runs."""

from __future__ import annotations

from benchmarks.beside import BARE, beside_forward
from benchmarks.row import Row
from benchmarks.server import serving

TOKENS = 128
ROUNDS, WARM = 15, 2


def measure() -> list[Row]:
    with serving() as server:
        lens, surprisal, bare = beside_forward(
            "smollm2", TOKENS, lambda text: str(server.run("smollm2", text)["run"]),
            lambda run: server.get(f"/api/runs/{run}/lens?position={TOKENS - 1}"),
            lambda run: server.get(f"/api/runs/{run}/surprisal"),
            rounds=ROUNDS, warm=WARM,
        )  # fmt: skip
    return [
        Row("logit lens at one position, smollm2, 30 layers", lens, bare, BARE, "ms", "ours", 100),
        Row(f"loss of every token, smollm2, {TOKENS} tokens", surprisal, bare, BARE, "ms"),
    ]
