"""The README is true: its curl lines run as written, its tree is the one there is, its table was measured."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from benchmarks.__main__ import report, stored
from benchmarks.server import serving

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")


def block(heading: str) -> list[str]:
    """The lines of the first fenced block under a heading."""
    section = README.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return section.split("```")[1].splitlines()[1:]


def test_there_are_five_curl_lines() -> None:
    lines = block("The API in five lines")
    assert len(lines) == 5
    assert all("curl" in line and "localhost:8000" in line for line in lines)


@pytest.mark.real
@pytest.mark.slow
def test_the_curl_lines_run_as_written() -> None:
    """One shell runs all five, since the last uses what the fourth found; only the port is another."""
    with serving() as server:
        script = "\n".join(f"{line}; echo; echo ---" for line in block("The API in five lines"))
        answers = bash(script.replace("localhost:8000", f"localhost:{server.port}")).split("---\n")
    models, tokens, attention, _, logits = (answer.strip() for answer in answers[:5])
    assert re.search(r'"id": ?"minilm"', models)
    assert re.search(r'"display": ?"animal"', tokens)
    assert re.search(r'"heads": ?\[7\]', attention)
    assert re.search(r'"candidates": ?\[', logits)
    assert '"status"' not in attention + logits, "an answer is a problem document"


def bash(script: str) -> str:
    done = subprocess.run(["bash", "-euo", "pipefail", "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return done.stdout


def tree() -> dict[str, str]:
    """Each path of the README's tree, folders with a slash, and its purpose."""
    found: dict[str, str] = {}
    above = ""
    for line in block("The house"):
        name, _, purpose = line.strip().partition(" ")
        if line.startswith(" "):
            found[above + name] = purpose.strip()
        else:
            found[name] = purpose.strip()
            above = name
    return found


def children(folder: Path) -> set[str]:
    """The folders in a folder that hold something, with a slash, and app/'s own modules."""
    folders = {f"{path.name}/" for path in folder.iterdir() if path.is_dir() and holds_something(path)}
    return folders | {path.name for path in folder.glob("*.py") if path.name != "__init__.py"}


def holds_something(folder: Path) -> bool:
    hidden = (
        folder.name.startswith((".", "__")) or folder.name in ("build", "dist") or folder.name.endswith(".egg-info")
    )
    return not hidden and any(path.is_file() and "__pycache__" not in path.parts for path in folder.rglob("*"))


def test_the_tree_is_the_one_there_is() -> None:
    told = tree()
    there = children(ROOT) | {f"app/{name}" for name in children(ROOT / "app")}
    gone = {name for name in told if not (ROOT / name).exists()}
    new = there - set(told)
    assert not gone, f"take out of the README's tree: {sorted(gone)}"
    assert not new, f"give each a line in the README's tree, with one purpose: {sorted(new)}"
    assert all(told.values()), f"say what each is for: {[name for name, purpose in told.items() if not purpose]}"


def test_the_picture_is_there_and_small() -> None:
    (picture,) = re.findall(r"!\[[^\]]{20,}\]\(([^)]+)\)", README)
    assert 0 < (ROOT / picture).stat().st_size < 300_000


def test_the_table_is_the_one_that_was_measured() -> None:
    written = re.search(r"<!-- bench:.*?-->\n(.*?)<!-- /bench -->", README, re.DOTALL)
    assert written
    assert written.group(1).strip() == report(stored()).strip(), "run `python -m benchmarks --readme`"


@pytest.mark.parametrize("target", re.findall(r"^    make (\w+)", README, re.MULTILINE))
def test_each_make_target_is_there(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
