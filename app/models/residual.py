"""Residual: what each block adds to the stream that the head reads in the end, found by watching one short pass.

    x + attention + MLP = what comes out of the block

Attention is the projected z of each kind of attention in the block, or a norm of it (Gemma 3). The MLP is found as a
chain of modules that leads from the sum so far (GPT-2, Llama, T5) or from x itself (GPT-NeoX) to what else was added:
Llama's is its norm and its `mlp`, OPT's its norm, two maps and what stands between. Everything is verified on the
numbers of the pass; what does not fit says why, as in a post-norm model, where each norm rescales what came before.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import torch
from torch import Tensor, nn

from app.models.anatomy import Anatomy, Projection
from app.models.ending import read_stack
from app.models.forward import Network, z_limit
from app.models.replay import hidden_of
from app.models.watch import Event, Seen, close, watch

POST_NORM = (
    "the sum is normed after each addition (post-norm), so that what a part added is rescaled by every norm after it"
)
NO_PARTS = "the block is not the plain sum of its input, its attention and one feed-forward part"


@dataclass(frozen=True, slots=True, eq=False)
class Attention:
    """One attention of a block: `output` projects its z, and `norm`, if there is one, what is added of that."""

    stack: str
    layer: int
    output: Projection
    norm: nn.Module | None


@dataclass(frozen=True, slots=True, eq=False)
class Mlp:
    """The feed-forward part: `modules` one after the other, from the sum so far, or `beside` it from the block's input.

    `bias` [W] is the one that is added last.
    """

    modules: tuple[nn.Module, ...]
    beside: bool
    bias: Tensor | None

    def __call__(self, x: Tensor, total: Tensor) -> Tensor:
        """[W] of the block's input and of the sum so far, in the model's dtype -> [W]."""
        states = (x if self.beside else total)[None, None]
        with torch.no_grad():
            for module in self.modules:
                states = hidden_of(module(states))
        return states.reshape(-1)


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """What one block adds, or why that cannot be told."""

    attentions: tuple[Attention, ...] = ()
    mlp: Mlp | None = None
    why: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Residual:
    """The blocks of the stream, in order. `positions`: a token's embedding and a position's go into the first."""

    blocks: tuple[Part, ...]
    positions: bool

    @property
    def why(self) -> str:
        """Why the stream is no sum of parts; empty where it is one."""
        return next((f"in block {i} {part.why}" for i, part in enumerate(self.blocks) if part.why), "")


def find_residual(network: Network, anatomy: Anatomy) -> Residual:
    """Read the parts of the stack whose last layer the head reads. Empty for a model that gives no q, k and v."""
    if network.capture == "weights":
        return Residual((), False)
    stack, limit = read_stack(network), z_limit(network.model.dtype)
    parts: list[Part] = []
    first: list[Tensor] = []

    def see(block: Seen) -> None:
        if block.stack == stack:
            first.append(block.given)
            parts.append(_part(block, anatomy, limit))

    outside, _ = watch(network, see)
    return Residual(tuple(parts), bool(first) and _has_positions(first[0], outside, limit))


def _part(block: Seen, anatomy: Anatomy, limit: float) -> Part:
    marks = [(i, *event.layer) for i, event in enumerate(block.events) if event.layer is not None]
    sites = [anatomy[stack][layer] for _, stack, layer in marks]
    if any(site.norm is not None for site in sites):
        return Part(why=POST_NORM)
    if any(site.output is None for site in sites):
        return Part(why=next(site.why for site in sites if site.output is None))
    options: list[list[tuple[Attention, Tensor]]] = []
    for (i, stack, layer), site in zip(marks, sites, strict=True):
        assert site.output is not None
        made = site.output(block.events[i].made[None])
        after = block.events[i + 1 :]
        found = [(Attention(stack, layer, site.output, None), made)]
        norms = [event for event in after if _is_norm(event.module) and close(event.given, made, limit)]
        found += [(Attention(stack, layer, site.output, event.module), event.made) for event in norms]
        options.append(found)
    for chosen in product(*options):
        total = sum((made for _, made in chosen), block.given)
        mlp = _mlp(block, total, limit)
        if mlp is not None:
            return Part(tuple(attention for attention, _ in chosen), mlp)
    return Part(why=NO_PARTS)


def _mlp(block: Seen, total: Tensor, limit: float) -> Mlp | None:
    """The chain that makes what came out of the block beyond the sum `total` [N, W]; None where there is none."""
    rest = block.made - total
    rounding = 8 * torch.finfo(torch.float32).eps * block.made.abs().amax(-1, keepdim=True)
    largest = rest.abs().amax(-1, keepdim=True)

    def is_rest(made: Tensor) -> bool:
        return made.shape == rest.shape and bool(((made - rest).abs() <= limit * largest + rounding).all())

    last = [i for i, event in enumerate(block.events) if event.module is not None and is_rest(event.made)]
    if not last:
        return None
    linear = (event.module for event in (block.events[i] for i in last) if _is_linear(event.module))
    bias = next((getattr(module, "bias", None) for module in linear), None)
    modules: list[nn.Module] = []
    at = last[-1]  # the outermost, which ends last
    while True:
        event = block.events[at]
        assert event.module is not None
        modules.insert(0, event.module)
        for beside, source in ((False, total), (True, block.given)):
            if close(event.given, source, limit):
                mlp = Mlp(tuple(modules), beside, bias)
                return mlp if is_rest(_rows_of(mlp, block.given, total)) else None
        before = [
            i for i, other in enumerate(block.events[:at])
            if other.module is not None and other.module not in modules and close(other.made, event.given, limit)
        ]  # fmt: skip
        if not before:
            return None
        at = before[-1]


def _rows_of(mlp: Mlp, x: Tensor, total: Tensor) -> Tensor:
    """[N, W], a row at a time, as it will be asked; not of that width where a module takes more than states."""
    dtype = next((p.dtype for module in mlp.modules for p in module.parameters()), x.dtype)
    try:
        return torch.stack([mlp(*pair).float() for pair in zip(x.to(dtype), total.to(dtype), strict=True)])
    except (TypeError, RuntimeError, ValueError, IndexError):
        return x.new_empty(0)


def _has_positions(first: Tensor, outside: Sequence[Event], limit: float) -> bool:
    """Is the first input the sum of what two embeddings gave?"""
    made = [event.made for event in outside if isinstance(event.module, nn.Embedding)]
    made = [m.expand_as(first) for m in made if m.shape[-1] == first.shape[-1] and len(m) in (1, len(first))]
    return any(close(a + b, first, limit) for i, a in enumerate(made) for b in made[i + 1 :])


def _is_norm(module: nn.Module | None) -> bool:
    weight = getattr(module, "weight", None)
    return isinstance(weight, Tensor) and weight.dim() == 1


def _is_linear(module: nn.Module | None) -> bool:
    weight = getattr(module, "weight", None)
    return isinstance(weight, Tensor) and weight.dim() == 2
