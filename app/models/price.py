"""The price of a run: the bytes it will keep, known before any work is done.

At load one short pass is measured (`shapes_of`); everything a run keeps is then a sum over its layers that is
linear in the tokens, but for models that give their maps only, where it grows with N².
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from app.models.forward import Pass


@dataclass(frozen=True, slots=True)
class StackShape:
    """One kind of attention of a model. Widths are floats of one token in one layer, summed over heads."""

    name: str
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    q_width: int
    kv_width: int
    keeps_maps: bool
    bias_heads: int


@dataclass(frozen=True, slots=True)
class Shapes:
    """The measured shape of a model: its stacks, and how many hidden states of which width each input leaves behind."""

    stacks: tuple[StackShape, ...]
    hidden_states: Mapping[str, int]
    width: int
    element_bytes: int


def shapes_of(done: Pass) -> Shapes:
    """Measure a pass that was made."""
    stacks = []
    for name, records in done.layers.items():
        first = records[0]
        heads = first.shape[0]
        kv_heads = first.k.shape[1] if first.k is not None else heads
        q_width = sum(r.q.shape[1] * r.q.shape[3] for r in records if r.q is not None) // len(records)
        kv_width = sum(
            r.k.shape[1] * (r.k.shape[3] + r.v.shape[3]) for r in records if r.k is not None and r.v is not None
        ) // len(records)
        head_dim = first.q.shape[3] if first.q is not None else done.final.shape[-1] // heads
        has_bias = any(r.rules.distance_bias is not None for r in records)
        stacks.append(
            StackShape(
                name=name,
                layers=len(records),
                heads=heads,
                kv_heads=kv_heads,
                head_dim=head_dim,
                q_width=q_width,
                kv_width=kv_width,
                keeps_maps=first.maps is not None,
                bias_heads=heads if has_bias else 0,
            )
        )
    states = {stack: len(states) for stack, states in done.hidden.items()}
    return Shapes(tuple(stacks), states, done.final.shape[-1], done.final.element_size())


def run_bytes(shapes: Shapes, tokens: Mapping[str, int]) -> int:
    """Bytes that a run over `tokens` (by input: "encoder", "decoder") keeps in tensors.

    MiniLM at 128 tokens: 6 layers x 128 x 384 x (q, k and v) + 7 hidden states and the final one x 128 x 384,
    in float32: 5.1 MB.
    """
    floats = 0
    for stack in shapes.stacks:
        rows, cols = rows_and_cols(stack.name, tokens)
        floats += stack.layers * (rows * stack.q_width + cols * stack.kv_width)
        floats += stack.bias_heads * (rows + cols)
        if stack.keeps_maps:
            floats += stack.layers * stack.heads * rows * cols
    for name, states in shapes.hidden_states.items():
        floats += states * tokens[name] * shapes.width
    final = "decoder" if "decoder" in tokens else "encoder"
    return (floats + tokens[final] * shapes.width) * shapes.element_bytes


def rows_and_cols(stack: str, tokens: Mapping[str, int]) -> tuple[int, int]:
    """Queries and keys of a stack: cross attention asks from the decoder and looks at the encoder."""
    if stack == "cross":
        return tokens["decoder"], tokens["encoder"]
    return tokens[stack], tokens[stack]


def most_tokens(shapes: Shapes, tokens: Mapping[str, int], name: str, limit: int) -> int:
    """The most tokens of the input `name` with which a run keeps at most `limit` bytes, the other input as it is."""
    low, high = 0, 1 << 24
    while low < high:
        middle = (low + high + 1) // 2
        fits = run_bytes(shapes, {**tokens, name: middle}) <= limit
        low, high = (middle, high) if fits else (low, middle - 1)
    return low
