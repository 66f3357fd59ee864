"""The one forward pass: a model's body runs, the recorder listens, and what it kept comes back.

The body only: the final hidden state is kept and unembedded at the positions that are asked for, so no pass ever
makes N x vocabulary logits.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from app.attention.recorder import LayerRecord, Recorder, current, storage_bytes
from app.attention.rules import Rules
from app.errors import ModelFailed
from app.models.families.family import Family
from app.models.info import Capture
from app.models.layout import Layout
from app.models.memory import trim_memory

TRIM_FROM = 64 * 1024 * 1024
"""A pass that keeps this much gives freed memory back to the system, which glibc would hold on to."""


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A model that can be run: transformers' module and what is known of how to run it."""

    model: Any
    family: Family
    layout: Layout
    capture: Capture
    has_head: bool

    @property
    def device(self) -> torch.device:
        """Where the inputs go."""
        device: torch.device = self.model.get_input_embeddings().weight.device
        return device


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """layers[stack]: a record a layer. hidden[stack]: [N, W] into each, out of the last. final: [N, W]."""

    layers: dict[str, tuple[LayerRecord, ...]]
    hidden: dict[str, tuple[Tensor, ...]]
    final: Tensor

    def tensors(self) -> Iterator[Tensor]:
        """Everything the pass keeps in memory."""
        for records in self.layers.values():
            for record in records:
                yield from record.tensors()
        for states in self.hidden.values():
            yield from states
        yield self.final

    def z_difference(self, only: Mapping[str, int] | None = None) -> float | None:
        """How far attend()'s z lies from the model's own, worst layer, as a share of the layer's largest value.

        `only` one layer of each stack is tried where it is given. NaN when any is; None when the pass kept no q and k.
        """
        worst: float | None = None
        for stack, records in self.layers.items():
            for record in records if only is None else records[only[stack] : only[stack] + 1]:
                difference = record.z_difference
                if difference is None or record.v is None:
                    continue
                share = difference / max(largest(record.v), 1e-30)
                worst = share if worst is None or share > worst or share != share else worst
        return worst


def largest(values: Tensor) -> float:
    """The largest size of a number in there, NaN where one is; one pass over them, and no copy."""
    low, high = (float(end) for end in torch.aminmax(values))
    return high if high > -low or high != high else -low


def z_limit(dtype: torch.dtype) -> float:
    """How large `z_difference` may be: rounding, in float32 and in the shorter types."""
    return 1e-4 if dtype in (torch.float32, torch.float64) else 8 * torch.finfo(dtype).eps


def forward(network: Network, inputs: Mapping[str, Tensor], recorder: Recorder | None = None) -> Pass:
    """Run the body on `input_ids` [1, N] and whatever else it takes (`decoder_input_ids`, ...). Raises PassStopped."""
    recorder = recorder or Recorder()
    recorder.stack_of = network.layout.stack_of
    with torch.no_grad(), heard_by(recorder):
        final, maps = run_body(network, inputs)
    recorder.finish()
    layers = {stack: tuple(records) for stack, records in recorder.layers.items()}
    if network.capture == "weights":
        layers = {stack: _map_records(stack, found) for stack, found in maps.items()}
    kept = Pass(layers, {s: tuple(h) for s, h in recorder.hidden.items()}, final)
    if storage_bytes(kept.tensors()) > TRIM_FROM:
        trim_memory()
    return kept


def run_body(network: Network, inputs: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:
    """The body's final hidden states [N, W], and its maps by stack where the model gives nothing else."""
    return (_run_both if network.layout.kind == "encoder-decoder" else _run_one)(network, inputs)


def unembed(network: Network, final: Tensor) -> Tensor:
    """Logits [..., V] float32 of final hidden states [..., W], through the model's own head."""
    with torch.no_grad():
        return network.family.unembed(network.model, final).float()


def decoder_start(model: Any) -> int:
    """The id that an encoder-decoder's decoder begins with. Raises ModelFailed where the model names none."""
    for config in (getattr(model, "generation_config", None), model.config):
        start = getattr(config, "decoder_start_token_id", None)
        if start is not None:
            return int(start)
    raise ModelFailed(
        "The model does not say which token its decoder starts with.", "Set decoder_start_token_id in it."
    )


def _run_one(network: Network, inputs: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:
    model = network.model
    body = model.base_model
    arguments: dict[str, Any] = dict(network.family.arguments)
    if network.layout.kind == "decoder" and "use_cache" in inspect.signature(body.forward).parameters:
        arguments["use_cache"] = False
    output = body(**inputs, **arguments, **_wanted(network), return_dict=True)
    maps: dict[str, Any] = {network.layout.kind: output.attentions} if network.capture == "weights" else {}
    return _rows(output.last_hidden_state), maps


def _run_both(network: Network, inputs: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Any]]:
    """An encoder and the decoder that reads it; apart, because some models run their head in the same call."""
    wanted = _wanted(network)
    mask = inputs.get("attention_mask")
    encoded = network.model.get_encoder()(
        input_ids=inputs["input_ids"], attention_mask=mask, return_dict=True, **wanted
    )
    decoded = network.model.get_decoder()(
        input_ids=inputs["decoder_input_ids"],
        attention_mask=inputs.get("decoder_attention_mask"),
        encoder_hidden_states=encoded.last_hidden_state,
        encoder_attention_mask=mask,
        use_cache=False,
        return_dict=True,
        **wanted,
    )
    maps = {}
    if network.capture == "weights":
        maps = {
            "encoder": encoded.attentions,
            "decoder": decoded.attentions,
            "cross": decoded.cross_attentions,
        }
    return _rows(decoded.last_hidden_state), maps


def _wanted(network: Network) -> dict[str, bool]:
    return {"output_attentions": True} if network.capture == "weights" else {}


def _rows(hidden: Tensor) -> Tensor:
    return hidden.reshape(-1, hidden.shape[-1])


def _map_records(stack: str, maps: Any) -> tuple[LayerRecord, ...]:
    found = [m for m in maps if m is not None]
    return tuple(LayerRecord(stack, i, None, None, None, Rules(scale=1.0), maps=m) for i, m in enumerate(found))


@contextmanager
def heard_by(recorder: Recorder) -> Iterator[None]:
    """What runs in this block is the pass that the recorder listens to."""
    token = current.set(recorder)
    try:
        yield
    finally:
        current.reset(token)
