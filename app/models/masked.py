"""Masked passes: the final state of each token's own place, with that token behind a mask; batches of variants."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

import torch
from torch import Tensor

from app.models.forward import Network, heard_by, run_body
from app.models.progress import Cancelled, never
from app.models.replay import BATCH_CELLS, Tap, batch_size


def masked_states(
    network: Network,
    inputs: Mapping[str, Tensor],
    mask_id: int,
    positions: Sequence[int],
    most: int,
    stopped: Cancelled = never,
) -> Iterator[tuple[Sequence[int], Tensor]]:
    """(some of the positions, the final states [positions, W] there), each with only that one token masked.

    `inputs` [1, N] are the whole text's. At most `most` at once, and what a batch may hold. Raises PassStopped, asked
    in every layer.
    """
    quiet = replace(network, capture="full")  # the maps of those that give nothing else are not wanted here
    count = inputs["input_ids"].shape[1]
    size = min(most, _batch_size(network, count))
    for first in range(0, len(positions), size):
        here = positions[first : first + size]
        batch = {name: values.expand(len(here), -1).clone() for name, values in inputs.items()}
        rows = torch.arange(len(here))
        batch["input_ids"][rows, torch.tensor(here)] = mask_id
        tap = Tap(stopped=stopped, stack_of=network.layout.stack_of)
        with torch.no_grad(), heard_by(tap):
            final = run_body(quiet, batch)[0]
            final = final.reshape(len(here), count, -1)  # [positions, N, W]
        yield here, final[rows, torch.tensor(here)]


def _batch_size(network: Network, tokens: int) -> int:
    """Variants run at once: bounded by their widest states, and by their maps where attention is not fused."""
    config = network.model.config
    size = batch_size(tokens, config.hidden_size)
    if network.capture == "full":
        return size
    heads: int = config.num_attention_heads
    return max(1, min(size, BATCH_CELLS // (heads * tokens**2)))
