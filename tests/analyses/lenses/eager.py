"""The reference of the lenses' tests: transformers' own modules, by name, with eager attention and autograd."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from app.models import backend
from app.models.run import Run, inputs_of


@dataclass(frozen=True)
class Named:
    """The parts of one layer: `value` [N, W] -> [N, G * D], `output` [W, H * D] as Linear's; norms around."""

    block: nn.Module
    value: Callable[[Tensor], Tensor]
    value_module: nn.Module
    output: Tensor
    bias: Tensor | None
    norm_before: Callable[[Tensor], Tensor]
    norm_after: nn.LayerNorm | None


def named(run: Run, stack: str, layer: int) -> Named:
    """Where each architecture keeps them."""
    model: Any = run.model.network.model
    kind = run.model.info.architecture
    if kind == "bert":
        block = model.bert.encoder.layer[layer]
        inner, out = block.attention.self, block.attention.output
        return Named(block, inner.value, inner.value, out.dense.weight, out.dense.bias, nn.Identity(), out.LayerNorm)
    if kind == "gpt2":
        block = model.transformer.h[layer]
        conv = block.attn.c_attn
        width = conv.nf // 3
        proj = block.attn.c_proj
        return Named(block, lambda x: conv(x)[..., 2 * width :], conv, proj.weight.T, proj.bias, block.ln_1, None)
    if kind == "llama":
        block = model.model.layers[layer]
        attn = block.self_attn
        return Named(block, attn.v_proj, attn.v_proj, attn.o_proj.weight, None, block.input_layernorm, None)
    if kind == "t5":
        block = (model.encoder if stack == "encoder" else model.decoder).block[layer]
        part = block.layer[1 if stack == "cross" else 0]
        attn = part.EncDecAttention if stack == "cross" else part.SelfAttention
        before = nn.Identity() if stack == "cross" else part.layer_norm  # the encoder's states come as they are
        return Named(block, attn.v, attn.v, attn.o.weight, None, before, None)
    assert kind == "bart"
    block = (model.model.encoder if stack == "encoder" else model.model.decoder).layers[layer]
    attn = block.encoder_attn if stack == "cross" else block.self_attn
    norm = block.encoder_attn_layer_norm if stack == "cross" else block.self_attn_layer_norm
    return Named(block, attn.v_proj, attn.v_proj, attn.out_proj.weight, attn.out_proj.bias, nn.Identity(), norm)


@contextmanager
def eagerly(run: Run) -> Iterator[Any]:
    """The model with eager attention and gradients for its parameters, and back."""
    model = run.model.network.model
    model.set_attn_implementation("eager")
    model.requires_grad_(True)
    try:
        yield model
    finally:
        model.requires_grad_(False)
        model.set_attn_implementation(backend.NAME)


def output_of(run: Run, model: Any) -> Any:
    """A pass with everything transformers tells of it."""
    kind = run.model.info.kind
    extra = {} if kind == "encoder" else {"use_cache": False}
    inputs = inputs_of(run.model, run.tokens)
    return model(**inputs, **extra, output_attentions=True, output_hidden_states=True, return_dict=True)


def maps_of(output: Any, stack: str) -> tuple[Tensor, ...]:
    """The attentions of a stack, [1, H, Q, K] a layer."""
    names = {"cross": ("cross_attentions",), "encoder": ("encoder_attentions", "attentions")}
    for name in names.get(stack, ("decoder_attentions", "attentions")):
        found = getattr(output, name, None)
        if found is not None:
            return tuple(found)
    raise AssertionError(stack)


def states_of(output: Any, stack: str) -> tuple[Tensor, ...]:
    """What went into each layer [1, N, W]; for cross attention what its keys are made of."""
    if stack == "cross":
        return (output.encoder_last_hidden_state,) * len(output.cross_attentions)
    for name in (f"{stack}_hidden_states", "hidden_states"):
        found = getattr(output, name, None)
        if found is not None:
            return tuple(found)
    raise AssertionError(stack)


def brought(run: Run, stack: str, layer: int, states: Tensor) -> Tensor:
    """f_h(x_j) [H, K, W], by the modules themselves."""
    parts = named(run, stack, layer)
    heads = run.stack(stack).heads
    v = parts.value(parts.norm_before(states))[0]  # [K, G * D]
    dim = parts.output.shape[1] // heads
    v = v.view(len(v), -1, dim).repeat_interleave(heads * dim // v.shape[1], dim=1)  # [K, H, D]
    weight = parts.output.view(-1, heads, dim)  # [W, H, D]
    return torch.einsum("khd,whd->hkw", v, weight)
