"""ALTI (Ferrando et al. 2022): how much of each input token has reached each position, by what is really added.

    T_i(x_j) = Σ_h A_h[i,j] f_h(x_j) + [i=j] x_i        what token j adds to what comes out at i
    c_ij     ∝ max(0, ‖y_i‖₁ − ‖y_i − T_i(x_j)‖₁)       how far it carries the output y_i, rows normalised
    R_l      = C_l R_{l-1}                              and so on through the layers

y_i is the residual stream behind the attention. In a post-norm model (BERT) that is norm(Σ_j T_i(x_j) + b), and T_i is
taken through the norm's linear part: γ ⊙ (T − mean T) / σ_i, with σ_i of the real sum. In a pre-norm model (GPT, Llama)
the stream is the bare sum, and x_i the stream before the norm. The feed-forward parts are left out. A query towards
which no token carries has no row: null. Self-attention only, and only where attention is simply added to the stream.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional

from app.analyses.lenses.lens import Asked, Shown, as_record, chain, per_head, refuse_cross
from app.analyses.pace import FLOPS
from app.attention.maps import BLOCK_CELLS, blocks, worse
from app.attention.recorder import LayerRecord
from app.checks import at_most
from app.errors import NotApplicable
from app.models.anatomy import Projection, Site

LIMIT = 1e-3
CELLS_PER_SECOND = 4e8
"""Numbers of T made and measured in a second by a modest machine; only for telling short work from long."""


def alti(asked: Asked) -> Iterator[Shown]:
    """One map a layer: the contributions up to and with it."""
    refuse_cross(asked.stack, "ALTI follows tokens through layers; cross attention mixes two kinds of tokens.")
    records, last, sites = asked.records(), asked.layers[-1], asked.sites()
    hidden = asked.run.kept.hidden[asked.stack]
    for layer, site in enumerate(sites[: last + 1]):
        if not site.added or site.block != layer:
            raise NotApplicable(
                f"In layer {layer} of this architecture {site.why or 'attention is not in every block'}, "
                "so it is not known what each token adds.",
                "Use lens=rollout or value-zeroing.",
            )
    tokens = records[0].shape[1]
    asked.afford((last + 1) * (tokens**2 * hidden[0].shape[-1] / CELLS_PER_SECOND + tokens**3 / FLOPS))
    reached: Tensor | None = None
    largest = 0.0
    for layer in range(last + 1):
        asked.step("alti", layer, last + 1, "Layer")
        own, error = contributions(records[layer], sites[layer], hidden[layer].float())
        largest = worse(largest, error)
        reached = chain(own, reached)
        if layer in asked.layers:
            check = at_most("contributions-sum-to-the-output", largest, LIMIT)
            yield Shown(as_record(asked.stack, layer, reached), checks=(check,))


@dataclass(frozen=True, slots=True, eq=False)
class _Stream:
    """What attention adds to. `fold` is the linear part of the norm behind it, without its division by σ."""

    projection: Projection
    site: Site
    count: int

    def fold(self, t: Tensor) -> Tensor:
        if self.site.norm is None:
            return t
        return (t - t.mean(-1, keepdim=True)) * self.site.norm.weight.float()

    def behind(self, s: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """For sums s [rows, W]: (y, 1/σ [rows, 1], what of y no token brought)."""
        bias = torch.zeros_like(s[0]) if self.projection.bias is None else self.projection.bias.float()
        norm = self.site.norm
        if norm is None:
            return s, s.new_ones(len(s), 1), bias.expand_as(s)
        scale = (s.var(-1, keepdim=True, unbiased=False) + norm.eps).rsqrt()
        beta = 0.0 if norm.bias is None else norm.bias.float()
        y = functional.layer_norm(s, s.shape[-1:], norm.weight.float(), eps=norm.eps) + beta
        return y, scale, self.fold(bias) * scale + beta


def contributions(record: LayerRecord, site: Site, x: Tensor) -> tuple[Tensor, float]:
    """(c [N, N] of one layer, rows normalised; how far Σ_j T_i(x_j) + rest lies from y_i), x [N, W] what came in.

    A block of queries at a time, and of keys within it: T is never held for more than `BLOCK_CELLS` numbers.
    """
    assert site.output is not None
    assert record.v is not None
    heads, rows, keys = record.shape
    stream = _Stream(site.output, site, heads)
    v, weight = per_head(record.v, heads), stream.projection.of_heads(slice(0, heads), heads)
    folded_x = stream.fold(x)
    c = torch.zeros(rows, keys)
    error = 0.0
    for part, probs in blocks(record, slice(0, heads), range(rows)):  # [H, rows, K]
        own = slice(part.start, part.stop)
        y, scale, rest = stream.behind(x[own] + stream.projection(probs @ v))
        shares = (probs * scale[:, 0, None]).permute(2, 1, 0)  # [K, rows, H]
        length = y.abs().sum(-1)
        middle = len(part) // 2
        total = rest[middle] + folded_x[part.start + middle] * scale[middle]
        seen = probs.amax((0, 1)).nonzero()[:, 0].tolist() or [part.start]  # what nobody sees adds nothing
        first, stop = min(seen[0], part.start), max(seen[-1] + 1, part.stop)
        step = max(1, BLOCK_CELLS // (len(part) * max(x.shape[-1], heads)))
        for start in range(first, stop, step):
            some = slice(start, min(start + step, stop))
            f = stream.fold(v[:, some] @ weight).transpose(0, 1)  # [keys, H, W]
            away = torch.baddbmm(y[None], shares[some], f, alpha=-1)  # y_i − T_i(x_j): [keys, rows, W]
            total = total + (y[middle] - away[:, middle]).sum(0)
            low, high = max(start, part.start), min(some.stop, part.stop)
            both = torch.arange(low, max(low, high), device=x.device)  # i = j: and x_i
            away[both - start, both - part.start] -= folded_x[both] * scale[both - part.start]
            c[own, some] = (length - away.abs_().sum(-1)).clamp_min_(0.0).T.cpu()
        error = worse(error, float((total - y[middle]).abs().max() / y[middle].abs().max()))
    return c / c.sum(-1, keepdim=True), error
