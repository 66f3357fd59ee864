"""From the start of the process to the first answered run, beside a script that only imports, loads and runs."""

from __future__ import annotations

import json
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from statistics import median
from time import perf_counter

from benchmarks import peers
from benchmarks.row import Row
from benchmarks.server import Server, free_port, start, wait_for_port

TEXT = "The animal did not cross the street because it was too tired."
ROUNDS = 5
BARE = Path(__file__).parent.parent / "children" / "bare.py"


def measure() -> list[Row]:
    folder = str(peers.folder("minilm"))
    _bare(folder)  # both sides find their files in the page cache
    rounds = [(_ours(), _bare(folder)) for _ in range(ROUNDS)]
    ours = {key: median(values[key] for values, _ in rounds) for key in rounds[0][0]}
    bare = {key: median(values[key] for _, values in rounds) for key in rounds[0][1]}
    for name, parts in (("Headlight", ours), ("bare script", bare)):
        print(f"start, {name}: " + ", ".join(f"{key} {value:.2f} s" for key, value in parts.items()))
    what = "from process start to the first answered run, minilm"
    return [Row(what, ours["answered"], bare["answered"], "bare script", "s", "ratio", 1.15)]


def _ours() -> dict[str, float]:
    """Seconds from the start until the port is open, until the first answer, and until the first run is answered."""
    port = free_port()
    began = perf_counter()
    process = start(port)
    try:
        listening = wait_for_port(process, port)
        with closing(Server(process, port)) as server:
            server.get("/api/health")
            healthy = perf_counter() - began
            server.run("minilm", TEXT)
        return {"port open": listening, "page served": healthy, "answered": perf_counter() - began}
    finally:
        process.terminate()
        process.wait(30)


def _bare(folder: str) -> dict[str, float]:
    """Seconds from the start until the script has printed, and what it says of its parts."""
    began = perf_counter()
    with subprocess.Popen(
        [sys.executable, str(BARE), folder, TEXT], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        answered = perf_counter() - began
    parts: dict[str, float] = json.loads(line)
    return parts | {"answered": answered}
