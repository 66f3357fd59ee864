"""The price of a run: the bytes it will keep, and the bytes its pass needs meanwhile, known before any work is done.

At load one short pass is measured (`shapes_of`); everything a run keeps is then a sum over its layers that is
linear in the tokens, but for models that give their maps only, where it grows with N². While the pass runs, some
models need N² for a layer at a time: a position bias, a window's mask, heads that the fused kernel does not take.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from app.attention.recorder import LayerRecord
from app.models.forward import Pass

# Bytes of one cell of one layer's N x N while a pass runs, measured at 3,000 tokens and rounded up: a position bias
# and its sum with the mask; scores, probabilities and a copy where the fused kernel cannot run; a mask and its float.
BIAS_CELL = 14
UNFUSED_CELL = 12
MASK_CELL = 20


@dataclass(frozen=True, slots=True)
class StackShape:
    """One kind of attention of a model. Widths are floats of one token in one layer, summed over heads.

    `biases` is how many different position biases its layers have, `square_bytes` what each cell of N x N takes while
    a layer runs.
    """

    name: str
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    q_width: int
    kv_width: int
    keeps_maps: bool
    biases: int
    square_bytes: int


@dataclass(frozen=True, slots=True)
class Shapes:
    """The measured shape of a model: its stacks, and how many hidden states of which width each input leaves behind."""

    stacks: tuple[StackShape, ...]
    hidden_states: Mapping[str, int]
    width: int
    element_bytes: int


def shapes_of(done: Pass, windowed: bool = False) -> Shapes:
    """Measure a pass that was made. `windowed`: on longer texts the model hides what is far away."""
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
        biases = {id(r.rules.distance_bias) for r in records if r.rules.distance_bias is not None}
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
                biases=len(biases),
                square_bytes=_square_bytes(first, heads, windowed),
            )
        )
    states = {stack: len(states) for stack, states in done.hidden.items()}
    return Shapes(tuple(stacks), states, done.final.shape[-1], done.final.element_size())


def _square_bytes(first: LayerRecord, heads: int, windowed: bool) -> int:
    rules, size = first.rules, 0
    if rules.distance_bias is not None:
        size += BIAS_CELL * heads
    if first.maps is not None or (first.q is not None and first.v is not None and first.q.shape[3] != first.v.shape[3]):
        size += UNFUSED_CELL * heads
    if windowed or rules.softcap is not None or rules.sinks is not None or rules.mask is not None:
        size += MASK_CELL
    return size


def run_bytes(shapes: Shapes, tokens: Mapping[str, int]) -> int:
    """Bytes that a run over `tokens` (by input: "encoder", "decoder") keeps in tensors.

    MiniLM at 128 tokens: 6 layers x 128 x 384 x (q, k and v) + 7 hidden states and the final one x 128 x 384,
    in float32: 5.1 MB.
    """
    floats = 0
    for stack in shapes.stacks:
        rows, cols = rows_and_cols(stack.name, tokens)
        floats += stack.layers * ((rows + 1) * stack.q_width + cols * stack.kv_width)  # 1: the model's own z of a query
        floats += stack.biases * stack.heads * (rows + cols)
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


def pass_bytes(shapes: Shapes, tokens: Mapping[str, int]) -> int:
    """Bytes that the pass needs at its largest: what the run keeps, and the N x N of the widest stack."""
    squares = (stack.square_bytes * math.prod(rows_and_cols(stack.name, tokens)) for stack in shapes.stacks)
    return run_bytes(shapes, tokens) + max(squares)


def most_tokens(shapes: Shapes, tokens: Mapping[str, int], name: str, kept: int, needed: int) -> int:
    """The most tokens of the input `name`, the other as it is, with which a run keeps and its pass needs no more."""
    low, high = 0, 1 << 24
    while low < high:
        middle = (low + high + 1) // 2
        counts = {**tokens, name: middle}
        fits = run_bytes(shapes, counts) <= kept and pass_bytes(shapes, counts) <= needed
        low, high = (middle, high) if fits else (low, middle - 1)
    return low
