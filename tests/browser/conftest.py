"""The real server on a free port, a real browser on it, and the numbers computed another way.

Every page that a test opens is watched: an error in the console, a request to another host or a broken
content security policy fails the test, whatever else it is about.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright
from transformers import AutoModel, AutoTokenizer

from app.models import catalogue
from app.models.sources import wheel
from tests.browser.tiny_t5 import write_tiny_t5

CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
# As root in a container there is no sandbox; the rest keeps the browser from calling home.
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
WIDE, NARROW = ViewportSize(width=1440, height=900), ViewportSize(width=375, height=812)


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All tests of this folder drive a browser, and look at the real models.

    They go last: from the first of them on, playwright's event loop runs in the main thread, where no test of another
    folder could then start one of its own.
    """
    here = Path(__file__).parent
    items.sort(key=lambda item: here in item.path.parents)
    missing = [entry.id for entry in catalogue.CATALOGUE if wheel.problem(entry)]
    for item in items:
        if here not in item.path.parents:
            continue
        item.add_marker(pytest.mark.browser)
        item.add_marker(pytest.mark.real)
        if CHROMIUM is None:
            item.add_marker(pytest.mark.skip(reason="NOT RUN: no Chromium here (Debian: apt-get install chromium)"))
        elif missing:
            item.add_marker(pytest.mark.skip(reason=f"NOT RUN: {', '.join(missing)} not installed (models.txt)"))


@contextmanager
def serving(*options: str) -> Iterator[str]:
    """The address of a server that was started as a person starts it."""
    command = [sys.executable, "-m", "app", "serve", "--port", "0", "--no-hub", "--threads", "1", *options]
    server = subprocess.Popen(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).parents[2],
        env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )
    assert server.stdout is not None
    try:
        said = server.stdout.readline()
        found = re.search(r"http://\S+", said)
        assert found, f"the server did not say where it is: {said + server.stdout.read()}"
        yield found.group().rstrip("/")
    finally:
        server.terminate()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        server.stdout.close()


@pytest.fixture(scope="session")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A server for all tests, with an encoder-decoder beside the two real models."""
    folder = write_tiny_t5(tmp_path_factory.mktemp("models") / "tiny-t5")
    with serving("--model", f"tiny-t5={folder}") as address:
        yield address


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@dataclass
class Watch:
    """What went wrong in the pages of one test. `expected`: patterns of console errors that the test itself causes."""

    address: str
    errors: list[str] = field(default_factory=list)
    expected: list[str] = field(default_factory=list)

    def follow(self, context: BrowserContext) -> None:
        context.on("console", lambda message: self._say(message.text) if message.type in ("error", "warning") else None)
        context.on("weberror", lambda error: self.errors.append(f"uncaught: {error.error}"))
        context.on("request", lambda request: self._asked(request.url))

    def _say(self, text: str) -> None:
        if not any(re.search(pattern, text) for pattern in self.expected):
            self.errors.append(f"console: {text}")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.address, "data:", "blob:")):
            self.errors.append(f"asked another host: {url}")


@pytest.fixture
def watch(address: str) -> Iterator[Watch]:
    watch = Watch(address)
    yield watch
    assert watch.errors == []


Open = Callable[..., Page]


@pytest.fixture
def open_page(browser: Browser, address: str, watch: Watch) -> Iterator[Open]:
    """`open_page("/?view=map", size=NARROW, theme="dark")`: a page in a browser of its own, its picture drawn."""
    contexts: list[BrowserContext] = []

    def start(
        path: str = "/", *, size: ViewportSize = WIDE, theme: str = "light", drawn: bool = True,
        before: Callable[[BrowserContext], None] | None = None,
    ) -> Page:  # fmt: skip
        context = browser.new_context(
            viewport=size,
            color_scheme="dark" if theme == "dark" else "light",
            permissions=["clipboard-read", "clipboard-write"],
            reduced_motion="reduce",  # a colour on its way from one theme to the other is nobody's contrast
        )
        contexts.append(context)
        watch.follow(context)
        if before:
            before(context)
        page = context.new_page()
        page.goto(address + path)
        if drawn:
            wait_drawn(page)
        return page

    yield start
    for context in contexts:
        context.close()


def wait_drawn(page: Page) -> None:
    """Waits until there is a run, its picture, and nothing under way."""
    page.wait_for_selector("#bench:not([hidden]):not([inert]) #view > *", timeout=60_000)
    page.wait_for_selector("#aside .facts:not(:empty)", timeout=60_000)
    page.wait_for_function("() => document.querySelector('#busy').hidden", timeout=60_000)


@dataclass(frozen=True)
class Eager:
    """What transformers says itself, with every map kept: attentions [layer][head, query, key]."""

    attentions: tuple[torch.Tensor, ...]
    tokens: list[str]


@pytest.fixture(scope="session")
def eager() -> Callable[..., Eager]:
    """MiniLM by transformers' eager attention; no line of ours computes."""
    entry = catalogue.entry("minilm")
    assert entry is not None
    folder = wheel.place(entry)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()

    def compute(text: str, pair: str | None = None) -> Eager:
        inputs = tokenizer(text, pair, return_tensors="pt", padding=False, truncation=False)
        with torch.no_grad():
            outputs = model(**inputs, output_attentions=True)
        tokens = tokenizer.convert_ids_to_tokens(inputs["input_ids"][0])
        return Eager(tuple(layer[0] for layer in outputs.attentions), tokens)

    return compute
