"""What lies in the local Hugging Face cache, without asking the network."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from app.errors import HeadlightError, ModelRefused
from app.models.ids import COMMIT, ModelId, parse_id
from app.models.tokenizer_files import has_vocabulary
from app.models.weights import weight_files


@dataclass(frozen=True, slots=True)
class Cached:
    """A whole safetensors model in the cache."""

    id: ModelId
    folder: Path
    commit: str
    bytes: int


def snapshot(repo: str, revision: str | None) -> Path | None:
    """The folder of a revision (a branch, tag or commit; main unless told), if it is there as a whole."""
    place = _place(repo)
    commit = revision or "main"
    if not COMMIT.fullmatch(commit):
        try:
            commit = (place / "refs" / commit).read_text("ascii").strip()
        except (OSError, ValueError):
            return None
    folder = place / "snapshots" / commit
    return folder if COMMIT.fullmatch(commit) and _whole(folder) else None


def remember(repo: str, revision: str | None, commit: str) -> None:
    """Notes in the cache which commit a branch or tag was at, as huggingface_hub does: found again without network."""
    name = revision or "main"
    if COMMIT.fullmatch(name):
        return
    note = _place(repo) / "refs" / name
    note.parent.mkdir(parents=True, exist_ok=True)
    new = note.with_name(f"{note.name}.{os.getpid()}.tmp")
    new.write_text(commit, "ascii")
    new.replace(note)


def _place(repo: str) -> Path:
    from huggingface_hub import constants
    from huggingface_hub.file_download import repo_folder_name

    return Path(constants.HF_HUB_CACHE) / repo_folder_name(repo_id=repo, repo_type="model")


def cached_models() -> list[Cached]:
    """Every model in the cache that could be loaded: its main revision, or else the one that was used last."""
    from huggingface_hub import CacheNotFound, constants, scan_cache_dir

    try:
        report = scan_cache_dir(constants.HF_HUB_CACHE)
    except (CacheNotFound, OSError):
        return []
    found = []
    for repo in report.repos:
        if repo.repo_type != "model":
            continue
        revisions = sorted(repo.revisions, key=lambda r: ("main" in r.refs, r.last_modified), reverse=True)
        best = next((r for r in revisions if _whole(r.snapshot_path)), None)
        if best is None:
            continue
        try:
            name = repo.repo_id if "main" in best.refs else f"{repo.repo_id}@{best.commit_hash}"
            found.append(Cached(parse_id(name), best.snapshot_path, best.commit_hash, best.size_on_disk))
        except HeadlightError:
            continue
    return sorted(found, key=lambda model: str(model.id))


def _whole(folder: Path) -> bool:
    """Are the config, a file of the tokenizer's and all of the weights there?"""
    if not (folder / "config.json").is_file():
        return False
    try:
        weight_files(folder)
        return has_vocabulary(folder)
    except ModelRefused:
        return False


def remove(repo: str, revision: str | None = None) -> int:
    """Removes the model's snapshots (or the one of a branch, tag or commit) from the cache; answers in bytes freed."""
    from huggingface_hub import CacheNotFound, constants, scan_cache_dir

    try:
        report = scan_cache_dir(constants.HF_HUB_CACHE)
    except (CacheNotFound, OSError):
        return 0
    commits = [
        kept.commit_hash
        for model in report.repos
        if model.repo_type == "model" and model.repo_id == repo
        for kept in model.revisions
        if revision is None or revision == kept.commit_hash or revision in kept.refs
    ]
    if not commits:
        return 0
    plan = report.delete_revisions(*commits)
    plan.execute()
    return plan.expected_freed_size
