"""Models of the hub: fetched from a hub on this machine, and what is said when there is none."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from huggingface_hub import constants

from app.errors import Cancelled, HeadlightError, HubUnavailable, ModelRefused, ModelUnknown
from app.models.checkpoint import Checkpoint
from app.models.listing import offered
from app.models.progress import Stage, never, silent
from app.models.sources import hub_cache, locate
from app.models.sources.hub_files import choose_files
from app.settings import Settings
from tests.models.checkpoints import edit_config, save_bert
from tests.models.fake_hub import COMMIT, FakeHub, serve

NAME = "somebody/tiny-bert"
OTHER_COMMIT = "f" * 40


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(cache_dir=tmp_path / "cache")


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub with one model, and an empty cache to fetch into."""
    with serve(FakeHub()) as fake:
        point_at(monkeypatch, fake.url, tmp_path / "hf")
        folder = save_bert(tmp_path / "bert")
        (folder / "README.md").write_text("A model.", "utf-8")
        (folder / "modeling_evil.py").write_text("raise SystemExit", "utf-8")
        (folder / "pytorch_model.bin").write_bytes(b"a pickle")
        (folder / "onnx").mkdir()
        (folder / "onnx" / "model.safetensors").write_bytes(b"not this")
        fake.add(NAME, folder)
        yield fake


def point_at(monkeypatch: pytest.MonkeyPatch, url: str, cache: Path) -> None:
    monkeypatch.setattr(constants, "ENDPOINT", url)
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", url + "/{repo_id}/resolve/{revision}/{filename}")
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.delenv("HF_TOKEN", raising=False)


def offline(hub: FakeHub) -> None:
    """Every further request fails as a hub that is down does."""
    hub.repos[NAME].refuse = (503, "")


def refusal(model_id: str, settings: Settings, kind: type[HeadlightError]) -> HeadlightError:
    begin = time.perf_counter()
    with pytest.raises(kind) as caught:
        locate(model_id, settings)
    assert type(caught.value) is kind
    assert time.perf_counter() - begin < 2
    assert caught.value.hint
    assert model_id not in caught.value.detail + caught.value.hint
    return caught.value


def test_a_model_is_fetched_checked_and_kept(hub: FakeHub, settings: Settings) -> None:
    stages: list[Stage] = []
    found = locate(NAME, settings, stages.append)
    assert isinstance(found, Checkpoint)
    assert (found.id, found.revision, found.licence, found.source) == (NAME, COMMIT, "apache-2.0", "Hugging Face hub")
    assert (found.folder / "model.safetensors").read_bytes() == hub.repos[NAME].files["model.safetensors"]
    weights = [stage for stage in stages if stage.message == "Fetching the weights"]
    assert weights[-1].done <= weights[-1].total
    assert [stage.done for stage in weights] == sorted(stage.done for stage in weights)
    assert weights[-1].done >= len(hub.repos[NAME].files["model.safetensors"])
    hub.fetched.clear()
    assert locate(NAME, settings).folder == found.folder
    assert hub.fetched == []


def test_only_the_files_of_a_safetensors_model_are_fetched(hub: FakeHub, settings: Settings) -> None:
    locate(NAME, settings)
    assert set(hub.fetched) <= {"config.json", "tokenizer.json", "tokenizer_config.json", "model.safetensors"}


def test_the_weights_wait_until_the_config_has_passed(hub: FakeHub, settings: Settings, tmp_path: Path) -> None:
    hub.add(NAME, edit_config(tmp_path / "bert", _attn_implementation="evil/kernel"))
    with pytest.raises(ModelRefused, match="private"):
        locate(NAME, settings)
    assert "model.safetensors" not in hub.fetched


def test_what_is_in_the_cache_serves_when_the_hub_is_down(hub: FakeHub, settings: Settings) -> None:
    folder = locate(NAME, settings).folder
    offline(hub)
    assert locate(NAME, settings).folder == folder
    assert locate(f"{NAME}@main", settings).folder == folder
    refusal(f"{NAME}@v1", settings, HubUnavailable)


def test_a_commit_in_the_cache_is_served_without_asking(hub: FakeHub, settings: Settings) -> None:
    locate(NAME, settings)
    hub.asked.clear()
    assert locate(f"{NAME}@{COMMIT}", settings).revision == COMMIT
    assert hub.asked == []


def test_a_newer_revision_is_fetched(hub: FakeHub, settings: Settings) -> None:
    old = locate(NAME, settings)
    hub.repos[NAME].commit = OTHER_COMMIT
    new = locate(NAME, settings)
    assert (old.revision, new.revision) == (COMMIT, OTHER_COMMIT)
    assert locate(f"{NAME}@{COMMIT}", settings).folder == old.folder


def test_a_half_fetched_snapshot_is_not_served(hub: FakeHub, settings: Settings) -> None:
    folder = locate(NAME, settings).folder
    (folder / "model.safetensors").unlink()
    assert hub_cache.snapshot(NAME, None) is None
    hub.fetched.clear()
    assert (locate(NAME, settings).folder / "model.safetensors").is_file()


def test_a_snapshot_without_its_tokenizer_is_completed(hub: FakeHub, settings: Settings) -> None:
    """As another program leaves it that fetched the weights alone: transformers would make a tokenizer of no words."""
    folder = locate(NAME, settings).folder
    (folder / "tokenizer.json").unlink()
    assert [info.id for info in offered(settings) if "/" in info.id] == []
    refusal(NAME, settings.model_copy(update={"hub": False}), ModelRefused)
    hub.fetched.clear()
    assert (locate(NAME, settings).folder / "tokenizer.json").is_file()
    assert "model.safetensors" not in hub.fetched


@pytest.mark.parametrize("change", ["none", "names a file"])
def test_the_weights_wait_until_the_tokenizer_has_passed(
    hub: FakeHub, settings: Settings, tmp_path: Path, change: str
) -> None:
    if change == "none":
        (tmp_path / "bert" / "tokenizer.json").unlink()
    else:
        (tmp_path / "bert" / "tokenizer_config.json").write_text('{"vocab": "/etc/passwd"}', "utf-8")
    hub.add(NAME, tmp_path / "bert")
    with pytest.raises(ModelRefused, match="no tokenizer" if change == "none" else "tokens come from"):
        locate(NAME, settings)
    assert "model.safetensors" not in hub.fetched


@pytest.mark.usefixtures("hub")
def test_unknown_models_and_revisions(settings: Settings) -> None:
    assert "HF_TOKEN" in refusal("somebody/nothing", settings, ModelUnknown).hint
    refusal(f"{NAME}@v99", settings, ModelUnknown)
    refusal("gpt2", settings, ModelUnknown)


def test_gated_and_forbidden_models(hub: FakeHub, settings: Settings) -> None:
    for status, code in ((403, "GatedRepo"), (401, "GatedRepo"), (403, "")):
        hub.repos[NAME].refuse = (status, code)
        assert "HF_TOKEN" in refusal(NAME, settings, ModelRefused).hint


def test_the_token_of_the_environment_is_sent(
    hub: FakeHub, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    locate(NAME, settings)
    assert set(hub.tokens) == {"Bearer hf_secret"}


def test_the_limit_of_a_download(hub: FakeHub, settings: Settings) -> None:
    size = choose_files({name: len(data) for name, data in hub.repos[NAME].files.items()}).total
    small = settings.model_copy(update={"download_limit": size - 1})
    assert str(size) in refusal(NAME, small, ModelRefused).detail
    assert hub.fetched == []
    locate(NAME, settings.model_copy(update={"download_limit": size}))


def test_sizes_that_are_not_told(hub: FakeHub, settings: Settings) -> None:
    hub.repos[NAME].hide_sizes = True
    refusal(NAME, settings, ModelRefused)


def test_no_safetensors(hub: FakeHub, settings: Settings) -> None:
    del hub.repos[NAME].files["model.safetensors"]
    assert "pickles" in refusal(NAME, settings, ModelRefused).detail
    assert hub.fetched == []


def test_a_hub_that_does_not_answer(hub: FakeHub, settings: Settings) -> None:
    hub.delay = 3
    begin = time.perf_counter()
    refusal(NAME, settings.model_copy(update={"hub_timeout": 0.5}), HubUnavailable)
    assert time.perf_counter() - begin < 1


def test_no_network(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    point_at(monkeypatch, "http://127.0.0.1:9", tmp_path / "hf")
    assert refusal(NAME, settings, HubUnavailable).retry_after
    point_at(monkeypatch, "http://no-such-host.invalid", tmp_path / "hf")
    refusal(NAME, settings, HubUnavailable)


def test_offline_by_the_environment(hub: FakeHub, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = locate(NAME, settings).folder
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    hub.asked.clear()
    assert locate(NAME, settings).folder == folder
    assert "HF_HUB_OFFLINE" in refusal("somebody/else", settings, HubUnavailable).detail
    assert hub.asked == []


def test_switched_off_by_the_operator(hub: FakeHub, settings: Settings) -> None:
    off = settings.model_copy(update={"hub": False})
    assert "switched off" in refusal(NAME, off, ModelRefused).detail
    assert hub.asked == []
    folder = locate(NAME, settings).folder
    hub.asked.clear()
    assert locate(NAME, off).folder == folder
    assert hub.asked == []


def test_a_download_stops_when_nobody_waits(hub: FakeHub, settings: Settings) -> None:
    hub.slow_file = 0.3
    stages: list[Stage] = []
    with pytest.raises(Cancelled):
        locate(NAME, settings, stages.append, lambda: any(stage.stage == "download" for stage in stages))
    assert "model.safetensors" not in hub.fetched
    with pytest.raises(Cancelled):
        locate(NAME, settings, silent, lambda: True)


@pytest.mark.usefixtures("hub")
def test_the_cache_is_listed_and_removed_from(settings: Settings) -> None:
    assert [info.id for info in offered(settings) if "/" in info.id] == []
    locate(NAME, settings)
    (listed,) = [info for info in offered(settings) if info.id == NAME]
    assert (listed.architecture, listed.layers, listed.heads, listed.kind) == ("bert", 2, 2, "encoder")
    assert (listed.revision, listed.loaded) == (COMMIT, False)
    assert hub_cache.remove(NAME) > 0
    assert [info.id for info in offered(settings) if "/" in info.id] == []
    assert hub_cache.remove(NAME) == 0


def test_files_are_chosen_by_name() -> None:
    sizes: dict[str, int | None] = {
        "config.json": 1, "model-00001-of-00002.safetensors": 10, "model-00002-of-00002.safetensors": 20,
        "model.safetensors.index.json": 2, "tokenizer.json": 4, "consolidated.safetensors": 99,
        "model.fp16.safetensors": 99, "sub/config.json": 99, "code.py": 99, "vocab.pkl": 99, "weights.bin": 99,
    }  # fmt: skip
    files = choose_files(sizes)
    assert files.total == 37
    assert set(files.all) == {name for name, size in sizes.items() if size != 99}
    with pytest.raises(ModelRefused):
        choose_files({"model.safetensors": 3})
    with pytest.raises(ModelRefused):
        choose_files({name: size for name, size in sizes.items() if "index" not in name})


def test_errors_end_at_the_border(hub: FakeHub, settings: Settings) -> None:
    hub.repos[NAME].refuse = (500, "")
    error = refusal(NAME, settings, HubUnavailable)
    assert error.__cause__ is not None
    assert hub.url not in error.detail + error.hint
    with pytest.raises(HubUnavailable):
        locate(NAME, settings, silent, never)


def test_a_fresh_process_honours_the_environment_and_answers_soon(
    hub: FakeHub, settings: Settings, tmp_path: Path
) -> None:
    locate(NAME, settings)
    (tmp_path / "home").mkdir()
    (tmp_path / "hf").rename(tmp_path / "home" / "hub")
    code = f"""
import os
import subprocess
import sys
import time
from app.errors import HubUnavailable
from app.models.sources import hub, hub_cache
from app.models.ids import parse_id
from app.models.progress import never, silent
from app.settings import Settings
begin = time.perf_counter()
print([str(model.id) for model in hub_cache.cached_models()])
print(hub.find(parse_id("{NAME}"), Settings(), silent, never).revision)
try:
    hub.find(parse_id("somebody/else"), Settings(), silent, never)
except HubUnavailable:
    print(time.perf_counter() - begin < 2)
"""
    environment = {**os.environ, "HF_HOME": str(tmp_path / "home"), "HF_HUB_OFFLINE": "1", "HF_ENDPOINT": hub.url}
    hub.asked.clear()
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:3] == [f"['{NAME}']", COMMIT, "True"]
    assert hub.asked == []
