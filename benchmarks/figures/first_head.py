"""From a text of 314 tokens to the first head that can be drawn: bytes and time, the forward pass on both sides."""

from __future__ import annotations

import json

from benchmarks import peers
from benchmarks.row import Row
from benchmarks.server import SAFETENSORS, Server, serving
from benchmarks.texts import take
from benchmarks.timing import interleave

TOKENS = 314
ROUNDS = 3
MB = 1e6


def measure() -> list[Row]:
    sizes: dict[str, int] = {}
    texts = take(peers.tokenizer("minilm"), TOKENS, ROUNDS + 1)

    with serving() as server:

        def ours(i: int) -> None:
            sizes["ours"] = first_head(server, texts[i])

        def bertviz(i: int) -> None:
            sizes["bertviz"] = len(peers.bertviz_html("minilm", texts[i]).encode())

        def inspectus(i: int) -> None:
            sizes["inspectus"] = len(peers.inspectus_html("minilm", texts[i]).encode())

        seconds = interleave(ours, bertviz, inspectus, rounds=ROUNDS)

    what = f"to the first head, minilm, {TOKENS} tokens"
    names = ("BertViz head_view", "Inspectus")
    limits = {"BertViz head_view": (1 / 1000, 1 / 20)}
    rows = []
    for name, size, time in zip(names, (sizes["bertviz"], sizes["inspectus"]), seconds[1:], strict=True):
        bytes_limit, time_limit = limits.get(name, (None, None))
        rows.append(Row(f"bytes {what}", sizes["ours"] / MB, size / MB, name, "MB", "ratio", bytes_limit))
        rows.append(Row(f"time {what}", seconds[0], time, name, "s", "ratio", time_limit))
    return rows


def first_head(server: Server, text: str) -> int:
    """Post a run, fetch one head as bytes (u8), and return how many bytes both answers had."""
    run = server.post("/api/runs", {"model": "minilm", "text": text})
    key = json.loads(run)["run"]
    head = server.get(f"/api/runs/{key}/attention?layer=3&head=7&dtype=u8", SAFETENSORS)
    return len(run) + len(head)
