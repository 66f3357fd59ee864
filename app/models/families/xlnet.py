"""XLNet: listed among the causal models, but it sees the whole text; a memory of earlier texts is not kept."""

from __future__ import annotations

from app.models.families.family import Family

XLNET = Family(kind="encoder", arguments={"use_mems": False})
