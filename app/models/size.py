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
"""Kinds that fill a table of positions number by number in numpy, which knows no meta device, when they are built."""

LARGEST_TABLE = 2**22
"""Numbers in such a table: several seconds of work; the largest known has 2**20."""

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


def memory_of(config: PreTrainedConfig, dtype: str, limit: int) -> int:
    """The bytes that a model of this config takes: parameters in `dtype`, and buffers as they are, shared ones once.

    Raises ModelRefused where none can be built, and stops at twice `limit` (before shared ones are shared).
    """
    import torch
    from transformers import AutoModel, AutoModelForCausalLM, AutoModelForMaskedLM, AutoModelForSeq2SeqLM

    _check_table(config)
    heads = (AutoModelForSeq2SeqLM, AutoModelForMaskedLM, AutoModelForCausalLM)
    auto = next((head for head in heads if type(config) in head._model_mapping), AutoModel)
    try:
        with warnings.catch_warnings(), torch.device("meta"), _counting(dtype, limit):
            warnings.simplefilter("ignore")
            model = auto.from_config(config)  # type: ignore[no-untyped-call]
    except ModelRefused:
        raise
    except Exception as exc:
        raise ModelRefused("No model can be built from config.json of this model.") from exc
    parameters = sum(parameter.numel() for parameter in model.parameters())
    buffers = sum(buffer.numel() * buffer.element_size() for buffer in model.buffers())
    return int(BYTES[dtype] * parameters + buffers)


@contextmanager
def _counting(dtype: str, limit: int) -> Iterator[None]:
    """Stops this thread from building what takes more than twice `limit` bytes, or an absurd number of modules.

    Buffers count: a causal mask over all positions can be larger than all of the weights.
    """
    from torch.nn.modules import module

    thread = threading.get_ident()
    modules = size = 0

    def on_module(*_: Any) -> None:
        nonlocal modules
        modules += threading.get_ident() == thread
        if modules > MOST_MODULES:
            raise ModelRefused("config.json of this model asks for more parts than any model has.")

    def on_tensor(tensor: Any, element: int) -> None:
        nonlocal size
        size += tensor.numel() * element
        if size > 2 * limit:
            raise ModelRefused(f"The model needs more than {limit} bytes of memory, which is the limit.", LARGER)

    def on_parameter(_: Any, __: str, parameter: Any) -> None:
        if threading.get_ident() == thread and parameter is not None:
            on_tensor(parameter, BYTES[dtype])

    def on_buffer(_: Any, __: str, buffer: Any) -> None:
        if threading.get_ident() == thread and buffer is not None:
            on_tensor(buffer, buffer.element_size())

    hooks = [
        module.register_module_module_registration_hook(on_module),
        module.register_module_parameter_registration_hook(on_parameter),
        module.register_module_buffer_registration_hook(on_buffer),
    ]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


def check_size(size: int, limit: int) -> int:
    """`size`, in bytes. Raises ModelRefused above `limit`."""
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
