"""The grid of all heads, each pooled to 32 x 32: what it costs on top of a forward pass."""

from __future__ import annotations

from benchmarks import peers
from benchmarks.beside import BARE, beside_forward
from benchmarks.row import Row
from benchmarks.server import SAFETENSORS, Server, serving

TOKENS: dict[peers.Name, int] = {"minilm": 128, "smollm2": 256}
ROUNDS: dict[peers.Name, int] = {"minilm": 31, "smollm2": 11}
SIZE = 32
WARM = 2


def measure() -> list[Row]:
    with serving() as server:
        return [_row(server, name, tokens) for name, tokens in TOKENS.items()]


def _row(server: Server, name: peers.Name, tokens: int) -> Row:
    ours, bare = beside_forward(
        name, tokens, lambda text: str(server.run(name, text)["run"]),
        lambda run: server.get(f"/api/runs/{run}/attention?size={SIZE}&dtype=u8", SAFETENSORS),
        rounds=ROUNDS[name], warm=WARM,
    )  # fmt: skip
    what = f"grid of all heads {SIZE} x {SIZE}, {name}, {tokens} tokens"
    return Row(what, ours, bare, BARE, "ms", "ratio", 0.25)
