"""The self-check: every model is tried once at load, so that a wrong one is never silently wrong.

One short text, run three times: by our backend, by transformers' own eager attention, and with its first layer's
z changed. What must hold is written as checks, with the differences that were measured.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from app.attention.maps import bin_edges, look, worse
from app.attention.recorder import LayerRecord, Recorder
from app.checks import Check, at_most
from app.models import backend
from app.models.forward import Network, Pass, forward, unembed, z_limit

ROWS_SUM_LIMIT = 1e-4
MAPS_LIMIT = 1e-4
LOGITS_LIMIT = 1e-3
SMALLEST_EFFECT = 1e-6


def self_check(network: Network, inputs: Mapping[str, Tensor], done: Pass) -> tuple[Check, ...]:
    """Checks of `done`, the pass our backend made over `inputs`. Switches to eager attention and back meanwhile."""
    sums, above, recomputed = _maps(network, inputs, done)
    checks = [
        at_most("rows-sum-to-1", sums, ROWS_SUM_LIMIT),
        at_most("recomputed-equals-eager", recomputed, max(MAPS_LIMIT, z_limit(done.final.dtype))),
    ]
    if "decoder" in done.layers:
        checks.append(at_most("causal", above, 0.0))
    difference = done.z_difference()
    if difference is not None:
        checks.append(at_most("z-equals-the-models", difference, z_limit(done.final.dtype)))
        checks.append(_attention_matters(network, inputs, done))
    if network.has_head:
        theirs = eager_output(network, inputs).logits[0].float()
        scale = max(1.0, float(theirs.abs().max()))
        difference = float((unembed(network, done.final) - theirs).abs().max()) / scale
        checks.append(at_most("logits", difference, max(LOGITS_LIMIT, z_limit(done.final.dtype))))
    return tuple(checks)


def _maps(network: Network, inputs: Mapping[str, Tensor], done: Pass) -> tuple[float, float, float]:
    """(largest error of a row's sum, largest probability above the diagonal, largest difference from eager)."""
    eager = eager_maps(network, inputs)
    sums = above = difference = 0.0
    for stack, records in done.layers.items():
        theirs = eager[stack]
        if len(theirs) != len(records):
            return sums, above, float("nan")
        for record, their in zip(records, theirs, strict=True):
            heads, rows, cols = record.shape
            every = bin_edges(range(rows)), bin_edges(range(cols))
            seen = look(record, slice(0, heads), *every, causal=stack == "decoder")
            sums = worse(sums, seen.row_sum_error)
            above = worse(above, seen.above_diagonal or 0.0)
            if seen.values.shape != their.shape:
                return sums, above, float("nan")
            difference = worse(difference, float((seen.values - their).abs().max()))
    return sums, above, difference


def eager_maps(network: Network, inputs: Mapping[str, Tensor]) -> dict[str, list[Tensor]]:
    """Every map [H, Q, K] of every stack by transformers' eager attention: the reference."""
    output = eager_output(network, inputs)
    if network.layout.kind == "encoder-decoder":
        found = {"encoder": output.encoder_attentions, "decoder": output.decoder_attentions}
        found["cross"] = output.cross_attentions
    else:
        found = {network.layout.kind: output.attentions}
    return {stack: [m[0].float().cpu() for m in maps if m is not None] for stack, maps in found.items()}


def eager_output(network: Network, inputs: Mapping[str, Tensor]) -> Any:
    model = network.model
    arguments = {} if network.layout.kind == "encoder" else {"use_cache": False}
    switch = network.capture == "full"
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if switch:
            model.set_attn_implementation("eager")
        try:
            return model(**inputs, **arguments, **network.family.arguments, output_attentions=True, return_dict=True)
        finally:
            if switch:
                model.set_attn_implementation(backend.NAME)


def _attention_matters(network: Network, inputs: Mapping[str, Tensor], done: Pass) -> Check:
    """If the first layer's z could be anything, we would be looking at something that the model does not use."""

    def swap(record: LayerRecord, z: Tensor) -> Tensor:
        return z.flip(2) + 1.0 if record.layer == 0 else z

    changed = forward(network, inputs, Recorder(edit=swap)).final
    effect = float((changed - done.final).abs().max())
    return replace(
        at_most("attention-changes-the-output", -effect, -SMALLEST_EFFECT), value=effect, limit=SMALLEST_EFFECT
    )
