"""The wheel holds all that the server needs: built, laid in an empty folder and served from another one."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
import zipfile
from itertools import chain
from pathlib import Path

import pytest

from benchmarks.server import serving

ROOT = Path(__file__).parent.parent
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check"]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as pip builds it, by the installed hatchling, with no network."""
    place = tmp_path_factory.mktemp("wheel")
    build = [*PIP, "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir", str(place), str(ROOT)]
    subprocess.run(build, check=True, timeout=120, stdout=subprocess.DEVNULL)
    (built,) = place.glob("headlight-*.whl")
    return built


def files(folder: Path) -> set[str]:
    return {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}


@pytest.mark.parametrize("part", ["templates", "static"])
def test_pages_and_assets_are_in_the_wheel(wheel: Path, part: str) -> None:
    prefix = f"app/_assets/{part}/"
    packed = {name.removeprefix(prefix) for name in zipfile.ZipFile(wheel).namelist() if name.startswith(prefix)}
    assert packed
    assert packed == files(ROOT / part)


def test_the_weights_are_in_the_wheel(wheel: Path) -> None:
    packed = {name for name in zipfile.ZipFile(wheel).namelist() if name.startswith("app/weights/")}
    assert packed >= {f"app/weights/dates/{name}" for name in ("model.safetensors", "tokenizer.json", "card.md")}
    assert packed == {f"app/weights/{name}" for name in files(ROOT / "app" / "weights")}


def test_the_wheel_holds_the_code_and_nothing_of_the_workshop(wheel: Path) -> None:
    names = zipfile.ZipFile(wheel).namelist()
    code = {name for name in names if name.startswith("app/") and name.endswith(".py")}
    assert code == {f"app/{name}" for name in files(ROOT / "app") if name.endswith(".py")}
    assert {name.split("/")[0] for name in names if ".dist-info/" not in name} == {"app"}
    assert any(name.endswith("licenses/LICENSE") for name in names)


@pytest.mark.slow
def test_the_installed_wheel_serves_from_any_folder(wheel: Path, tmp_path: Path) -> None:
    place, elsewhere = tmp_path / "installed", tmp_path / "elsewhere"
    elsewhere.mkdir()
    install = [*PIP, "install", "--quiet", "--no-deps", "--no-compile", "--target", str(place), str(wheel)]
    subprocess.run(install, check=True, timeout=120, stdout=subprocess.DEVNULL)
    env = {
        "PYTHONPATH": str(place),  # and -P: the code of this checkout must not be found
        "HEADLIGHT_CACHE_DIR": str(tmp_path / "cache"),
        "HEADLIGHT_WARM": "false",
        "HF_HUB_OFFLINE": "1",
    }
    where = [sys.executable, "-P", "-c", "import app, sys; sys.stdout.write(app.__file__)"]
    found = subprocess.run(
        where, cwd=elsewhere, env=os.environ | env, check=True, capture_output=True, text=True
    ).stdout
    assert Path(found).is_relative_to(place)
    with serving(env=env, folder=elsewhere) as server:
        page = server.get("/", "text/html").decode()
        assert "<title>" in page
        assert "Headlight" in page
        assert b"--ink" in server.get("/static/css/global.css", "*/*")
        assert b"Plotly" in server.get("/static/plotly.min.js", "*/*")


def test_every_direct_dependency_is_pinned() -> None:
    """What pyproject.toml asks for is in constraints.txt, so that a clean clone gets what was tested."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    asked = [*project["dependencies"], *chain(*project["optional-dependencies"].values())]
    pinned = dict(line.split("==") for line in pins("constraints.txt"))
    missing = {name(wanted) for wanted in asked} - {name(known) for known in pinned}
    assert len(pinned) == len(pins("constraints.txt")), "a package is pinned twice"
    assert not missing, f"add to constraints.txt (pip freeze knows the versions): {sorted(missing)}"


def test_the_models_are_held_to_their_hashes() -> None:
    lines = pins("models.txt")
    assert len(lines) == 2
    assert all("==" in line and "--hash=sha256:" in line for line in lines)


def pins(file: str) -> list[str]:
    return [line for line in (ROOT / file).read_text().splitlines() if line and not line.startswith("#")]


def name(requirement: str) -> str:
    """The name of a requirement, as package indexes compare it."""
    bare = requirement
    for mark in "<>=!~[;( ":
        bare = bare.split(mark)[0]
    return bare.strip().lower().replace("_", "-").replace(".", "-")
