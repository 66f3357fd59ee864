"""One pass over all maps of a stack, block by block, that leaves the sums from which every role is scored."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor

from app.analyses.roles_cells import IDENTITY, POSITION, Role, Scene, counted, first_keys, seen_keys, weights
from app.analyses.roles_null import Targets, scatter_variance, targets
from app.attention.maps import blocks
from app.attention.recorder import LayerRecord
from app.errors import nobody_waits
from app.models.progress import Cancelled, Progress, Stage

SCAN_CELLS = 1024 * 1024
"""Cells of one block over the heads of a layer: 4 MB. In smaller ones the calls cost more than what they sum."""
TARGET_CELLS = 8 * 1024 * 1024
"""Cells of the masks of all namings in one block of rows: 8 MB of bool."""


@dataclass(frozen=True, slots=True, eq=False)
class Scan:
    """Sums over rows, in float64. L layers, H heads, R roles of position, P namings of the tokens.

    position [L, H, R], its uniform twin [L, R], its variance when scattered [L, H, R], and the rows counted [L, R].
    identity [L, H, 2, P] and the rows with such a cell [2, P].
    columns [L, H, K], what each key was given, and uniformly [L, K].
    entropy, span [L, H], the uniform span [L], and the rows that see at least two keys [L].
    row_sum_error, above_diagonal: the worst that was met.
    """

    roles: tuple[Role, ...]
    position: Tensor
    uniform: Tensor
    variance: Tensor
    rows: Tensor
    identity: Tensor
    identity_rows: Tensor
    columns: Tensor
    uniform_columns: Tensor
    entropy: Tensor
    span: Tensor
    uniform_span: Tensor
    wide_rows: Tensor
    row_sum_error: Tensor
    above_diagonal: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """What a block of rows is for all layers that show the same keys. r rows.

    weight [R + 1, r, K], the last of them 1 above the diagonal; uniform [r, K]; scatter [r, R];
    seen [r] counts keys; logs [r] are 1 / ln(seen), and 0 for rows that see fewer than two.
    """

    weight: Tensor
    uniform: Tensor
    scatter: Tensor
    counted: Tensor
    seen: Tensor
    logs: Tensor


def scan(
    scene: Scene, records: tuple[LayerRecord, ...], named: Tensor, progress: Progress, cancelled: Cancelled
) -> Scan:
    """Rows outside, layers inside: the cells of a block of rows are found once for all layers."""
    heads = records[0].shape[0]
    roles = tuple(role for role in POSITION if scene.applies(role))
    scan = _empty(roles, len(records), heads, scene.keys, len(named))
    step = max(1, min(SCAN_CELLS // (heads * scene.keys), TARGET_CELLS // (2 * len(named) * scene.keys)))
    starts = range(0, scene.queries, step)
    cut = scene.causal and all(record.rules.causal and record.maps is None for record in records)
    for turn, start in enumerate(starts):
        rows = range(start, min(scene.queries, start + step))
        keys = rows.stop if cut else scene.keys  # what comes later is hidden from all of them
        near = scene.first(keys)
        wanted = None if scene.cross else targets(named[:, :keys], rows)
        if wanted is not None:
            scan.identity_rows.add_(wanted.rows)
        weight = torch.stack([*(weights(near, role, rows) for role in roles), _later(rows, keys)])
        known: dict[int, Block] = {}  # by rules, which layers share
        for layer, record in enumerate(records):
            if cancelled():
                raise nobody_waits()
            progress(Stage("roles", turn * len(records) + layer, len(starts) * len(records), f"Layer {layer + 1}"))
            seen_by = first_keys(record, keys) if cut else record
            for part, probs in blocks(seen_by, slice(0, heads), rows):
                assert part == rows
                if id(record.rules) not in known:
                    known[id(record.rules)] = _block(near, roles, rows, weight, seen_keys(seen_by, rows, probs))
                _add(scan, layer, probs.cpu(), known[id(record.rules)], wanted, record.rules.sinks is not None)
    return scan


def _empty(roles: tuple[Role, ...], layers: int, heads: int, keys: int, namings: int) -> Scan:
    def zeros(*shape: int) -> Tensor:
        return torch.zeros(*shape, dtype=torch.float64)

    r, i = len(roles), len(IDENTITY)
    return Scan(
        roles=roles,
        position=zeros(layers, heads, r),
        uniform=zeros(layers, r),
        variance=zeros(layers, heads, r),
        rows=zeros(layers, r),
        identity=zeros(layers, heads, i, namings),
        identity_rows=zeros(i, namings),
        columns=zeros(layers, heads, keys),
        uniform_columns=zeros(layers, keys),
        entropy=zeros(layers, heads),
        span=zeros(layers, heads),
        uniform_span=zeros(layers),
        wide_rows=zeros(layers),
        row_sum_error=zeros(1),
        above_diagonal=zeros(1),
    )


def _later(rows: range, keys: int) -> Tensor:
    return torch.triu(torch.ones(len(rows), keys), diagonal=1 + rows.start)


def _block(scene: Scene, roles: tuple[Role, ...], rows: range, weight: Tensor, seen: Tensor) -> Block:
    count = seen.sum(-1)
    wide = count >= 2
    return Block(
        weight=weight,
        uniform=seen / count.clamp_min(1)[:, None],
        scatter=torch.stack([scatter_variance(w, seen) for w in weight[:-1]], dim=-1),
        counted=torch.stack([counted(scene, role, rows, seen) for role in roles], dim=-1),
        seen=count,
        logs=torch.where(wide, 1.0 / count.clamp_min(2).log(), 0.0),
    )


def _add(scan: Scan, layer: int, probs: Tensor, block: Block, wanted: Targets | None, has_sink: bool) -> None:
    """Add a block's probabilities [H, r, K] of one layer."""
    flat = block.weight.flatten(1).T  # [r K, R + 1]
    sums = probs.flatten(1) @ flat  # [H, R + 1]
    scan.position[layer] += sums[:, :-1]
    scan.uniform[layer] += (block.uniform.flatten() @ flat)[:-1]
    scan.rows[layer] += block.counted.sum(0)
    mass = probs.sum(-1)  # [H, r]
    spread = torch.linalg.vecdot(probs, probs) - mass.square() / block.seen.clamp_min(1)  # Σ(A − Ā)²
    scan.variance[layer] += spread.clamp_min(0.0) @ block.scatter
    if wanted is not None:
        scan.identity[layer] += wanted.sums(probs)
    scan.columns[layer, :, : probs.shape[-1]] += probs.sum(1)
    scan.uniform_columns[layer, : probs.shape[-1]] += block.uniform.sum(0)
    nats = torch.special.entr(probs).sum(-1)
    wide = block.logs > 0
    scan.entropy[layer] += nats @ block.logs
    scan.span[layer] += nats.exp()[:, wide].sum(-1)
    scan.uniform_span[layer] += block.seen[wide].sum()
    scan.wide_rows[layer] += wide.sum()
    error = torch.where(mass == 0, 0.0, mass - 1.0)
    worst = (error.clamp_min(0.0) if has_sink else error.abs()).max()
    torch.maximum(scan.row_sum_error, worst.double(), out=scan.row_sum_error)
    torch.maximum(scan.above_diagonal, sums[:, -1].max().double(), out=scan.above_diagonal)
