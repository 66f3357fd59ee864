"""SmolLM2 over 2,048 tokens: what the server holds once each view has its answers, the run itself included.

A view asks what the page asks for: pooled maps, blocks of rows, and a stream for what takes long. Value zeroing is
left out, which takes as many passes of a layer as there are tokens.
"""

from __future__ import annotations

from benchmarks import peers
from benchmarks.process import Watch
from benchmarks.row import Row
from benchmarks.server import SAFETENSORS, Server, serving
from benchmarks.texts import take

TOKENS = 2048
WARM_TEXT = "A short text, so that what is made once is made."
ANSWERED, PEAK = 0.6, 0.8
HEAD = "layer=14&head=8"
POOLED = "size=256&dtype=f32"
SHORT = {
    "map": (f"attention?{HEAD}&{POOLED}", f"attention?{HEAD}&rows=1792:2048&cols=1792:2048&dtype=f32"),
    "grid": ("attention?size=32&rows=1:2048&dtype=u8",),
    "neuron": (f"neuron?{HEAD}&query=2000",),
    "the lens no-sink": (f"attention?{HEAD}&{POOLED}&lens=no-sink",),
    "the lens norm": (f"attention?{HEAD}&{POOLED}&lens=norm",),
}
LONG = {
    "roles": "heads",
    "the lens rollout": "attention?layer=29&size=256&lens=rollout",
    "the lens ALTI": "attention?layer=29&size=256&lens=alti",
    "lenses": "disagreement?limit=50",
    "the lens gradient": f"attention?{HEAD}&size=256&lens=gradient",
}


def measure() -> list[Row]:
    text = take(peers.tokenizer("smollm2"), TOKENS, 1)[0]
    after: dict[str, float] = {}
    peak: dict[str, float] = {}
    with serving() as server:
        server.run("smollm2", WARM_TEXT)
        watch = Watch(server.pid)
        run = server.run("smollm2", text)["run"]
        for view in (*SHORT, *LONG):
            watch.again()
            _open(server, f"/api/runs/{run}", view)
            growth = watch.growth()
            after[view], peak[view] = growth.after, growth.peak
    what = f"smollm2, {TOKENS:,} tokens"
    return [
        Row(
            f"memory once a view is answered, {what}",
            max(after.values()),
            None,
            "",
            "GB",
            "ours",
            ANSWERED,
            _most(after),
        ),
        Row(f"memory at the peak of a view, {what}", max(peak.values()), None, "", "GB", "ours", PEAK, _most(peak)),
    ]


def _open(server: Server, run: str, view: str) -> None:
    for question in SHORT.get(view, ()):
        server.get(f"{run}/{question}", SAFETENSORS if question.startswith("attention") else "application/json")
    if view in LONG:
        events = server.post(f"{run}/{LONG[view]}", {})
        if b"event: ready" not in events:
            raise RuntimeError(f"{view} ended without an answer: {events[-300:]!r}")


def _most(growth: dict[str, float]) -> str:
    return f"the most of {len(growth)} views and lenses, {max(growth, key=growth.__getitem__)}"
