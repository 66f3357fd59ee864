"""The models in memory: loaded once however many ask, given up when nobody waits, let go when others need the room."""

from __future__ import annotations

import gc
import subprocess
import sys
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from app.errors import Cancelled, ModelFailed, ModelIdInvalid, ModelRefused, ModelUnknown
from app.models.checkpoint import Checkpoint
from app.models.info import ModelInfo
from app.models.library import Library
from app.models.listing import offered
from app.models.progress import Progress, Stage
from app.settings import Settings
from tests.models.checkpoints import save_bert

NAMES = ("one", "two", "three")
WAIT = 10.0


@dataclass(frozen=True, eq=False)
class FakeModel:
    info: ModelInfo
    bytes: int


class Builder:
    """A build that can be held up, made to fail, and counted."""

    def __init__(self, size: int = 100) -> None:
        self.size = size
        self.built: list[str] = []
        self.fail: Exception | None = None
        self.at_once = self.most_at_once = 0
        self.started, self.go_on = threading.Event(), threading.Event()
        self.go_on.set()

    def hold(self) -> None:
        self.started.clear()
        self.go_on.clear()

    def __call__(self, checkpoint: Checkpoint, settings: Settings, progress: Progress) -> FakeModel:
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            self.built.append(checkpoint.id)
            progress(Stage("weights", 1, 2, "Reading"))
            self.started.set()
            assert self.go_on.wait(WAIT)
            progress(Stage("weights", 2, 2, "Read"))
            if self.fail is not None:
                raise self.fail
            info = next(info for info in offered(settings) if info.id == checkpoint.id)
            return FakeModel(info, self.size)
        finally:
            self.at_once -= 1


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return {name: save_bert(tmp_path_factory.mktemp("models") / name) for name in NAMES}


@pytest.fixture
def settings(folders: dict[str, Path], tmp_path: Path) -> Settings:
    return Settings(models=folders, cache_dir=tmp_path, hub=False)


@pytest.fixture
def build() -> Builder:
    return Builder()


@pytest.fixture
def library(settings: Settings, build: Builder) -> Library[FakeModel]:
    return Library(settings, build)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(16) as executor:
        yield executor


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + WAIT
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.005)


def test_two_names_of_one_commit_are_one_model(
    settings: Settings, folders: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    commits = {"org/a": "c1", "org/a@main": "c1", "org/a@old": "c0", "org/b": "c1"}
    built: list[str] = []

    def locate(key: str, *_: object) -> Checkpoint:
        return Checkpoint(key, folders["one"], "hub", commits[key], None, 1)

    def build(checkpoint: Checkpoint, *_: object) -> FakeModel:
        built.append(checkpoint.id)
        like = next(info for info in offered(settings) if info.id == "one")
        return FakeModel(replace(like, id=checkpoint.id, revision=checkpoint.revision), 100)

    monkeypatch.setattr("app.models.library.locate", locate)
    library: Library[FakeModel] = Library(settings, build)
    first = library.load("org/a")
    assert library.load("org/a@main") is first
    assert library.load("org/a@main") is first
    assert library.load("org/a@old") is not first
    assert library.load("org/b") is not first, "another repository, though its commit has the same name"
    assert built == ["org/a", "org/a@old", "org/b"]
    library.remove("org/a")
    assert library.load("org/a@main") is not first
    assert built[-1] == "org/a@main"


def test_loaded_once_and_kept(library: Library[FakeModel], build: Builder) -> None:
    assert library.loaded("one") is None
    model = library.load("one")
    assert library.load("one") is model
    assert library.loaded("one") is model
    assert build.built == ["one"]


def test_many_ask_and_it_is_loaded_once(library: Library[FakeModel], build: Builder, pool: ThreadPoolExecutor) -> None:
    build.hold()
    heard: list[list[Stage]] = [[] for _ in range(12)]
    first = pool.submit(library.load, "one", heard[0].append)
    assert build.started.wait(WAIT)
    others = [pool.submit(library.load, "one", stages.append) for stages in heard[1:]]
    until(lambda: all(heard))
    build.go_on.set()
    models = {asked.result(WAIT) for asked in (first, *others)}
    assert len(models) == 1
    assert build.built == ["one"]
    assert [stage.stage for stage in heard[0]] == ["find", "weights", "weights"]
    for stages in heard[1:]:
        assert [stage.done for stage in stages] == [1, 2], "a late one hears where the load is, and the rest"


def test_different_models_are_built_one_after_the_other(
    library: Library[FakeModel], build: Builder, pool: ThreadPoolExecutor
) -> None:
    assert {model.info.id for model in pool.map(library.load, NAMES)} == set(NAMES)
    assert build.most_at_once == 1


def test_one_who_leaves_does_not_stop_the_others(
    library: Library[FakeModel], build: Builder, pool: ThreadPoolExecutor
) -> None:
    build.hold()
    gone = threading.Event()
    heard: list[Stage] = []
    stays = pool.submit(library.load, "one")
    leaves = pool.submit(library.load, "one", heard.append, gone.is_set)
    assert build.started.wait(WAIT)
    until(lambda: bool(heard))
    gone.set()
    with pytest.raises(Cancelled):
        leaves.result(WAIT)
    before = list(heard)
    build.go_on.set()
    assert stays.result(WAIT) is library.loaded("one")
    assert heard == before, "who has gone hears nothing more"


def test_the_load_stops_between_stages_when_the_last_one_leaves(
    library: Library[FakeModel], build: Builder, pool: ThreadPoolExecutor
) -> None:
    build.hold()
    gone = threading.Event()
    leave = [pool.submit(library.load, "one", None, gone.is_set) for _ in range(3)]
    assert build.started.wait(WAIT)
    gone.set()
    for asked in leave:
        with pytest.raises(Cancelled):
            asked.result(WAIT)
    build.go_on.set()
    until(lambda: build.at_once == 0)
    assert library.loaded("one") is None
    assert library.load("one").info.id == "one"
    assert build.built == ["one", "one"]


def test_who_comes_after_all_have_left_begins_anew(
    library: Library[FakeModel], build: Builder, pool: ThreadPoolExecutor
) -> None:
    build.hold()
    gone = threading.Event()
    first = pool.submit(library.load, "one", None, gone.is_set)
    assert build.started.wait(WAIT)
    gone.set()
    with pytest.raises(Cancelled):
        first.result(WAIT)
    second = pool.submit(library.load, "one")
    time.sleep(0.1)
    build.go_on.set()
    assert second.result(WAIT).info.id == "one"
    assert build.most_at_once == 1


def test_a_failure_reaches_all_and_is_forgotten(
    library: Library[FakeModel], build: Builder, pool: ThreadPoolExecutor
) -> None:
    build.hold()
    build.fail = ModelFailed("broken")
    asked = [pool.submit(library.load, "one") for _ in range(5)]
    assert build.started.wait(WAIT)
    time.sleep(0.1)
    build.go_on.set()
    for one in asked:
        with pytest.raises(ModelFailed):
            one.result(WAIT)
    assert build.built == ["one"]
    build.fail = None
    assert library.load("one").info.id == "one"


def test_no_memory_is_a_problem_that_is_told(library: Library[FakeModel], build: Builder) -> None:
    build.fail = MemoryError()  # type: ignore[assignment]
    with pytest.raises(ModelFailed, match="memory"):
        library.load("one")


def test_a_listener_that_fails_harms_nobody(library: Library[FakeModel]) -> None:
    def broken(_: Stage) -> None:
        raise RuntimeError("the connection is closed")

    assert library.load("one", broken).info.id == "one"


def test_the_least_recently_used_goes_first(settings: Settings) -> None:
    gone: list[str] = []
    probe = Library(settings, Builder(0)).load("one")
    memory = 4 * 3000
    del probe
    library = Library(settings.model_copy(update={"model_budget": 2 * memory}), Builder(memory), gone.append)
    library.load("one")
    library.load("two")
    library.load("one")
    library.load("three")
    assert gone == ["two"]
    assert [info.id for info in library.models() if info.loaded] == ["one", "three"]
    library.load("two")
    assert gone == ["two", "one"]


def test_room_is_made_before_the_next_is_built(settings: Settings) -> None:
    """With a budget for one, the second is never in memory beside the first."""
    alive: list[int] = []
    kept: list[weakref.ref[FakeModel]] = []

    def build(checkpoint: Checkpoint, settings: Settings, _: Progress) -> FakeModel:
        alive.append(sum(ref() is not None for ref in kept))
        info = next(info for info in offered(settings) if info.id == checkpoint.id)
        model = FakeModel(info, checkpoint.memory_bytes)
        kept.append(weakref.ref(model))
        return model

    sizes: list[int] = []
    Library(settings, lambda c, s, p: sizes.append(c.memory_bytes) or build(c, s, p)).load("one")  # type: ignore[func-returns-value]
    gc.collect()
    alive.clear()
    kept.clear()
    library = Library(settings.model_copy(update={"model_budget": sizes[0] + 10}), build)
    for name in NAMES:
        library.load(name)
    assert alive == [0, 0, 0]


def test_a_model_that_never_fits_is_refused_and_nothing_is_let_go(settings: Settings, build: Builder) -> None:
    library = Library(settings.model_copy(update={"model_budget": 1000}), build)
    with pytest.raises(ModelRefused, match="1000"):
        library.load("one")
    assert build.built == []


def test_a_model_that_turns_out_too_large_is_refused(settings: Settings) -> None:
    library = Library(settings.model_copy(update={"model_budget": 10**6}), Builder(10**7))
    with pytest.raises(ModelRefused):
        library.load("one")
    assert library.loaded("one") is None


@pytest.mark.parametrize(
    ("model_id", "error"),
    [("../one", ModelIdInvalid), ("", ModelIdInvalid), ("four", ModelUnknown), ("a/b", ModelRefused)],
)
def test_ids_that_lead_nowhere(library: Library[FakeModel], build: Builder, model_id: str, error: type) -> None:
    with pytest.raises(error):
        library.load(model_id)
    assert build.built == []
    assert library._loading == {}


def test_the_list(library: Library[FakeModel]) -> None:
    names = [info.id for info in library.models()]
    assert [name for name in names if name in NAMES] == list(NAMES)
    assert {"minilm", "smollm2"} <= set(names)
    assert not any(info.loaded for info in library.models())
    library.load("two")
    assert [info.id for info in library.models() if info.loaded] == ["two"]
    assert len(library.models()) == len(names)


def test_removing(settings: Settings, build: Builder) -> None:
    gone: list[str] = []
    library = Library(settings, build, gone.append)
    library.load("one")
    assert library.remove("one") == 0, "the operator's folder is left alone"
    assert gone == ["one"]
    assert library.loaded("one") is None
    assert (settings.models["one"] / "model.safetensors").is_file()
    with pytest.raises(ModelIdInvalid):
        library.remove("../one")


def test_under_a_storm_of_callers(settings: Settings) -> None:
    """Loads, cancellations and evictions at once: every caller gets the model or Cancelled, and the budget holds."""
    build = Builder(4000)
    library = Library(settings.model_copy(update={"model_budget": 12_000}), build)

    def ask(number: int) -> Any:
        leave_at = time.monotonic() + (0.02 if number % 3 == 0 else WAIT)
        try:
            return library.load(NAMES[number % 3 - number % 2], None, lambda: time.monotonic() > leave_at).info.id
        except Cancelled:
            return None

    with ThreadPoolExecutor(24) as executor:
        answers = list(executor.map(ask, range(120)))
    assert {answer for number, answer in enumerate(answers) if number % 3} <= set(NAMES)
    assert build.most_at_once == 1
    until(lambda: library._loading == {})
    assert sum(model.bytes for model in library._models.values()) <= 12_000


def test_listing_what_there_is_needs_neither_torch_nor_transformers(tmp_path: Path) -> None:
    """They take seconds to import; the page asks for the list as it opens."""
    code = """
import sys
from pathlib import Path
from app.models.library import Library
from app.settings import Settings
from app.tokens.tokenize import clean_text, tokenize
print(len(Library(Settings(cache_dir=Path(sys.argv[1])), None).models()) >= 2)
print(sorted({"torch", "transformers"} & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.split("\n")[:2] == ["True", "[]"]
