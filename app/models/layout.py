"""Layout: where a model keeps its attention and its layers, found from the names of its modules."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import partial
from typing import Any

from torch import Tensor, nn

from app.attention.recorder import current
from app.models.info import Kind

CROSS = re.compile(r"encoder_attn|EncDecAttention|cross_?attn|cross_?attention", re.IGNORECASE)
LAYER_LISTS = ("layers", "layer", "h", "block", "blocks", "albert_layer_groups")
"""What transformers calls the list of a model's layers; asked in this order where a model has several lists."""


@dataclass(frozen=True, slots=True)
class Layout:
    """stacks: the stack of every module, by identity. layers: the modules of each stack's layers, in order."""

    kind: Kind
    stacks: dict[int, str]
    layers: dict[str, tuple[nn.Module, ...]]

    def stack_of(self, module: object) -> str:
        """The stack that an attention module belongs to."""
        return self.stacks[id(module)]


def find_layout(model: nn.Module, kind: Kind) -> Layout:
    """Read the layout from the module names: `decoder.layers.3.encoder_attn` is cross attention, and so on."""
    stacks = {id(module): stack_of_name(name, kind) for name, module in model.named_modules()}
    lists: dict[str, dict[str, nn.ModuleList]] = {}
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and len(module) and not re.search(r"\.\d+(\.|$)", f".{name}"):
            lists.setdefault(_self_stack(stack_of_name(name, kind)), {})[name.rpartition(".")[2]] = module
    layers = {}
    for stack, found in lists.items():
        best = next((found[n] for n in LAYER_LISTS if n in found), next(iter(found.values())))
        layers[stack] = tuple(best)
    return Layout(kind, stacks, layers)


def stack_of_name(name: str, kind: Kind) -> str:
    """The stack of a module by its name.

    >>> stack_of_name("model.decoder.layers.3.encoder_attn", "encoder-decoder")
    'cross'
    >>> stack_of_name("transformer.h.3.attn", "decoder")
    'decoder'
    """
    if kind != "encoder-decoder":
        return kind
    if CROSS.search(name):
        return "cross"
    return "decoder" if re.search(r"(^|\.)decoder(\.|$)", name) else "encoder"


def _self_stack(stack: str) -> str:
    return "decoder" if stack == "cross" else stack


def listen(layout: Layout) -> None:
    """Let every layer tell the recorder of its pass what goes in, and the last of a stack what comes out."""
    for stack, layers in layout.layers.items():
        for layer in dict.fromkeys(layers):
            layer.register_forward_pre_hook(partial(_entering, stack), with_kwargs=True)
        layers[-1].register_forward_hook(partial(_leaving, stack))


def _entering(stack: str, _: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
    recorder = current.get()
    if recorder is not None:
        recorder.enter(stack, args[0] if args else kwargs["hidden_states"])


def _leaving(stack: str, _: nn.Module, __: tuple[Any, ...], output: Any) -> None:
    recorder = current.get()
    if recorder is not None:
        recorder.leave(stack, output if isinstance(output, Tensor) else output[0])
