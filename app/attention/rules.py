"""Rules: how scores become probabilities.

A model's attention differs from the textbook's by a handful of rules: which keys a query may see, what
is added to a score for the distance between two tokens, whether scores are squashed, whether there is
somewhere to look that is not a token. `Rules` holds them in the smallest form that says the same, so that
they can be kept with a run for as long as its q and k: a causal mask over 2,048 tokens is one flag and not
four million cells, T5's position bias a vector per head and not a matrix.

Positions: query `i` stands at position `i + offset` among the keys. The offset is 0 for a whole text and the
number of keys already cached when a text is continued.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from torch import Tensor

BLOCK_CELLS = 1024 * 1024
"""Cells of a mask that are read at once: a few MB of what is compared."""


@dataclass(frozen=True, slots=True, eq=False)
class Rules:
    """What happens between `q @ k` and the probabilities, in this order.

    scale         the factor of every score; 1/sqrt(D) in most models, 1.0 in T5
    softcap       squashes scores into (-softcap, softcap) by tanh, as Gemma 2 does; None for most
    distance_bias [H, Q+K-1], added by key position minus query position (T5, ALiBi); see `bias_by_distance`
    causal        a query sees no key after itself
    window        (left, right): a query sees no key further back or ahead than this, itself not counted
    padding       [B, K] bool, True where a key is a real token
    mask          [B|1, H|1, Q, K], bool (True: visible) or additive: whatever the rules above cannot say
    sinks         [H], the score of one more column that is no token (gpt-oss); rows then sum to less than 1
    offset        the position of query 0 among the keys
    """

    scale: float
    softcap: float | None = None
    distance_bias: Tensor | None = None
    causal: bool = False
    window: tuple[int, int] | None = None
    padding: Tensor | None = None
    mask: Tensor | None = None
    sinks: Tensor | None = None
    offset: int = 0

    def tensors(self) -> tuple[Tensor, ...]:
        """What the rules hold in memory of their own; sinks are the model's."""
        return tuple(t for t in (self.distance_bias, self.padding, self.mask) if t is not None)

    def for_heads(self, heads: slice) -> Rules:
        """The same rules for some of the heads, where a rule differs by head."""
        per_head_mask = self.mask is not None and self.mask.shape[1] > 1
        return replace(
            self,
            distance_bias=None if self.distance_bias is None else self.distance_bias[heads],
            sinks=None if self.sinks is None else self.sinks[heads],
            mask=self.mask[:, heads] if per_head_mask and self.mask is not None else self.mask,
        )


def visible(rules: Rules, rows: slice, queries: int, keys: int, device: torch.device) -> Tensor | None:
    """Which keys the queries of `rows` may see: [B|1, H|1, rows, K] bool, or None when they see them all.

    >>> visible(Rules(1.0, causal=True), slice(0, 2), 2, 2, torch.device("cpu"))[0, 0].tolist()
    [[True, False], [True, True]]
    """
    seen: Tensor | None = None
    if rules.causal or rules.window is not None:
        distance = _distance(rules, rows, queries, keys, device)  # [rows, K]
        left, right = rules.window or (queries + keys + rules.offset, queries + keys)
        right = 0 if rules.causal else right
        seen = ((distance <= right) & (distance >= -left))[None, None]
    if rules.padding is not None:
        real = rules.padding[:, None, None, :]
        seen = real if seen is None else seen & real
    if rules.mask is not None and rules.mask.dtype == torch.bool:
        given = rules.mask[:, :, rows]
        seen = given if seen is None else seen & given
    return seen


def added(rules: Rules, rows: slice, queries: int, keys: int, device: torch.device) -> Tensor | None:
    """What is added to the scores of `rows`: [B|1, H|1, rows, K], or None when nothing is."""
    total: Tensor | None = None
    if rules.distance_bias is not None:
        index = _distance(rules, rows, queries, keys, device) + (queries - 1 + rules.offset)
        total = rules.distance_bias[:, index][None]  # [1, H, rows, K]
    if rules.mask is not None and rules.mask.dtype != torch.bool:
        given = rules.mask[:, :, rows]
        total = given if total is None else total + given
    return total


def _distance(rules: Rules, rows: slice, queries: int, keys: int, device: torch.device) -> Tensor:
    """Key position minus query position, [rows, K]: negative for what came before."""
    start, stop, _ = rows.indices(queries)
    positions = torch.arange(start, stop, device=device) + rules.offset
    return torch.arange(keys, device=device)[None, :] - positions[:, None]


def alibi(slopes: Tensor, queries: int, keys: int, offset: int = 0) -> Tensor:
    """ALiBi (Press et al. 2022) as a `distance_bias`: minus slope times the distance. [H] -> [H, Q+K-1].

    >>> alibi(torch.tensor([0.5]), 2, 2).tolist()
    [[-0.5, -0.0, -0.5]]
    """
    distance = torch.arange(queries + keys - 1, device=slopes.device) - (queries - 1 + offset)
    return -slopes[:, None] * distance.abs()[None, :]


def rules_from_mask(rules: Rules, mask: Tensor | None) -> Rules:
    """Add a full mask to the rules in the smallest form that says exactly the same.

    A mask [B, 1, Q, K] that is a window (or causal) with padding becomes those; it is rebuilt and compared, and
    whatever cannot be rebuilt is kept as it came. An additive mask that only hides is read as bool first.
    """
    if mask is None:
        return rules
    if mask.dtype != torch.bool:
        hidden = mask <= torch.finfo(mask.dtype).min / 2
        if not all(bool(((mask[:, :, r] == 0) | hidden[:, :, r]).all()) for r in _row_blocks(mask)):
            return replace(rules, mask=mask)
        mask = ~hidden
    heads, keys = mask.shape[1], mask.shape[3]
    reach = _reach(rules, mask)
    if heads != 1 or reach is None:
        return replace(rules, mask=mask)
    padding = mask.any(dim=2)[:, 0]  # [B, K]
    causal = reach[1] == 0 and keys > 1
    for window in (None, reach):  # the first that says the same is the smaller
        small = replace(rules, causal=causal, window=window, padding=None if bool(padding.all()) else padding)
        if _says(small, mask):
            return small
    return replace(rules, mask=mask)


def _reach(rules: Rules, mask: Tensor) -> tuple[int, int] | None:
    """How far back and ahead any query sees, or None when none sees anything."""
    left, right, any_seen = 0, 0, False
    for rows in _row_blocks(mask):
        seen = mask[:, :, rows].any(dim=0).any(dim=0)  # [rows, K]
        reached = _distance(rules, rows, mask.shape[2], mask.shape[3], mask.device)[seen]
        if reached.numel():
            left, right = max(left, -int(reached.min())), max(right, int(reached.max()))
            any_seen = True
    return (left, right) if any_seen else None


def _says(rules: Rules, mask: Tensor) -> bool:
    """Do the rules let every query see exactly what the mask does?"""
    _, _, queries, keys = mask.shape
    for rows in _row_blocks(mask):
        seen = visible(rules, rows, queries, keys, mask.device)
        given = mask[:, :, rows]
        if not bool(given.all() if seen is None else (seen == given).all()):
            return False
    return True


def _row_blocks(mask: Tensor) -> Iterator[slice]:
    """Rows of [B, H, Q, K] a few at a time, so that what is compared stays small beside the mask."""
    step = max(1, BLOCK_CELLS // (mask.shape[0] * mask.shape[1] * mask.shape[3]))
    return (slice(i, min(i + step, mask.shape[2])) for i in range(0, mask.shape[2], step))


def bias_by_distance(bias: Tensor) -> Tensor | None:
    """A position bias [1, H, Q, K] as [H, Q+K-1], or None when it is not a function of distance alone.

    Entry `j - i + Q - 1` is the bias of key j for query i, so the first column read upwards and then the first
    row hold everything.
    """
    table = bias[0]  # [H, Q, K]
    if bias.shape[0] != 1 or not all(bool((head[1:, 1:] == head[:-1, :-1]).all()) for head in table):
        return None
    return torch.cat([table[:, :, 0].flip(-1), table[:, 0, 1:]], dim=-1)
