"""GGUF files: converted once, by one process, and never half."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import threading
from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

from app.errors import Cancelled, ModelFailed, ModelRefused
from app.models.catalogue import entry
from app.models.progress import Stage, never, silent
from app.models.sources import gguf, locate
from app.models.sources.gguf import converted
from app.models.sources.kept import kept, kept_place, remove_kept
from app.settings import Settings
from tests.models.tiny_gguf import write_gguf


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_gguf(tmp_path / "model" / "tiny.gguf")


def left(settings: Settings) -> set[str]:
    """What lies in the cache, locks aside."""
    folder = settings.cache_dir / "models"
    return {path.name for path in folder.iterdir() if not path.name.endswith(".lock")} if folder.exists() else set()


def test_the_converted_model_is_the_model(file: Path, settings: Settings) -> None:
    stages: list[Stage] = []
    folder = converted(file, "tiny", "v1", settings, stages.append, never)
    assert [stage.done for stage in stages] == [0, 1, 2, 3]
    assert {stage.stage for stage in stages} == {"convert"}
    direct = AutoModelForCausalLM.from_pretrained(file.parent, gguf_file=file.name, dtype=torch.float32)
    copied = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True)
    tensors = dict(copied.named_parameters())
    assert all(torch.equal(tensors[name], tensor) for name, tensor in direct.named_parameters())
    assert AutoTokenizer.from_pretrained(folder)("the<|im_end|>").tokens() == ["th", "e", "<|im_end|>"]
    assert list(folder.rglob("*.bin")) == []


def test_it_happens_once(file: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = converted(file, "tiny", "v1", settings, silent, never)
    monkeypatch.setattr(gguf, "_convert", unexpected)
    stages: list[Stage] = []
    assert converted(file, "tiny", "v1", settings, stages.append, never) == folder
    assert stages == []


def unexpected(*_: Any) -> None:
    raise AssertionError("this should not run")


def test_it_happens_once_however_many_ask(file: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = gguf._convert, []

    def counted(*arguments: Any) -> None:
        calls.append(arguments)
        real(*arguments)

    monkeypatch.setattr(gguf, "_convert", counted)
    found: list[Path] = []
    ask = [
        threading.Thread(target=lambda: found.append(converted(file, "tiny", "v1", settings, silent, never)))
        for _ in range(4)
    ]
    for thread in ask:
        thread.start()
    for thread in ask:
        thread.join()
    assert len(calls) == 1
    assert len(set(found)) == 1
    assert len(found) == 4


@pytest.mark.parametrize("step", [0, 1, 2, 3])
@pytest.mark.parametrize("how", [KeyboardInterrupt, OSError])
def test_an_interrupted_conversion_leaves_nothing(
    file: Path, settings: Settings, step: int, how: type[BaseException]
) -> None:
    def fail(stage: Stage) -> None:
        if stage.done == step:
            raise how

    with pytest.raises((KeyboardInterrupt, OSError, ModelFailed)):
        converted(file, "tiny", "v1", settings, fail, never)
    assert left(settings) == set()
    assert converted(file, "tiny", "v1", settings, silent, never).is_dir()


@pytest.mark.parametrize("step", [0, 1, 2, 3])
def test_a_conversion_stops_between_steps_when_nobody_waits(file: Path, settings: Settings, step: int) -> None:
    stages: list[Stage] = []
    with pytest.raises(Cancelled):
        converted(file, "tiny", "v1", settings, stages.append, lambda: len(stages) == step)
    assert len(stages) == step
    assert left(settings) == set()


def test_a_killed_conversion_is_done_again(file: Path, settings: Settings) -> None:
    code = """
import os, signal, sys
from pathlib import Path
from app.models.sources import gguf, kept
from app.settings import Settings
kept._flush = lambda folder: os.kill(os.getpid(), signal.SIGKILL)
gguf.converted(Path(sys.argv[1]), "tiny", "v1", Settings(cache_dir=Path(sys.argv[2])), lambda _: None, lambda: False)
"""
    command = [sys.executable, "-c", code, str(file), str(settings.cache_dir)]
    done = subprocess.run(command, capture_output=True, check=False, timeout=120)
    assert done.returncode == -signal.SIGKILL
    (rest,) = left(settings)
    assert rest.endswith(".tmp"), "killed after everything was written, before it got its name"
    folder = converted(file, "tiny", "v1", settings, silent, never)
    assert left(settings) == {folder.name}


def test_waiting_for_another_process(file: Path, settings: Settings) -> None:
    from filelock import FileLock

    place = kept_place("tiny", "v1", settings)
    place.parent.mkdir(parents=True)
    stages: list[Stage] = []
    with FileLock(place.parent / f".{place.name}.lock"), pytest.raises(Cancelled):
        converted(file, "tiny", "v1", settings, stages.append, lambda: len(stages) > 1)
    assert "another process" in stages[0].message


def test_another_file_is_another_copy(file: Path, settings: Settings) -> None:
    first = converted(file, "tiny", "v1", settings, silent, never)
    assert converted(file, "tiny", "v2", settings, silent, never) != first
    assert kept_place("tiny2", "v1", settings) != first


def test_removing(file: Path, settings: Settings) -> None:
    converted(file, "tiny", "v1", settings, silent, never)
    other = converted(file, "tiny-2", "v1", settings, silent, never)
    assert remove_kept("tiny", settings) > 1000
    assert left(settings) == {other.name}
    assert remove_kept("tiny", settings) == 0


@pytest.mark.parametrize("content", [b"", b"GGUF", b"not a model" * 100])
def test_files_that_are_no_models(tmp_path: Path, settings: Settings, content: bytes) -> None:
    bad = tmp_path / "bad.gguf"
    bad.write_bytes(content)
    with pytest.raises(ModelRefused):
        converted(bad, "bad", "v1", settings, silent, never)
    assert left(settings) == set()


def test_too_large_for_memory_or_disk(file: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gguf, "_convert", unexpected)
    with pytest.raises(ModelRefused, match="limit"):
        converted(file, "tiny", "v1", settings.model_copy(update={"model_limit": 1000}), silent, never)
    full = type("Usage", (), {"free": 10})
    monkeypatch.setattr(gguf.shutil, "disk_usage", lambda _: full)
    with pytest.raises(ModelFailed, match="disk"):
        converted(file, "tiny", "v1", settings, silent, never)


@pytest.mark.real
@pytest.mark.slow
def test_smollm2_speaks_after_its_conversion(settings: Settings) -> None:
    """Takes about 20 seconds: the one conversion of the real file in the tests."""
    checkpoint = locate("smollm2", settings)
    assert (checkpoint.revision, checkpoint.licence) == ("0.1.2", "Apache-2.0")
    model = AutoModelForCausalLM.from_pretrained(checkpoint.folder, use_safetensors=True, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(checkpoint.folder)
    assert sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers())) == checkpoint.memory_bytes
    text = "When Mary and John went to the store, John gave a drink to"
    with torch.no_grad():
        logits = model(**tokenizer(text, return_tensors="pt")).logits[0, -1]
    assert tokenizer.decode(logits.argmax()) == " Mary"
    line = entry("smollm2")
    assert line is not None
    assert (model.config.num_hidden_layers, model.config.num_attention_heads, model.config.num_key_value_heads) == (
        line.layers, line.heads, line.kv_heads,
    )  # fmt: skip
    assert Path(str(distribution(line.package).locate_file(line.path))).is_file()
    shutil.rmtree(settings.cache_dir)  # half a gigabyte


def test_a_cache_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    no_folder = tmp_path / "file"
    no_folder.write_text("no folder")
    with pytest.raises(ModelFailed, match="cache folder") as raised:
        kept("tiny", "1", Settings(cache_dir=no_folder), silent, never, lambda _: None)
    assert "--cache-dir" in raised.value.hint

    def full(_: Path) -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(ModelFailed, match="cache folder"):
        kept("tiny", "1", Settings(cache_dir=tmp_path), silent, never, full)
    assert not [*tmp_path.glob("models/tiny*"), *tmp_path.glob("models/.tiny*.tmp")], "nothing half done is left"
