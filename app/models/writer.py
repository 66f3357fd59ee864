"""Writers: a text continued one token at a time, and where every head looked while a token was predicted.

A decoder reads each token once: transformers' own cache keeps the keys and values of what was read, so that a step
costs a step however long the text is. An encoder-decoder's encoder runs once, and its keys are cached too. A masked
model sees the whole text at once, so each mask that is filled is a pass of its own.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import reduce
from itertools import groupby
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import Cache, DynamicCache, EncoderDecoderCache

from app.attention.core import attend, products, ruled
from app.attention.maps import worse
from app.attention.rules import Rules
from app.models.forward import Network, decoder_start, heard_by, run_body, unembed
from app.models.replay import Tap


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What a step came to. logits [V]; rows: by stack, what the query that predicts gives each key, [L, H, K].

    `row_sum_error`: the largest distance of a row's sum from 1 (with sinks: by how much a sum exceeds 1).
    `z_difference`: how far attend()'s z of that query lies from the model's own in the layers that were tried, as a
    share of the largest value; None where the model gives no q and k.
    """

    logits: Tensor
    rows: Mapping[str, Tensor]
    row_sum_error: float
    z_difference: float | None


class Writer(Protocol):
    """Reads tokens and says what it expects next."""

    def read(self, ids: Sequence[int]) -> Seen:
        """Raises PassStopped within a layer once nobody waits any more."""


@dataclass(frozen=True, slots=True, eq=False)
class _Scores:
    """One layer's scores of one query [1, H, 1, K] before the rules; `at`: which of how many queries it is."""

    scores: Tensor
    rules: Rules
    at: slice
    queries: int


@dataclass(slots=True, eq=False)
class LastRows(Tap):
    """A recorder that keeps, of each layer, the scores of one query: the last, or the one at `query`.

    Its rules are applied after the pass, to all layers that share them at once: a step must not cost much more than
    one without. `maps` instead, [H, K] a layer, where a model gives no more. In a stack's first layer the model's z is
    held against attend()'s.
    """

    query: int = -1
    scores: dict[str, list[_Scores]] = field(default_factory=dict)
    maps: dict[str, list[Tensor]] = field(default_factory=dict)
    z_difference: float | None = None

    def keep(self, stack: str, q: Tensor, k: Tensor, v: Tensor, rules: Rules, z: Tensor) -> Tensor:
        layers = self.scores.setdefault(stack, [])
        at = self.query % q.shape[2]
        one = slice(at, at + 1)
        if not layers:
            apart = attend(q, k, v, rules, one).z - z[:, :, one]
            share = float(apart.abs().max()) / max(float(v.abs().max()), 1e-30)
            self.z_difference = share if self.z_difference is None else worse(self.z_difference, share)
        layers.append(_Scores(products(q, k, rules.scale, one), rules, one, q.shape[2]))
        return z

    def seen(self, network: Network, final: Tensor, keys: Mapping[str, int]) -> Seen:
        """`final` [W] is the state that predicts, `keys` how many keys each stack has by now."""
        found = {stack: list(_probabilities(layers)) for stack, layers in self.scores.items()} | self.maps
        rows = {stack: _stacked(layers, keys[stack]) for stack, layers in found.items()}
        sinks = any(one.rules.sinks is not None for layers in self.scores.values() for one in layers)
        error = reduce(worse, (_sum_error(values, sinks) for values in rows.values()), 0.0)  # max() would lose a NaN
        return Seen(unembed(network, final).cpu(), rows, error, self.z_difference)


def _probabilities(layers: Sequence[_Scores]) -> Iterator[Tensor]:
    """[H, K] of each layer; those next to each other that share their rules and shape are done together."""
    for _, alike in groupby(layers, lambda one: (id(one.rules), one.scores.shape)):
        together = list(alike)
        first = together[0]
        _, probs = ruled(torch.cat([one.scores for one in together]), first.rules, first.at, first.queries)
        yield from probs[:, :, 0]


def _stacked(rows: Sequence[Tensor], keys: int) -> Tensor:
    """[L, H, K] float32 on the CPU. A cache that keeps only a window gives fewer keys: the first have left it."""
    filled = [torch.nn.functional.pad(row.float(), (keys - row.shape[-1], 0)) for row in rows]
    return torch.stack(filled).cpu()


def _sum_error(rows: Tensor, sinks: bool) -> float:
    error = rows.sum(-1) - 1.0
    return float((error if sinks else error.abs()).clamp_min(0.0).max())


@dataclass(slots=True, eq=False)
class DecoderWriter:
    """Continues a text. `stopped` is asked before every layer. Where no cache is filled, all is read anew each time."""

    network: Network
    stopped: Callable[[], bool]
    cache: Cache = field(init=False)
    ids: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.cache = DynamicCache(config=self.network.model.config)

    def read(self, ids: Sequence[int]) -> Seen:
        unread = list(ids) if self.cached else [*self.ids, *ids]
        self.ids += ids
        arguments = dict(self.network.family.arguments)
        with _pass(self.network, self.stopped) as rows:
            output = self.network.model.base_model(
                input_ids=torch.tensor([unread], device=self.network.device),
                past_key_values=self.cache, use_cache=True, return_dict=True, **_maps(self.network), **arguments,
            )  # fmt: skip
        _take_maps(rows, "decoder", output, "attentions", self.network)
        return rows.seen(self.network, output.last_hidden_state[0, -1], {"decoder": len(self.ids)})

    @property
    def cached(self) -> bool:
        """Is all that was read in the cache? Some models (OpenAI's first GPT) take one and leave it empty."""
        return self.cache.get_seq_length() == len(self.ids)


@dataclass(slots=True, eq=False)
class AnswerWriter:
    """Writes an encoder-decoder's answer. `inputs` are the encoder's; the decoder's start is read by itself."""

    network: Network
    inputs: Mapping[str, Tensor]
    stopped: Callable[[], bool]
    encoded: Tensor = field(init=False)
    cache: Cache = field(init=False)
    length: int = 0

    def __post_init__(self) -> None:
        # caches that grow: transformers' own have as many layers as the encoder, too few for a deeper decoder
        self.cache = EncoderDecoderCache(DynamicCache(), DynamicCache())
        with _pass(self.network, self.stopped):
            self.encoded = self.network.model.get_encoder()(**self.inputs, return_dict=True).last_hidden_state

    def read(self, ids: Sequence[int]) -> Seen:
        if not self.length:
            ids = [decoder_start(self.network.model), *ids]
        self.length += len(ids)
        with _pass(self.network, self.stopped) as rows:
            output = self.network.model.get_decoder()(
                input_ids=torch.tensor([list(ids)], device=self.network.device), encoder_hidden_states=self.encoded,
                past_key_values=self.cache, use_cache=True, return_dict=True, **_maps(self.network),
            )  # fmt: skip
        _take_maps(rows, "decoder", output, "attentions", self.network)
        _take_maps(rows, "cross", output, "cross_attentions", self.network)
        keys = {"decoder": self.length, "cross": self.encoded.shape[1]}
        return rows.seen(self.network, output.last_hidden_state[0, -1], keys)


@dataclass(slots=True, eq=False)
class MaskWriter:
    """Fills masks, one after the other: each token read goes into the first mask that is left."""

    network: Network
    inputs: dict[str, Tensor]
    masks: list[int]
    stopped: Callable[[], bool]

    def read(self, ids: Sequence[int]) -> Seen:
        """Fill as many masks as there are ids, and predict the next. Raises IndexError where none is left for it."""
        filled, self.masks = self.masks[: len(ids)], self.masks[len(ids) :]
        self.inputs = {**self.inputs, "input_ids": self.inputs["input_ids"].clone()}
        self.inputs["input_ids"][0, filled] = torch.tensor(list(ids), device=self.network.device, dtype=torch.long)
        at = self.masks[0]
        with _pass(self.network, self.stopped, at) as rows:
            final, maps = run_body(self.network, self.inputs)
        for stack, found in maps.items():
            rows.maps[stack] = [one[0, :, at] for one in found if one is not None]
        return rows.seen(self.network, final[at], {self.network.layout.kind: len(final)})


@contextmanager
def _pass(network: Network, stopped: Callable[[], bool], query: int = -1) -> Iterator[LastRows]:
    rows = LastRows(stack_of=network.layout.stack_of, stopped=stopped, query=query)
    with torch.no_grad(), heard_by(rows):
        yield rows


def _maps(network: Network) -> dict[str, bool]:
    """Models off the attention interface give their maps, and nothing else."""
    return {"output_attentions": True} if network.capture == "weights" else {}


def _take_maps(rows: LastRows, stack: str, output: Any, name: str, network: Network) -> None:
    if network.capture == "weights":
        rows.maps[stack] = [one[0, :, -1] for one in getattr(output, name) if one is not None]
