"""`python -m benchmarks [FIGURE ...]`: measure, print the table, and write it beside this file as results.json.

A figure that is not named keeps the rows of its last run. `--readme` measures nothing and writes the table of the last
run into the README.
"""

from __future__ import annotations

import json
import os
import platform
import sys
from dataclasses import asdict
from importlib import import_module, metadata
from pathlib import Path
from typing import Any

from benchmarks.row import Row, table

FIGURES = (
    "run", "first_head", "long_text", "long_views", "grid", "heads", "losses", "causes", "generate", "start", "hover",
    "switch", "sliders",
)  # fmt: skip
RESULTS = Path(__file__).with_name("results.json")
README = Path(__file__).parent.parent / "README.md"
BESIDE = ("torch", "transformers", "bertviz", "inspectus")


def main(words: list[str]) -> int:
    """The exit status: 1 when a bar does not hold, 2 for a figure that there is not."""
    if words == ["--readme"]:
        write_into_readme(report(stored()))
        return 0
    unknown = [word for word in words if word not in FIGURES]
    if unknown:
        print(f"no such figure: {', '.join(unknown)}; there are {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    # Read once, as torch starts: set before any figure imports it, and handed to every process that a figure starts.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    os.environ.setdefault("OMP_NUM_THREADS", str(os.cpu_count() or 1))
    results = stored()
    for name in words or FIGURES:
        print(f"measuring {name}", flush=True)
        rows: list[Row] = import_module(f"benchmarks.figures.{name}").measure()
        results["figures"][name] = [asdict(row) for row in rows]
        results["machine"] = machine()
        RESULTS.write_text(json.dumps(results, indent=1, ensure_ascii=False) + "\n")
    print(report(results))
    return int(any(row.holds is False for row in rows_of(results)))


def stored() -> dict[str, Any]:
    """What the last runs wrote: `machine`, and by figure its rows."""
    if RESULTS.exists():
        results: dict[str, Any] = json.loads(RESULTS.read_text())
        return results
    return {"machine": "", "figures": {}}


def rows_of(results: dict[str, Any]) -> list[Row]:
    return [Row(**row) for name in FIGURES for row in results["figures"].get(name, [])]


def report(results: dict[str, Any]) -> str:
    """The table, and under it one line about what it was measured on."""
    return f"{table(rows_of(results))}\n\n{results['machine']}"


def write_into_readme(text: str) -> None:
    before, rest = README.read_text("utf-8").split("<!-- bench:", 1)
    mark, after = rest.split("-->", 1)[0], rest.split("<!-- /bench -->", 1)[1]
    README.write_text(f"{before}<!-- bench:{mark}-->\n{text}\n<!-- /bench -->{after}", "utf-8")


def machine() -> str:
    versions = ", ".join(f"{name} {metadata.version(name)}" for name in BESIDE)
    return f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, {versions}."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
