"""A knockout, and every head of SmolLM2 knocked out in turn: HTTP and checks included, beside a bare forward pass."""

from __future__ import annotations

from typing import Any

from benchmarks import peers
from benchmarks.row import Row
from benchmarks.server import Server, serving
from benchmarks.texts import take
from benchmarks.timing import interleave

TOKENS = 128
EFFECT_TOKENS = 15
EDITS: dict[str, dict[str, Any]] = {
    "a head": {"kind": "head", "layer": 17, "head": 4},
    "an edge of every head": {"kind": "edge", "layer": 17, "query": 127, "key": 9},
    "a token": {"kind": "token", "key": 9},
}
ROUNDS, WARM = 15, 2
EFFECT_ROUNDS = 3
SEVERAL = 10
"""Passes in a round beside an effect map, which takes so much longer."""


def measure() -> list[Row]:
    with serving() as server:
        return [*_knockouts(server), _effects(server)]


def _knockouts(server: Server) -> list[Row]:
    texts = take(peers.tokenizer("smollm2"), TOKENS, ROUNDS + WARM)
    inputs = [peers.encode("smollm2", text) for text in texts]
    runs = [server.run("smollm2", text)["run"] for text in texts]

    def ask(edit: dict[str, Any], i: int) -> bytes:
        return server.post(f"/api/runs/{runs[i]}/edits", {"edits": [edit]})

    *ours, bare = interleave(
        *(lambda i, edit=edit: ask(edit, i) for edit in EDITS.values()),
        lambda i: peers.forward("smollm2", inputs[i]),
        rounds=ROUNDS,
        warm=WARM,
    )
    return [
        Row(f"{what} knocked out, smollm2, {TOKENS} tokens", s * 1e3, bare * 1e3, "bare sdpa forward", "ms", limit=1.3)
        for what, s in zip(EDITS, ours, strict=True)
    ]


def _effects(server: Server) -> Row:
    texts = take(peers.tokenizer("smollm2"), EFFECT_TOKENS, EFFECT_ROUNDS + 1)
    inputs = [peers.encode("smollm2", text) for text in texts]
    runs = [server.run("smollm2", text)["run"] for text in texts]

    def several(i: int) -> None:
        for _ in range(SEVERAL):
            peers.forward("smollm2", inputs[i])

    ours, bare = interleave(
        lambda i: server.post(f"/api/runs/{runs[i]}/effects", {}), several, rounds=EFFECT_ROUNDS, warm=1
    )
    what = f"effect map of 270 heads, smollm2, {EFFECT_TOKENS} tokens"
    return Row(what, ours * 1e3, bare / SEVERAL * 1e3, "bare sdpa forward", "ms", limit=90)
