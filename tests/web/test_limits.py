"""`GET /api/limits` tells every limit there is."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from app import limits
from app.settings import Settings

APP = Path(limits.__file__).parent
LIMIT = re.compile(r"(MOST|LARGEST|SLOW)_[A-Z_]+")


def test_every_setting_that_is_a_limit_is_told(client: TestClient, settings: Settings) -> None:
    told = client.get("/api/limits").json()["limits"]
    names = [name for name in Settings.model_fields if re.search(r"_(limit|budget|timeout)$", name)]
    assert {"look_limit", "job_limit", "queue_limit", "pass_limit", "run_budget", "hub_timeout"} <= set(names)
    assert {name: told[name] for name in names} == {name: getattr(settings, name) for name in names}
    assert told["body_limit"] == 4096


def test_what_no_setting_changes_is_told(client: TestClient) -> None:
    told = client.get("/api/limits").json()["limits"]
    named = {name: getattr(limits, name) for name in dir(limits) if name.isupper()}
    assert {"LARGEST_GRID", "MOST_CELLS", "SLOW_WORD"} <= set(named)
    assert {name: told[name.lower()] for name in named} == named
    assert all(told[name] for name in told)


@pytest.mark.parametrize("folder", ["analyses", "tokens", "web"])
def test_no_limit_hides_elsewhere(folder: str) -> None:
    """What bounds an answer is named in app/limits.py, or it is not told. Move it there."""
    for file in sorted((APP / folder).rglob("*.py")):
        for node in ast.parse(file.read_text("utf-8")).body:
            targets = node.targets if isinstance(node, ast.Assign) else []
            names = {target.id for target in targets if isinstance(target, ast.Name)}
            assert not {name for name in names if LIMIT.fullmatch(name)}, file
