"""The installation's secret: run ids are keyed with it, so that nobody can guess the id of another's text."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def installation_secret(cache_dir: Path) -> bytes:
    """32 bytes from `cache_dir/secret`, made once, readable by its owner; in memory only where it cannot be kept."""
    path = cache_dir / "secret"
    try:
        cache_dir.mkdir(parents=True, exist_ok=True)
        with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(secrets.token_bytes(32))
    except FileExistsError:
        pass
    except OSError:
        return secrets.token_bytes(32)
    try:
        kept = path.read_bytes()
    except OSError:  # another user's, or no file at all
        return secrets.token_bytes(32)
    return kept if len(kept) == 32 else secrets.token_bytes(32)
