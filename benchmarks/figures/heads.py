"""The roles of all heads, without and with their null, and one query of one head: beside a forward pass."""

from __future__ import annotations

from benchmarks.beside import BARE, beside_forward
from benchmarks.row import Row
from benchmarks.server import serving

TOKENS = 256
ROUNDS = 9
WARM = 2


def measure() -> list[Row]:
    with serving() as server:
        roles, null, neuron, bare = beside_forward(
            "smollm2", TOKENS, lambda text: str(server.run("smollm2", text)["run"]),
            lambda run: server.get(f"/api/runs/{run}/heads?null=false"),
            lambda run: server.get(f"/api/runs/{run}/heads"),
            lambda run: server.get(f"/api/runs/{run}/neuron?layer=17&head=4&query=200"),
            rounds=ROUNDS, warm=WARM,
        )  # fmt: skip
    what = f"smollm2, {TOKENS} tokens"
    return [
        Row(f"roles of all heads, {what}", roles, bare, BARE, "ms", "ratio", 0.4),
        Row(f"roles of all heads with their null, {what}", null, bare, BARE, "ms", "ratio", 1.5),
        Row(f"one query of one head, {what}", neuron, bare, BARE, "ms", "ours", 20),
    ]
