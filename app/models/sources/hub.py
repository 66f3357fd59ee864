"""Models of the Hugging Face hub, by id. The only file that talks to the hub, and the border where its errors end.

HF_HOME, HF_TOKEN, HF_ENDPOINT and HF_HUB_OFFLINE are honoured, since huggingface_hub does all the work. The hub is
asked once, with a short limit, before anything is fetched: left to itself, a download retries for 25 seconds where
there is no network. Fetched are the files that a safetensors model is made of, by name: never a pickle, never code.
"""

from __future__ import annotations

import queue
import re
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, NoReturn, TypeVar

from app.errors import Cancelled as CancelledError
from app.errors import HeadlightError, HubUnavailable, ModelRefused, ModelUnknown
from app.models.ids import ModelId
from app.models.progress import Cancelled, Progress, Stage
from app.models.sources.found import Found
from app.models.sources.hub_files import choose_files
from app.models.sources.hub_progress import bar_class
from app.settings import Settings

if TYPE_CHECKING:
    from huggingface_hub.hf_api import ModelInfo as HubInfo

T = TypeVar("T")
SOURCE = "Hugging Face hub"
POLL = 0.05
LICENCE = re.compile(r"[A-Za-z0-9 ._+-]{1,60}")


@dataclass(frozen=True, slots=True)
class Listing:
    """What the hub says of a revision: its commit, its licence, and the sizes of its files (None: not told)."""

    commit: str
    licence: str | None
    sizes: dict[str, int | None]


def find(model: ModelId, settings: Settings, progress: Progress, cancelled: Cancelled) -> Found:
    """The snapshot in the local cache, fetched where it is not there or an older one is.

    Raises HubUnavailable (in less than two seconds), ModelUnknown, ModelRefused (gated, too large, no safetensors,
    hub switched off), Cancelled. What is in the cache is served where the hub cannot be asked.
    """
    from app.models.sources.hub_cache import remember, snapshot

    kept = snapshot(model.repo, model.revision)
    if kept is not None and (model.pinned or not settings.hub):
        return Found(kept, SOURCE, kept.name)
    if not settings.hub:
        raise ModelRefused(
            "The hub is switched off here, and the model is not in the local cache.",
            "Take one of /api/models, or ask the operator to switch the hub on.",
        )
    progress(Stage("hub", 0, 1, "Asking the hub"))
    try:
        listing = ask(model, settings, cancelled)
    except CancelledError:
        raise
    except HeadlightError:
        if kept is None:
            raise
        return Found(kept, SOURCE, kept.name)
    folder = snapshot(model.repo, listing.commit) or _fetch(model, listing, settings, progress, cancelled)
    with suppress(OSError):  # a cache that can only be read
        remember(model.repo, model.revision, listing.commit)
    return Found(folder, SOURCE, listing.commit, listing.licence)


def ask(model: ModelId, settings: Settings, cancelled: Cancelled) -> Listing:
    """What the hub knows of the model, within `settings.hub_timeout` seconds."""
    from huggingface_hub import HfApi

    def request() -> HubInfo:
        return HfApi().model_info(
            model.repo, revision=model.revision, timeout=settings.hub_timeout, files_metadata=True
        )

    try:
        info = _within(settings.hub_timeout, request, cancelled)
    except HeadlightError:
        raise
    except Exception as exc:
        _translate(exc)
    return _listing(info)


def _listing(info: HubInfo) -> Listing:
    from app.models.ids import COMMIT

    if info.sha is None or not COMMIT.fullmatch(info.sha):
        raise HubUnavailable("The hub's answer makes no sense.", "Try again later.")
    licence = next((tag.removeprefix("license:") for tag in info.tags or [] if tag.startswith("license:")), None)
    if licence is not None and not LICENCE.fullmatch(licence):
        licence = None
    return Listing(info.sha, licence, {file.rfilename: file.size for file in info.siblings or []})


def _fetch(model: ModelId, listing: Listing, settings: Settings, progress: Progress, cancelled: Cancelled) -> Path:
    """Downloads the config first and checks it; the weights only when it is fine and they are not too large."""
    from app.models.config_check import check_keys

    files = choose_files(listing.sizes)
    total = files.total
    if total > settings.download_limit:
        raise ModelRefused(
            f"The model is {total} bytes to fetch, and {settings.download_limit} is the limit.",
            "Take a smaller one, or ask the operator to raise HEADLIGHT_DOWNLOAD_LIMIT.",
        )
    folder = _download(model, listing.commit, files.small, _report(progress, "Fetching the config", total), cancelled)
    check_keys(folder)
    return _download(model, listing.commit, files.all, _report(progress, "Fetching the weights", total), cancelled)


def _report(progress: Progress, message: str, total: int) -> Callable[[int], None]:
    return lambda done: progress(Stage("download", min(done, total), total, message))


def _download(
    model: ModelId, commit: str, names: tuple[str, ...], report: Callable[[int], None], cancelled: Cancelled
) -> Path:
    from huggingface_hub import snapshot_download

    try:
        folder = snapshot_download(
            model.repo,
            revision=commit,
            allow_patterns=list(names),
            tqdm_class=bar_class(report, cancelled),
            max_workers=4,
        )
    except HeadlightError:
        raise
    except Exception as exc:
        _translate(exc)
    return Path(folder)


def _within(seconds: float, work: Callable[[], T], cancelled: Cancelled) -> T:
    """The result of `work`, or HubUnavailable when it takes longer.

    In a thread of its own, since looking up a host name obeys no timeout. It is left behind when it is late.
    """
    answers: queue.SimpleQueue[tuple[T | None, Exception | None]] = queue.SimpleQueue()

    def run() -> None:
        try:
            answers.put((work(), None))
        except Exception as exc:
            answers.put((None, exc))

    threading.Thread(target=run, name="hub-probe", daemon=True).start()
    end = monotonic() + seconds
    while True:
        try:
            value, error = answers.get(timeout=POLL)
        except queue.Empty:
            if cancelled():
                raise CancelledError("Nobody was waiting for the hub's answer any more.") from None
            if monotonic() > end:
                raise _unreachable() from None
            continue
        if error is not None:
            raise error
        return value  # type: ignore[return-value]


def _unreachable() -> HubUnavailable:
    return HubUnavailable(
        "The Hugging Face hub cannot be reached from here, and the model is not in the local cache.",
        "Connect this machine to the network, or take one of /api/models.",
        retry_after=30,
    )


def _translate(exc: Exception) -> NoReturn:
    """Raises our error for one of huggingface_hub's or of the HTTP library under it."""
    from huggingface_hub import errors

    if isinstance(exc, errors.OfflineModeIsEnabled):
        raise HubUnavailable(
            "The hub is switched off by HF_HUB_OFFLINE, and the model is not in the local cache.",
            "Take one of /api/models, or ask the operator to unset HF_HUB_OFFLINE.",
        ) from exc
    if isinstance(exc, errors.GatedRepoError):
        raise ModelRefused(
            "The model is gated: its owner asks for an agreement first.",
            "Accept its terms on huggingface.co, then start the server with HF_TOKEN set to a token of that account.",
        ) from exc
    if isinstance(exc, errors.RevisionNotFoundError):
        raise ModelUnknown("The model has no such revision.", "Leave out what follows the @, or correct it.") from exc
    if isinstance(exc, errors.DisabledRepoError):
        raise ModelRefused("The hub has disabled this model.", "Take another one.") from exc
    if isinstance(exc, errors.RepositoryNotFoundError):
        raise ModelUnknown(
            "The hub has no such model, or it is private.",
            "Check the spelling; for a private model, start the server with HF_TOKEN set to a token that may read it.",
        ) from exc
    status = getattr(getattr(exc, "response", None), "status_code", None)
    if status in (401, 403):
        raise ModelRefused(
            "The hub does not let this server read the model.",
            "Start the server with HF_TOKEN set to a token that may read it.",
        ) from exc
    if isinstance(exc, OSError) and exc.errno is not None and not _is_network(exc):
        raise HubUnavailable("The model cannot be written to the local cache.", "Free some room on the disk.") from exc
    raise _unreachable() from exc


def _is_network(exc: OSError) -> bool:
    return isinstance(exc, (ConnectionError, TimeoutError))
