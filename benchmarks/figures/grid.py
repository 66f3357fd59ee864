"""The grid of all heads, each pooled to 32 x 32: what it costs on top of a forward pass."""

from __future__ import annotations

from benchmarks import peers
from benchmarks.row import Row
from benchmarks.server import SAFETENSORS, Server, serving
from benchmarks.texts import take
from benchmarks.timing import interleave

TOKENS = 128
SIZE = 32
ROUNDS: dict[peers.Name, int] = {"minilm": 31, "smollm2": 11}
WARM = 2


def measure() -> list[Row]:
    with serving() as server:
        return [_row(server, name, rounds) for name, rounds in ROUNDS.items()]


def _row(server: Server, name: peers.Name, rounds: int) -> Row:
    texts = take(peers.tokenizer(name), TOKENS, rounds + WARM)
    inputs = [peers.encode(name, text) for text in texts]
    runs = [server.run(name, text)["run"] for text in texts]
    ours, bare = interleave(
        lambda i: server.get(f"/api/runs/{runs[i]}/attention?size={SIZE}&dtype=u8", SAFETENSORS),
        lambda i: peers.forward(name, inputs[i]),
        rounds=rounds,
        warm=WARM,
    )
    what = f"grid of all heads {SIZE} x {SIZE}, {name}, {TOKENS} tokens"
    return Row(what, ours * 1000, bare * 1000, "bare sdpa forward", "ms", "ratio", 0.25)
