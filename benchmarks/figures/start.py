"""From the start of the process to the first answered run, beside a script that only imports, loads and runs."""

from __future__ import annotations

import json
import subprocess
import sys
from http.client import HTTPException
from pathlib import Path
from statistics import median
from time import perf_counter, sleep

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
    """Seconds from the start until the port is open, and until the first run is answered."""
    port = free_port()
    began = perf_counter()
    process = start(port)
    try:
        listening = wait_for_port(process, port)
        server = Server(process, port)
        _answered(server)
        return {"listening": listening, "answered": perf_counter() - began}
    finally:
        process.terminate()
        process.wait(30)


def _answered(server: Server) -> None:
    """Ask until it is answered: a server that still loads may say that it is busy."""
    for _ in range(2000):
        try:
            server.run("minilm", TEXT)
        except (OSError, HTTPException, RuntimeError):
            server.connection.close()
            sleep(0.02)
        else:
            return
    raise TimeoutError("the first run was not answered")


def _bare(folder: str) -> dict[str, float]:
    """Seconds from the start until the script has printed, and what it says of its parts."""
    began = perf_counter()
    with subprocess.Popen([sys.executable, str(BARE), folder, TEXT], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        answered = perf_counter() - began
    parts: dict[str, float] = json.loads(line)
    return parts | {"answered": answered}
