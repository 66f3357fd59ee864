"""Our own reading of a model's config.json, before transformers acts on it.

transformers sets every key of the file as an attribute of the config, private ones too: `_attn_implementation`
reaches a setter that can fetch and run code from the hub (CVE-2026-4372 came that way). So: private keys are
refused unless known to be harmless, code is never taken from a model, and the size of the model is known first.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.errors import ModelRefused
from app.models.size import BYTES, check_numbers, check_size, memory_of
from app.models.strict_json import read_object
from app.models.tokenizer_files import check_tokenizer
from app.models.weights import read_weights
from app.settings import Settings

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

HARMLESS = frozenset(
    {
        "_name_or_path", "_model_name_or_path", "_commit_hash", "_num_labels", "_attn_implementation_autoset",
        "_sliding_window_pattern", "_remove_final_layer_norm",
    }
)  # fmt: skip
"""Private keys found in published configs, which choose neither code nor files (the last is OPT's)."""

STEERING = frozenset({"attn_implementation", "experts_implementation", "transformers_weights", "quantization_config",
                      "backbone", "use_timm_backbone", "backbone_config", "custom_generate"})  # fmt: skip
"""Public keys that choose code, other files or other weights."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the check found: `weight_bytes` as stored, `memory_bytes` once loaded."""

    model_type: str
    weight_bytes: int
    memory_bytes: int


def check_config(folder: Path, settings: Settings) -> Checked:
    """Raises ModelRefused, with the reason, for a model that is not safe or not possible to load."""
    config = check_keys(folder)
    if (folder / "adapter_config.json").exists():
        raise ModelRefused("This is an adapter for another model.", "Take the model that it was merged into.")
    weights = read_weights(folder)
    dtype, limit = settings.dtype, settings.model_limit
    stored = check_size(BYTES[dtype] * weights.parameters, limit)
    memory = check_size(max(memory_of(_build_config(config), dtype, limit), stored), limit)
    return Checked(config["model_type"], weights.bytes, memory)


def check_keys(folder: Path) -> dict[str, Any]:
    """The part that needs no weights, the tokenizer's too: done before they are fetched. Answers with the config."""
    if not (folder / "config.json").is_file():
        raise ModelRefused("This model has no config.json.", "Take a model made for the transformers library.")
    config = read_object(folder / "config.json")
    for key, value in _keys(config):
        if key.startswith("_") and key not in HARMLESS:
            raise ModelRefused("config.json of this model holds a private setting that could run code.")
        if key in STEERING and value is not None:
            raise ModelRefused(f"config.json of this model sets {key}, which is not allowed here.")
    check_numbers(config)
    model_type = config.get("model_type")
    if not isinstance(model_type, str) or model_type not in language_models():
        if "auto_map" in config:
            raise ModelRefused("This model needs its own code, which is never run here.")
        raise ModelRefused("config.json names no kind of language model that is known here.")
    check_tokenizer(folder)
    return config


def language_models() -> frozenset[str]:
    """The `model_type`s of transformers that have a language-model head of some kind."""
    from transformers.models.auto import modeling_auto as auto

    return frozenset(
        {
            *auto.MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
            *auto.MODEL_FOR_MASKED_LM_MAPPING_NAMES,
            *auto.MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
        }
    )


def _build_config(config: dict[str, Any]) -> PreTrainedConfig:
    from transformers import CONFIG_MAPPING

    try:
        built: PreTrainedConfig = CONFIG_MAPPING[config["model_type"]].from_dict(dict(config))
    except Exception as exc:
        raise ModelRefused("config.json of this model is not a valid one of its kind.") from exc
    return built


def _keys(value: Any) -> Iterator[tuple[str, Any]]:
    """Every key at every depth."""
    if isinstance(value, dict):
        for key, child in value.items():
            yield key, child
            yield from _keys(child)
    elif isinstance(value, list):
        for child in value:
            yield from _keys(child)
