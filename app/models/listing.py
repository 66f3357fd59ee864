"""What can be loaded here, told from files alone: nothing is imported, loaded or asked of the network.

A fact that only a loaded model can tell is None.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from app.errors import HeadlightError
from app.models.card import limits
from app.models.catalogue import ADAPTED, CATALOGUE, SHIPPED, Adapted, Entry, Shipped
from app.models.info import Kind, ModelInfo
from app.models.sources import adapted, folder, hub_cache, shipped, wheel
from app.models.sources.kept import kept_place
from app.models.strict_json import read_object
from app.models.weights import weight_files
from app.settings import Settings

LAYERS = ("num_hidden_layers", "n_layer", "n_layers", "num_layers", "encoder_layers")
HEADS = ("num_attention_heads", "n_head", "n_heads", "num_heads", "encoder_attention_heads")
HIDDEN = ("hidden_size", "n_embd", "d_model", "dim")
DECODERS = ("ForCausalLM", "LMHeadModel")
MASKED = ("ForMaskedLM", "ForPreTraining")


def offered(settings: Settings) -> list[ModelInfo]:
    """The operator's folders, the catalogue, and the models in the local hub cache. Each id once, the first wins."""
    found = [_from_folder(name, settings) for name in settings.models]
    found += [_from_catalogue(entry, settings) for entry in CATALOGUE if entry.id not in settings.models]
    found += [_from_shipped(line) for line in SHIPPED if line.id not in settings.models]
    found += [_from_adapted(line, settings) for line in ADAPTED if line.id not in settings.models]
    for cached in hub_cache.cached_models():
        config = _config(cached.folder)
        if known_type(config.get("model_type")):
            info = _info(str(cached.id), cached.id.repo, "Hugging Face cache", config)
            found.append(replace(info, revision=cached.commit, bytes=cached.bytes))
    return found


def known_type(model_type: Any) -> bool:
    """Does the installed transformers have a folder for this kind of model? Asked without importing it (3 seconds)."""
    from importlib.util import find_spec

    spec = find_spec("transformers")
    places = (spec.submodule_search_locations if spec is not None else None) or []
    name = model_type.replace("-", "_").removesuffix("_text") if isinstance(model_type, str) else ""
    name = "openai" if name == "openai_gpt" else name
    return name.isidentifier() and any((Path(place) / "models" / name).is_dir() for place in places)


def _from_catalogue(entry: Entry, settings: Settings) -> ModelInfo:
    wrong = wheel.problem(entry)
    warnings: tuple[str, ...] = ()
    size, config = None, {}
    if wrong is not None:
        warnings = (f"{wrong} Run: {entry.command}",)
    else:
        path = wheel.place(entry)
        if path.suffix == ".gguf":
            place = kept_place(entry.id, wheel.fingerprint(entry), settings)
            if not place.is_dir():
                warnings = ("The first load converts the model, which takes about half a minute.",)
        else:
            place = path
        config = _config(place)
        size = _size(place)
    info = _info(entry.id, entry.name, f"pip package {entry.requirement}", config)
    return replace(
        info,
        kind=entry.kind,
        architecture=entry.architecture,
        layers=entry.layers,
        heads=entry.heads,
        kv_heads=entry.kv_heads,
        revision=entry.version,
        licence=entry.licence,
        bytes=size,
        warnings=warnings,
    )


def _from_shipped(line: Shipped) -> ModelInfo:
    found = shipped.find(line)
    info = _info(line.id, line.name, found.source, _config(found.folder))
    note = limits(found.folder)
    return replace(info, revision=found.revision, licence=found.licence, bytes=_size(found.folder), note=note)


def _from_adapted(line: Adapted, settings: Settings) -> ModelInfo:
    base = _from_catalogue(adapted.base_of(line), settings)
    return replace(
        base,
        id=line.id,
        name=line.name,
        source=adapted.source(line),
        revision=adapted.fingerprint(line),
        licence=line.licence,
        language_head=True,
        note=limits(adapted.place(line)),
    )


def _from_folder(name: str, settings: Settings) -> ModelInfo:
    path = settings.models[name]
    if not path.exists():
        return replace(_info(name, name, "folder", {}), warnings=("The folder is gone.",))
    mark = folder.fingerprint(path)
    place = path if folder.gguf_file(path) is None else kept_place(name, mark, settings)
    info = _info(name, name, "folder", _config(place))
    return replace(info, revision=mark, bytes=_size(place))


def _info(model_id: str, name: str, source: str, config: dict[str, Any]) -> ModelInfo:
    """What a config.json says of itself. Multimodal ones keep their language model's part under `text_config`."""
    inner = config.get("text_config")
    text = {**config, **inner} if isinstance(inner, dict) else config
    heads, hidden = _number(text, HEADS), _number(text, HIDDEN)
    model_type = config.get("model_type")
    return ModelInfo(
        id=model_id,
        name=name,
        kind=_kind(config),
        architecture=model_type if isinstance(model_type, str) else None,
        layers=_number(text, LAYERS),
        heads=heads,
        kv_heads=_number(text, ("num_key_value_heads",)) or heads,
        head_dim=_number(text, ("head_dim", "d_kv")) or (hidden // heads if hidden and heads else None),
        hidden=hidden,
        vocab=_number(text, ("vocab_size",)),
        max_tokens=None,
        parameters=None,
        source=source,
        revision=None,
        licence=None,
        loaded=False,
        capture=None,
        pairs=None,
        language_head=None,
        bytes=None,
    )


def _kind(config: dict[str, Any]) -> Kind | None:
    if config.get("is_encoder_decoder") is True:
        return "encoder-decoder"
    names = config.get("architectures")
    name = names[0] if isinstance(names, list) and names and isinstance(names[0], str) else ""
    if name.endswith(DECODERS):
        return "decoder"
    return "encoder" if name.endswith(MASKED) else None


def _number(config: dict[str, Any], names: tuple[str, ...]) -> int | None:
    values = (config.get(name) for name in names)
    return next((value for value in values if isinstance(value, int) and not isinstance(value, bool)), None)


def _config(place: Path) -> dict[str, Any]:
    """The config.json of a folder; empty where there is none that can be read."""
    try:
        return read_object(place / "config.json")
    except HeadlightError:
        return {}


def _size(place: Path) -> int | None:
    try:
        return sum(file.stat().st_size for file in weight_files(place))
    except (HeadlightError, OSError):
        return None
