"""The installation's secret: kept where it can be, and never a reason not to start."""

from __future__ import annotations

from pathlib import Path

from app.models.secret import installation_secret


def test_it_is_made_once_and_only_its_owner_may_read_it(tmp_path: Path) -> None:
    first = installation_secret(tmp_path / "cache")
    assert len(first) == 32
    assert installation_secret(tmp_path / "cache") == first
    assert (tmp_path / "cache" / "secret").stat().st_mode & 0o077 == 0


def test_where_it_cannot_be_kept_or_read_it_is_in_memory_only(tmp_path: Path) -> None:
    no_folder = tmp_path / "file"
    no_folder.write_text("no folder")
    (tmp_path / "other" / "secret").mkdir(parents=True)  # there, and cannot be read as a file
    short = tmp_path / "short"
    short.mkdir()
    (short / "secret").write_bytes(b"half")
    for cache in (no_folder, tmp_path / "other", short):
        made = {installation_secret(cache), installation_secret(cache)}
        assert len(made) == 2, "each start has its own"
        assert all(len(one) == 32 for one in made)
