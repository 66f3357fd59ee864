"""The roles of all heads, without and with their null, and one query of one head: beside a forward pass."""

from __future__ import annotations

from benchmarks import peers
from benchmarks.row import Row
from benchmarks.server import serving
from benchmarks.texts import take
from benchmarks.timing import interleave

TOKENS = 256
ROUNDS = 9
WARM = 2


def measure() -> list[Row]:
    texts = take(peers.tokenizer("smollm2"), TOKENS, ROUNDS + WARM)
    inputs = [peers.encode("smollm2", text) for text in texts]
    with serving() as server:
        runs = [server.run("smollm2", text)["run"] for text in texts]
        roles, null, neuron, bare = interleave(
            lambda i: server.get(f"/api/runs/{runs[i]}/heads?null=false"),
            lambda i: server.get(f"/api/runs/{runs[i]}/heads"),
            lambda i: server.get(f"/api/runs/{runs[i]}/neuron?layer=17&head=4&query=200"),
            lambda i: peers.forward("smollm2", inputs[i]),
            rounds=ROUNDS,
            warm=WARM,
        )
    what, beside = f"smollm2, {TOKENS} tokens", "bare sdpa forward"
    return [
        Row(f"roles of all heads, {what}", roles * 1000, bare * 1000, beside, "ms", "ratio", 0.4),
        Row(f"roles of all heads with their null, {what}", null * 1000, bare * 1000, beside, "ms", "ratio", 1.5),
        Row(f"one query of one head, {what}", neuron * 1000, bare * 1000, beside, "ms", "ours", 20),
    ]
