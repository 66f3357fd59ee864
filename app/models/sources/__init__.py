"""Where weights come from: one file for each source. `locate` finds a model's folder and checks it."""

from __future__ import annotations

from app.errors import Cancelled as CancelledError
from app.errors import ModelUnknown
from app.models.catalogue import adapted_entry, entry, shipped_entry
from app.models.checkpoint import Checkpoint
from app.models.ids import parse_id
from app.models.progress import Cancelled, Progress, Stage, never, silent
from app.models.sources import adapted, folder, hub, shipped, wheel
from app.models.sources.found import Found
from app.settings import Settings


def locate(model_id: str, settings: Settings, progress: Progress = silent, cancelled: Cancelled = never) -> Checkpoint:
    """The model's files on this machine, fetched or converted where that is needed, and checked.

    An operator's folder goes before the catalogue, and both before the hub. Raises ModelIdInvalid, ModelUnknown,
    HubUnavailable, ModelRefused, ModelFailed, Cancelled.
    """
    from app.models.config_check import check_config

    parsed = parse_id(model_id)
    progress(Stage("find", 0, 1, "Looking for the model"))
    found = _find(model_id, settings, progress, cancelled)
    if cancelled():
        raise CancelledError("Nobody was waiting for the model any more.")
    checked = check_config(found.folder, settings)
    return Checkpoint(
        id=str(parsed),
        folder=found.folder,
        source=found.source,
        revision=found.revision,
        licence=found.licence,
        weight_bytes=checked.weight_bytes,
        memory_bytes=checked.memory_bytes,
    )


def _find(model_id: str, settings: Settings, progress: Progress, cancelled: Cancelled) -> Found:
    if model_id in settings.models:
        return folder.find(model_id, settings, progress, cancelled)
    line = entry(model_id)
    if line is not None:
        return wheel.find(line, settings, progress, cancelled)
    trained = shipped_entry(model_id)
    if trained is not None:
        return shipped.find(trained)
    with_adapter = adapted_entry(model_id)
    if with_adapter is not None:
        return adapted.find(with_adapter, settings, progress, cancelled)
    parsed = parse_id(model_id)
    if parsed.org is None:
        raise ModelUnknown(
            "There is no model of that name.",
            "Take one that `headlight models` or /api/models lists, or a hub id with its owner: org/name.",
        )
    return hub.find(parsed, settings, progress, cancelled)
