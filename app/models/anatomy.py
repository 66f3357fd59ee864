"""Anatomy: how each layer's attention is joined to the rest of its model, found by watching one short pass.

No list of architectures says it: the output projection is the linear map that is given the heads' z, and the block
is pre-norm or post-norm by what its numbers do. With x what comes into the block, p the projected z, s = x + p:

    pre-norm    s itself is what the next part is added to          (GPT-2, Llama, T5)
    post-norm   norm(s) is what the next part is added to           (BERT, BART)

Everything is verified on the numbers of the pass, and what does not fit says why: Gemma 2 norms p before it is added,
GPT-NeoX adds attention and feed-forward to the same x at once. No analysis then pretends.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor, nn

from app.models.forward import Network, z_limit
from app.models.watch import Event, Seen, close, watch

NO_PROJECTION = "the heads' outputs do not go straight into one plain linear projection"
NO_SUM = "attention is not simply added to what came into the block"


@dataclass(frozen=True, slots=True, eq=False)
class Projection:
    """The map from the heads' z, joined, to the model's width: z W + b. `weight` [H * Dv, W] is the model's own."""

    weight: Tensor
    bias: Tensor | None

    def __call__(self, z: Tensor) -> Tensor:
        """[H, rows, Dv] -> [rows, W], float32."""
        joined = z.float().transpose(0, 1).flatten(1) @ self.weight.float()
        return joined if self.bias is None else joined + self.bias.float()

    def of_heads(self, heads: slice, count: int) -> Tensor:
        """Each head's own part of the weight, of `count` heads in all: [heads, Dv, W], float32."""
        return self.weight.reshape(count, -1, self.weight.shape[1])[heads].float()


@dataclass(frozen=True, slots=True, eq=False)
class Site:
    """Where one layer's attention sits.

    output  the output projection, or None (`NO_PROJECTION`)
    block   the index of its block among its stack's: hidden state `block` is what went in
    added   whether its output is added to the residual stream as s = x + p; cross attention is not asked
    norm    the LayerNorm that s goes through before anything else is added (post-norm), None for pre-norm
    why     what does not hold where `added` is False
    """

    output: Projection | None
    block: int
    added: bool = False
    norm: nn.LayerNorm | None = None
    why: str = ""


Anatomy = Mapping[str, tuple[Site, ...]]
"""The sites of each stack, by layer."""


def find_anatomy(network: Network) -> Anatomy:
    """Watch a short pass. Empty for a model that gives no q, k and v."""
    if network.capture == "weights":
        return {}
    limit = z_limit(network.model.dtype)
    sites: dict[str, list[Site]] = {}

    def see(block: Seen) -> None:
        marks = [(i, event.layer[0]) for i, event in enumerate(block.events) if event.layer is not None]
        alone = sum(owner == block.stack for _, owner in marks) == 1
        for i, owner in marks:
            x = block.given if owner == block.stack and alone else None
            after = block.events[i + 1 :]
            site = _site(block.events[i], after, x, block.made, block.index, partial(close, limit=limit))
            sites.setdefault(owner, []).append(site)

    watch(network, see)
    return {stack: tuple(found) for stack, found in sites.items()}


def _site(
    z: Event, after: Sequence[Event], x: Tensor | None, out: Tensor, block: int, close: Callable[[Tensor, Tensor], bool]
) -> Site:
    """Read one layer's place from what was called after its z was made; x [N, W] went into the block, out came."""
    for i, event in enumerate(after):
        if event.given.shape != z.given.shape or not close(event.given, z.given):
            continue
        output = _projection(event, close)
        if output is None:
            break
        if x is None:
            return Site(output, block, why=NO_SUM)
        added, norm = _join(after[i + 1 :], x + event.made, out, close)
        return Site(output, block, added, norm, "" if added else NO_SUM)
    return Site(None, block, why=NO_PROJECTION)


def _projection(event: Event, close: Callable[[Tensor, Tensor], bool]) -> Projection | None:
    """The module as z W + b, if it is that: Linear keeps its weight [out, in], GPT-2's Conv1D [in, out]."""
    weight, bias = getattr(event.module, "weight", None), getattr(event.module, "bias", None)
    if not isinstance(weight, Tensor) or weight.dim() != 2 or not weight.is_floating_point():
        return None
    for turned in (weight.T, weight):
        found = Projection(turned, bias)
        if turned.shape[0] == event.given.shape[1] and close(found(event.given[None]), event.made):
            return found
    return None


def _join(
    after: Sequence[Event], s: Tensor, out: Tensor, close: Callable[[Tensor, Tensor], bool]
) -> tuple[bool, nn.LayerNorm | None]:
    """(is s the stream, or its norm?; the norm): by what the next part of the block is added to."""
    for i, event in enumerate(after):
        weight = getattr(event.module, "weight", None)
        if not isinstance(weight, Tensor) or weight.dim() != 1 or not close(event.given, s):
            continue
        made = [later.made for later in after[i + 1 :] if later.module is not None]
        arrived = [out, *(later.given for later in after[i + 1 :] if later.module is not None)]
        if _is_added_to(s, made, arrived, close):
            return True, None
        if isinstance(event.module, nn.LayerNorm) and _is_added_to(event.made, made, arrived, close):
            return True, event.module
        return False, None
    return False, None


def _is_added_to(
    stream: Tensor, made: list[Tensor], arrived: list[Tensor], close: Callable[[Tensor, Tensor], bool]
) -> bool:
    """Is anything that arrives later the stream with something added that was made meanwhile?"""
    return any(
        close(a - stream, m) for a in arrived if a.shape == stream.shape for m in made if m.shape == stream.shape
    )
