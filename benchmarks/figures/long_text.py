"""SmolLM2 over 2,048 tokens: memory and time of the run, and the wait for a look, beside eager with every map."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import peers
from benchmarks.process import Watch
from benchmarks.row import Row
from benchmarks.server import SAFETENSORS, serving
from benchmarks.texts import take

TOKENS = 2048
ROUNDS = 3
LOOKS = ((0, 0), (7, 3), (14, 8), (21, 5), (29, 2))
WARM_TEXT = "A short text, so that what is made once is made."


def measure() -> list[Row]:
    """Each round is a new server, a new eager process and a new sdpa process; a figure is the median of the rounds."""
    text = take(peers.tokenizer("smollm2"), TOKENS, 1)[0]
    rounds = [(_ours(text), _plain("eager", text), _plain("sdpa", text)) for _ in range(ROUNDS)]

    def middle(side: int, key: str) -> float:
        return median(values[side][key] for values in rounds)

    what = f"smollm2, {TOKENS:,} tokens"
    eager, bare = "eager, every map", "bare sdpa"
    return [
        Row(f"memory once answered, {what}", middle(0, "after"), middle(1, "after"), eager, "GB", "ours", 0.6),
        Row(f"memory at the peak, {what}", middle(0, "peak"), middle(1, "peak"), eager, "GB", "ours", 0.8),
        Row(f"POST of a run, {what}", middle(0, "seconds"), middle(1, "seconds"), eager, "s"),
        Row(f"POST of a run, {what}", middle(0, "seconds"), middle(2, "seconds"), bare, "s"),
        Row(f"one head pooled to 256 x 256, {what}", middle(0, "look"), None, "", "s", "ours", 0.1),
    ]


def _ours(text: str) -> dict[str, float]:
    """Growth in memory of the server over one run, its seconds, and the median seconds of the first look at a head."""
    with serving() as server:
        server.run("smollm2", WARM_TEXT)
        watch = Watch(server.pid)
        start = perf_counter()
        run = server.run("smollm2", text)["run"]
        seconds = perf_counter() - start
        growth = watch.growth()
        looks = []
        for layer, head in LOOKS:
            start = perf_counter()
            server.get(f"/api/runs/{run}/attention?layer={layer}&head={head}&size=256&dtype=u8", SAFETENSORS)
            looks.append(perf_counter() - start)
        return {"seconds": seconds, "after": growth.after, "peak": growth.peak, "look": median(looks)}


def _plain(attention: peers.Attention, text: str) -> dict[str, float]:
    with tempfile.TemporaryDirectory() as place:
        path = Path(place) / "text.txt"
        path.write_text(text)
        command = [sys.executable, "-m", "benchmarks.children.plain", attention, str(path)]
        printed = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    answer: dict[str, float] = json.loads(printed.splitlines()[-1])
    return answer
