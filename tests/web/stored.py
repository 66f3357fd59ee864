"""An engine that holds runs of tiny models by name, and asks them in the caller's thread."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from starlette.testclient import TestClient

from app.errors import RunExpired
from app.models.run import Run
from app.server import create_app
from app.settings import Settings
from tests.web.conftest import HOME, resolved


class StoredRuns:
    """`runs` under their names, which become their ids. `long` remembers which questions were put behind passes, and
    `gave_way` how often one of them let others go first.
    """

    def __init__(self, settings: Settings, runs: Mapping[str, Run]) -> None:
        self.settings = settings
        self.runs = {name: replace(run, id=name) for name, run in runs.items()}
        self.long: list[bool] = []
        self.gave_way = 0

    def get(self, run: str) -> Run:
        if run not in self.runs:
            raise RunExpired("The run is not stored.", "Post it again.")
        return self.runs[run]

    def look(self, run: Run, question: Callable[[Run], Any], cancelled: Callable[[], bool], long: bool = False) -> Any:  # noqa: ARG002
        self.long.append(long)
        return question(run)

    def giving_way(self, run: Run, cancelled: Callable[[], bool]) -> Callable[[], bool]:  # noqa: ARG002
        def asked() -> bool:
            self.gave_way += 1
            return cancelled()

        return asked

    def facts(self) -> dict[str, float]:
        return {}

    def close(self) -> None: ...


@contextmanager
def serving(runs: Mapping[str, Run], **settings: Any) -> Iterator[tuple[TestClient, StoredRuns]]:
    """The application over such an engine."""
    made = Settings(warm=False, **settings)
    engine = StoredRuns(made, runs)
    with TestClient(create_app(made, resolved(engine)), base_url=HOME) as client:
        yield client, engine


def checked(answer: Any) -> dict[str, Any]:
    """A 200 answer's document, whose checks all hold."""
    assert answer.status_code == 200, answer.text
    document: dict[str, Any] = answer.json()
    assert document["checks"]
    assert all(check["ok"] for check in document["checks"])
    return document


def events(text: str) -> list[tuple[str, str]]:
    """(name, data) of each server-sent event."""
    parts = [part.split("\n") for part in text.strip().split("\n\n")]
    return [(part[0].removeprefix("event: "), part[1].removeprefix("data: ")) for part in parts]
