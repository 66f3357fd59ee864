"""The command line: one clear line for what is wrong, and a server that starts and stops."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from dataclasses import fields
from pathlib import Path
from typing import Any

import httpx
import pytest
from rich.console import Console

from app.__main__ import main
from app.cli.inspect import cell, fitted, picture, printable
from app.cli.models import WIDTH, table
from app.cli.options import NAMES, UsageError, folders, read_settings
from app.models.info import ModelInfo
from app.settings import Settings

TEXT = "The cat sat."


def run(*arguments: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, "-m", "app", *arguments], capture_output=True, text=True, timeout=120, check=False
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--bogus"], "No such option: --bogus"),
        (["serve", "--bogus"], "No such option: --bogus"),
        (["bogus"], "No such command"),
        (["--port", "abc"], "--port must be a valid integer"),
        (["--port", "70000"], "--port must be less than or equal to 65535"),
        (["--run-budget", "lots"], "--run-budget must be a size"),
        (["--run-budget", "-1"], "--run-budget must be a size"),
        (["--look-budget", "nan"], "--look-budget"),
        (["--receive-timeout", "inf"], "--receive-timeout"),
        (["--dtype", "int4"], "--dtype must be"),
        (["--model", "nopath"], "--model must be name=PATH"),
        (["serve", "--model", "x=/no/such/folder"], "--model x: there is no such folder"),
        (["--model", "a/b=/tmp"], "--model must have a name of letters, digits"),
        (["--token", "short"], "--token must have at least 16 characters"),
        (["--host", "no.such.host.invalid"], "--host is not an address"),
        (["inspect"], "Missing argument"),
        (["inspect", "x", "--layer", "two"], "--layer"),
        (["inspect", "x", "--json", "--csv"], "exclude each other"),
        (["models", "bogus"], "No such command"),
        (["models", "load"], "Missing argument"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(arguments: list[str], says: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(arguments) == 2
    error = capsys.readouterr().err
    assert error.startswith("headlight: ")
    assert error.count("\n") == 1
    assert says in error


def test_a_port_in_use(capsys: pytest.CaptureFixture[str]) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        assert main(["--port", str(taken.getsockname()[1])]) == 2
    error = capsys.readouterr().err
    assert "is in use already" in error
    assert error.count("\n") == 1


def test_a_setting_in_the_environment_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HEADLIGHT_PORT", "abc")
    with pytest.raises(UsageError, match="HEADLIGHT_PORT"):
        read_settings({})
    monkeypatch.setenv("HEADLIGHT_PORT", "8125")
    monkeypatch.setenv("HEADLIGHT_MODELS", "not json")
    with pytest.raises(UsageError, match="models"):
        read_settings({})
    monkeypatch.delenv("HEADLIGHT_MODELS")
    assert read_settings({}).port == 8125
    assert read_settings({"port": "8126"}).port == 8126


def test_options_reach_the_settings(tmp_path: Path) -> None:
    first, second = tmp_path / "x", tmp_path / "y=z"
    first.mkdir()
    second.mkdir()
    folders_given = [f"a={first}", f"b={second}"]
    made = read_settings({"models": folders_given, "run_limit": "2MB", "hub": False, "allowed_hosts": ["box"]})
    assert made.models == {"a": first, "b": second}
    assert (made.run_limit, made.hub, made.allowed_hosts) == (2_000_000, False, ("box",))
    with pytest.raises(UsageError):
        folders(["=x"])


def test_every_setting_is_an_option_with_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--help"]) == 0
    text = re.sub(r"\s+", " ", capsys.readouterr().out)
    for name, field in Settings.model_fields.items():
        assert NAMES.get(name, f"--{name.replace('_', '-')}") in text, name
        assert field.description
        assert field.description in text, name


def test_version_and_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert main(["--help"]) == 0
    assert "inspect" in capsys.readouterr().out


def test_importing_the_server_and_the_command_line_is_quick_and_without_torch() -> None:
    code = "import sys, app.server, app.__main__; print([m for m in ('torch', 'transformers') if m in sys.modules])"
    started = time.monotonic()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert time.monotonic() - started < 8, "well under a second alone; the machine may be busy"


def test_omp_waits_passively(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    code = "import app.__main__, os; print(os.environ['OMP_WAIT_POLICY'])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "PASSIVE"


def start(*arguments: str) -> tuple[subprocess.Popen[str], str, list[str]]:
    """Start a server on a free port; it, its address, and what it said."""
    server = subprocess.Popen(
        [sys.executable, "-m", "app", "--port", "0", *arguments],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    assert server.stdout is not None
    said = []
    for line in server.stdout:
        said.append(line)
        if found := re.search(r"http://\S+", line):
            return server, found[0], said
    raise AssertionError(server.communicate()[1])


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_server_says_where_it_is_and_stops(number: int, tmp_path: Path) -> None:
    server, address, _ = start("--cache-dir", str(tmp_path), "--no-warm")
    try:
        assert httpx.get(f"{address}/api/health").json()["status"] == "ok"
        server.send_signal(number)
        _, errors = server.communicate(timeout=60)
    finally:
        server.kill()
    assert "Traceback" not in errors
    assert server.returncode in (0, -signal.SIGTERM)


def test_bound_elsewhere_it_makes_up_a_token(tmp_path: Path) -> None:
    server, address, said = start("--cache-dir", str(tmp_path), "--no-warm", "--host", "0.0.0.0")
    try:
        token = said[0].removeprefix("Access token: ").strip()
        assert len(token) >= 32
        assert httpx.get(f"{address}/api/limits").status_code == 401
        assert httpx.get(f"{address}/api/limits", headers={"authorization": f"Bearer {token}"}).status_code == 200
    finally:
        server.kill()
        server.communicate()


def test_the_map_in_the_terminal_is_aligned() -> None:
    from rich.cells import cell_len

    keys = ["日本語", "é", "👩‍👩‍👧", "a very long token", "x"]
    lines = picture([[0.0, 0.2, 0.4, 0.6, 1.0]] * 5, keys, keys, 80)
    assert len({cell_len(line.plain) for line in lines}) == 1
    assert ".40" in lines[2].plain
    narrow = picture([[0.2] * 5] * 5, keys, keys, 30)
    assert len(narrow) == 3 * 7 + 2
    assert all(cell_len(line.plain) <= 30 for line in narrow)


def test_cells() -> None:
    assert [cell(value) for value in (0.0, 0.25, 0.996, 1.0)] == ["  .00 ", "░ .25 ", "█ 1.0 ", "█ 1.0 "]
    assert [cell(value) for value in (-0.25, -1.0)] == ["░-.25 ", "█-1.0 "]
    assert cell(float("nan")).strip() == "-"
    assert fitted("abcdefgh", 6) == "abcd… "


def test_a_token_cannot_steer_the_terminal() -> None:
    assert printable("\x1b[31m\x07\u202e\n x") == "\\x1b[31m\\x07\\x202e↵·x"


@pytest.mark.real
def test_inspect_prints_the_same_numbers_in_every_form(capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--model", "minilm", "--layer", "2", "--head", "5"]
    assert main(["inspect", TEXT, *place, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["layers"], answer["heads"]) == ([2], [5])
    assert [token["display"] for token in answer["tokens"]["encoder"]] == ["[CLS]", "the", "cat", "sat", ".", "[SEP]"]
    assert main(["inspect", TEXT, *place, "--csv"]) == 0
    rows = capsys.readouterr().out.split()
    assert len(rows) > 6
    assert main(["inspect", TEXT, *place]) == 0
    picture_text = capsys.readouterr().out
    first = f"{answer['values'][0][0][0][0]:.2f}"[1:]
    assert first in picture_text
    assert "rows-sum-to-1" in picture_text


@pytest.mark.real
def test_inspect_says_what_is_wrong(capsys: pytest.CaptureFixture[str]) -> None:
    for arguments, says in (
        (["inspect", " "], "blank"),
        (["inspect", "x", "--layer", "99"], "layer"),
        (["inspect", "x", "--model", "../x"], "org/name"),
        (["inspect", "x", "--model", "nope"], "`headlight models`"),
        (["models", "remove", "nope"], "No such model"),
    ):
        assert main(arguments) == 1
        error = capsys.readouterr().err
        assert error.startswith("headlight: ")
        assert error.count("\n") == 1
        assert says in error


@pytest.mark.real
def test_models_lists_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models"]) == 0
    assert "minilm" in capsys.readouterr().out
    assert main(["models", "load", "minilm"]) == 0
    assert "6 x 12" in capsys.readouterr().out


def test_the_table_of_models_cuts_no_name_and_marks_what_is_not_known() -> None:
    name = "an-organisation-of-note/a-model-with-quite-a-long-name-of-its-own"
    facts: dict[str, Any] = {field.name: None for field in fields(ModelInfo)}
    out = io.StringIO()
    Console(width=WIDTH, file=out).print(table([ModelInfo(**facts | {"id": name, "source": "Hugging Face cache"})]))
    said = out.getvalue()
    assert name in said
    assert "–" in said
    assert "?" not in said
