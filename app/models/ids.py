"""What a model may be called: a name of the catalogue or of an operator's folder, or a hub id. Never a path.

An id comes from outside and ends up in folder names and addresses, so it is read strictly and the errors do
not repeat it.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from app.errors import ModelIdInvalid
from app.settings import is_model_name

REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}|refs/pr/[0-9]{1,9}")
COMMIT = re.compile(r"[0-9a-f]{40}")
LONGEST_REPO = 96
LONGEST_REVISION = 64


@dataclass(frozen=True, slots=True)
class ModelId:
    """`name` alone, or `org/name` of the hub with an optional revision (branch, tag or commit)."""

    name: str
    org: str | None = None
    revision: str | None = None

    @property
    def repo(self) -> str:
        return f"{self.org}/{self.name}"

    @property
    def pinned(self) -> bool:
        """Does the id name one commit, which can never change?"""
        return self.revision is not None and COMMIT.fullmatch(self.revision) is not None

    def __str__(self) -> str:
        base = self.name if self.org is None else self.repo
        return base if self.revision is None else f"{base}@{self.revision}"


def parse_id(model_id: str) -> ModelId:
    """Raises ModelIdInvalid for whatever is not exactly an id: paths, addresses, `..`, drive letters, NUL, ...

    >>> parse_id("openai-community/gpt2@main")
    ModelId(name='gpt2', org='openai-community', revision='main')
    """
    if len(model_id) > LONGEST_REPO + 1 + LONGEST_REVISION:
        raise _invalid("It is too long.")
    base, at, revision = model_id.partition("@")
    org, slash, name = base.rpartition("/")
    if not is_model_name(name) or (slash and not is_model_name(org)) or len(base) > LONGEST_REPO:
        raise _invalid("It is neither a name nor org/name.")
    if at and (not slash or not REVISION.fullmatch(revision) or ".." in revision):
        raise _invalid("What follows the @ is not a branch, tag or commit of the hub.")
    return ModelId(name, org if slash else None, revision if at else None)


def _invalid(why: str) -> ModelIdInvalid:
    return ModelIdInvalid(
        f"That is not the id of a model. {why}",
        "Take an id from /api/models, or one of the Hugging Face hub: org/name or org/name@revision.",
    )
