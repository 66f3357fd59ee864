"""A step of generation with the new row of every head, over HTTP, beside a step of transformers' `generate` without."""

from __future__ import annotations

import torch

from benchmarks import peers
from benchmarks.row import Row
from benchmarks.server import Server, serving
from benchmarks.texts import take
from benchmarks.timing import interleave

TOKENS = 64
STEPS = 32
ROUNDS = 7
WARM = 1


def write(server: Server, text: str, steps: int) -> None:
    """Greedy, the whole stream read. RuntimeError where the model ended its text earlier: a step would look cheap."""
    asked = {"model": "smollm2", "text": text, "steps": steps, "temperature": 0}
    count = server.post("/api/generate", asked).count(b"event: step")
    if count != steps:
        raise RuntimeError(f"{count} steps came instead of {steps}")


def plainly(text: str, steps: int) -> None:
    """The same by transformers alone: its fused attention, its cache, no maps."""
    inputs = peers.encode("smollm2", text)
    with torch.inference_mode():
        peers.model("smollm2", "sdpa").generate(  # type: ignore[operator]
            **inputs, max_new_tokens=steps, min_new_tokens=steps, do_sample=False
        )


def measure() -> list[Row]:
    texts = take(peers.tokenizer("smollm2"), TOKENS, ROUNDS + WARM)
    with serving() as server:
        server.run("smollm2", texts[0])
        ours, ours_first, theirs, theirs_first = interleave(
            lambda i: write(server, texts[i], STEPS + 1),
            lambda i: write(server, texts[i], 1),
            lambda i: plainly(texts[i], STEPS + 1),
            lambda i: plainly(texts[i], 1),
            rounds=ROUNDS,
            warm=WARM,
        )
    what = f"smollm2, behind {TOKENS} tokens"
    step, plain = ((whole - first) / STEPS * 1000 for whole, first in ((ours, ours_first), (theirs, theirs_first)))
    return [
        Row(f"a generated step with the row of all 270 heads, {what}", step, plain, "generate", "ms", "ratio", 1.3),
        Row(f"the first step, {what}", ours_first * 1000, theirs_first * 1000, "generate", "ms"),
    ]
