"""Imports run one way. The two tables below are the house's plan; every import statement is held against them."""

from __future__ import annotations

import ast
import re
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
APP = ROOT / "app"
JS = ROOT / "static" / "js"

LEAVES = {"errors", "checks", "limits"}
BELOW_ANALYSES = LEAVES | {"settings", "tokens", "attention", "models"}
# A part of app/ (a folder, or a file beside them) -> the parts it may import, itself apart.
MAY_IMPORT: dict[str, set[str]] = {
    "errors": set(),
    "checks": set(),
    "limits": set(),
    "settings": set(),
    "examples": set(),
    "attention": set(),
    "tokens": LEAVES,
    "models": LEAVES | {"settings", "tokens", "attention"},
    "analyses": BELOW_ANALYSES,
    "labs": LEAVES | {"tokens", "attention"},
    "web": BELOW_ANALYSES | {"analyses", "labs", "examples"},
    "server": BELOW_ANALYSES | {"analyses", "labs", "examples", "web"},
    "cli": BELOW_ANALYSES | {"analyses", "labs", "examples", "web", "server"},
    "__main__": BELOW_ANALYSES | {"analyses", "labs", "examples", "web", "server", "cli"},
}
# A lesson that is about a pretrained model may import models/: its file is named here.
LABS_ABOUT_A_MODEL: set[str] = set()
# Somebody else's package -> the only parts that know it.
KNOWN_TO: dict[str, set[str]] = {
    "transformers": {"models", "tokens"},
    "tokenizers": {"models", "tokens"},
    "huggingface_hub": {"models"},
    "gguf": {"models"},
    "accelerate": {"models"},
    "fastapi": {"web", "server"},
    "starlette": {"web", "server"},
    "jinja2": {"web", "server"},
    "plotly": {"web"},
    "typer": {"cli", "__main__"},
    "uvicorn": {"web", "server", "cli", "__main__"},
}

FILES = sorted(path.relative_to(ROOT).as_posix() for path in APP.rglob("*.py"))


def part(path: Path) -> str:
    """The part of app/ that a file belongs to: its folder, or its own name."""
    inside = path.relative_to(APP)
    return inside.parts[0] if len(inside.parts) > 1 else inside.stem


def imports(path: Path) -> set[str]:
    """The dotted names of all modules that a file imports, anywhere in it, relative ones made whole."""
    package = path.relative_to(ROOT).with_suffix("").parts[:-1]
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            module = ".".join(filter(None, (base, node.module)))
            # `from app import errors` imports app.errors: the names count as modules here.
            found |= {f"{module}.{alias.name}" for alias in node.names} if module == "app" else {module}
    return found


@pytest.mark.parametrize("name", FILES)
def test_a_file_imports_only_what_lies_below_it(name: str) -> None:
    path = ROOT / name
    own = part(path)
    if own == "__init__":
        assert not imports(path) - {"__future__"}, "app/__init__.py is read by the build and imports nothing"
        return
    assert own in MAY_IMPORT, f"app/{own} is new: give it a line in MAY_IMPORT, here and in the README's tree"
    allowed = MAY_IMPORT[own] | {own} | ({"models"} if name in LABS_ABOUT_A_MODEL else set())
    # `app` itself holds the version and nothing else.
    wanted = {module.split(".")[1] for module in imports(path) if module.startswith("app.")} - {"__version__"}
    assert wanted <= allowed, (
        f"{name} imports app.{', app.'.join(sorted(wanted - allowed))}, which does not lie below it"
    )


@pytest.mark.parametrize("name", FILES)
def test_a_foreign_package_is_known_to_few(name: str) -> None:
    own = part(ROOT / name)
    foreign = {module.split(".")[0] for module in imports(ROOT / name)}
    stray = {package for package in foreign if own not in KNOWN_TO.get(package, {own})}
    assert not stray, f"{name} imports {', '.join(sorted(stray))}; only {[sorted(KNOWN_TO[s]) for s in stray]} may"


def test_the_attention_module_knows_torch_and_nothing_else() -> None:
    files = sorted((APP / "attention").rglob("*.py"))
    assert files
    foreign = {module.split(".")[0] for path in files for module in imports(path)} - set(sys.stdlib_module_names)
    assert foreign <= {"torch", "app"}


def test_the_tables_name_only_what_exists() -> None:
    parts = {part(ROOT / name) for name in FILES}
    assert set(MAY_IMPORT) <= parts, f"remove from MAY_IMPORT: {set(MAY_IMPORT) - parts}"
    assert set(FILES) >= LABS_ABOUT_A_MODEL


def test_the_rules_catch_what_they_are_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The reader of imports sees them in functions, in `if TYPE_CHECKING`, relative, and as `from app import`."""
    monkeypatch.setattr(sys.modules[__name__], "ROOT", tmp_path)
    deep = tmp_path / "app" / "models" / "sources" / "x.py"
    deep.parent.mkdir(parents=True)
    deep.write_text(
        "from app import errors\nfrom . import a\nfrom ..info import b\nfrom ...web import c\n"
        "def f():\n    import transformers.utils\nif TYPE_CHECKING:\n    from torch import nn\n"
    )
    assert imports(deep) == {
        "app.errors",
        "app.models.sources",
        "app.models.info",
        "app.web",
        "transformers.utils",
        "torch",
    }


# -- the page's modules: pages -> views -> the rest ---------------------------------------------------------------
# A folder of static/js ("" is static/js itself) -> the folders its files may import from, its own apart.
JS_MAY_IMPORT: dict[str, set[str]] = {
    "": set(),
    "views": {""},
    "components": {"", "views"},
    "pages": {"", "views", "components"},
}
IMPORT = re.compile(
    r"""^(?:import|export)\s+(?:[\w$*{},\s]+\sfrom\s+)?['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]""", re.MULTILINE
)
COMMENT = re.compile(r"/\*.*?\*/|(?<![:'\"])//[^\n]*", re.DOTALL)
SCRIPTS = sorted(path.relative_to(JS).as_posix() for path in JS.rglob("*.js"))


def code(name: str) -> str:
    """A script without its comments (JSDoc types look like imports)."""
    return COMMENT.sub("", (JS / name).read_text("utf-8"))


def js_imports(name: str) -> set[str]:
    """What a script imports, as paths inside static/js. Raises ValueError for what leaves it."""
    targets = (static or dynamic for static, dynamic in IMPORT.findall(code(name)))
    return {((JS / name).parent / target).resolve().relative_to(JS.resolve()).as_posix() for target in targets}


def folder(name: str) -> str:
    return name.rpartition("/")[0].partition("/")[0]


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_imports_only_what_lies_below_it(name: str) -> None:
    assert folder(name) in JS_MAY_IMPORT, f"static/js/{folder(name)} is new: give it a line in JS_MAY_IMPORT"
    wanted = js_imports(name)
    assert wanted <= set(SCRIPTS), f"{name} imports what is not there: {wanted - set(SCRIPTS)}"
    above = {other for other in wanted if folder(other) not in JS_MAY_IMPORT[folder(name)] | {folder(name)}}
    assert not above, f"{name} imports {', '.join(sorted(above))}, which does not lie below it"


@pytest.mark.parametrize("name", [name for name in SCRIPTS if folder(name) == "views"])
def test_a_view_never_fetches(name: str) -> None:
    assert "api.js" not in js_imports(name)
    assert not re.search(r"(?<![.\w])fetch\(|\b(XMLHttpRequest|EventSource|WebSocket|sendBeacon)\b", code(name))


@pytest.mark.parametrize("name", [name for name in SCRIPTS if name != "plot.js"])
def test_only_plot_knows_plotly(name: str) -> None:
    assert not re.search(r"\bPlotly\b", code(name))
