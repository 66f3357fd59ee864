"""How large a model becomes, computed from its config before anything is allocated.

The model is built on torch's meta device, where tensors have shapes and no memory, and counted while it is built:
a config that asks for a billion layers, or one matrix of a billion rows, is stopped at once.
"""

from __future__ import annotations

import re
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from app.errors import ModelRefused

if TYPE_CHECKING:
    from transformers import PreTrainedConfig

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
"""Of one parameter, by the setting `dtype`."""

LARGEST_SIZE = 2**24
"""No width, vocabulary or number of positions is larger (the largest known is 10M positions)."""

MOST_REPEATS = 2**13
"""Nor is there any number of layers, heads or experts above this."""

MOST_MODULES = 20_000
"""Building as many takes about two seconds; the largest known models that fit a machine have a few thousand."""
REPEATED = re.compile(r"layer|block|head|expert|group|depth|stage")
MEASURE = re.compile(r"size|dim|width|ffn|embd|intermediate|vocab|position|length|window|token")
FREE = re.compile(r"theta|seed|token_id|id2label|label2id|rope|scaling|task_specific_params")
"""By their names, which numbers count parts, which measure something, and which are neither."""

SINUSOIDAL = frozenset({"distilbert", "flaubert", "marian", "pegasus", "roformer", "xlm"})
"""Kinds that fill a table of positions number by number, in memory, when they are built."""

LARGEST_TABLE = 2**25

LARGER = "Take a smaller model, or ask the operator to raise HEADLIGHT_MODEL_LIMIT."


def check_numbers(config: dict[str, Any]) -> None:
    """Refuses a config with a whole number that cannot be the size of anything, before transformers sees it."""
    for key, value in _numbers("", config):
        if FREE.search(key):
            continue
        name = key.rpartition(".")[2]
        counts = REPEATED.search(name) and not MEASURE.search(name)
        limit = MOST_REPEATS if counts else LARGEST_SIZE
        if abs(value) > limit:
            raise ModelRefused("A size in config.json of this model is beyond anything that can be loaded.")


def parameters_of(config: PreTrainedConfig, most: int) -> int:
    """How many parameters a model of this config has, shared ones once.

    Raises ModelRefused where none can be built, and stops at twice `most` (before shared ones are shared).
    """
    import torch
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

    _check_table(config)
    heads = (AutoModelForSeq2SeqLM, AutoModelForMaskedLM, AutoModelForCausalLM)
    auto = next((head for head in heads if type(config) in head._model_mapping), AutoModel)
    try:
        with warnings.catch_warnings(), torch.device("meta"), _counting(most):
            warnings.simplefilter("ignore")
            model = auto.from_config(config)  # type: ignore[no-untyped-call]
    except ModelRefused:
        raise
    except Exception as exc:
        raise ModelRefused("No model can be built from config.json of this model.") from exc
    return sum(parameter.numel() for parameter in model.parameters())


@contextmanager
def _counting(most: int) -> Iterator[None]:
    """Stops this thread from building more than `most` parameters or an absurd number of modules."""
    from torch.nn.modules import module

    thread = threading.get_ident()
    modules = parameters = 0

    def on_module(*_: Any) -> None:
        nonlocal modules
        modules += threading.get_ident() == thread
        if modules > MOST_MODULES:
            raise ModelRefused("config.json of this model asks for more parts than any model has.")

    def on_parameter(_: Any, __: str, parameter: Any) -> None:
        nonlocal parameters
        if threading.get_ident() == thread and parameter is not None:
            parameters += parameter.numel()
            if parameters > 2 * most:
                raise ModelRefused(
                    f"The model has more than {most} parameters, the most that fit into memory here.", LARGER
                )

    hooks = [
        module.register_module_module_registration_hook(on_module),
        module.register_module_parameter_registration_hook(on_parameter),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def check_size(parameters: int, dtype: str, limit: int) -> int:
    """The bytes that so many parameters take in memory. Raises ModelRefused above `limit`."""
    size = BYTES[dtype] * parameters
    if size > limit:
        raise ModelRefused(f"The model needs at least {size} bytes of memory, and {limit} is the limit.", LARGER)
    return size


def _check_table(config: PreTrainedConfig) -> None:
    positions = getattr(config, "max_position_embeddings", 0) or 0
    width = getattr(config, "hidden_size", 0) or 0
    if config.model_type in SINUSOIDAL and positions * width > LARGEST_TABLE:
        raise ModelRefused("config.json of this model asks for a table of positions beyond any real model's.")


def _numbers(key: str, value: Any) -> Iterator[tuple[str, int]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _numbers(f"{key}.{name}", child)
    elif isinstance(value, list):
        for child in value:
            yield from _numbers(key, child)
    elif isinstance(value, int) and not isinstance(value, bool):
        yield key, value
