"""Gradients of a prediction by the tokens' embeddings, along a way from other embeddings to the real ones.

The embeddings are put into the place of those that the model's own tables give, so whatever an architecture does with
them afterwards (scales, positions, norms) is a part of what is differentiated. Several points of the way run as one
batch; each block is a checkpoint, as in gradients.py, and the work stops within one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from app.attention.recorder import PassStopped, current
from app.errors import NotApplicable
from app.models.forward import Network
from app.models.gradients import sparing
from app.models.replay import Block, Tap, entering, replay

BATCH_CELLS = 1024 * 1024
"""Numbers of the states of a batch: 4 MB in float32, and the insides of one block are some 50 times that."""
IDS_AT_ONCE = 4096

Embedded = Mapping[str, Tensor]
"""The embeddings [N, W] of each input, "encoder" and "decoder"."""


@dataclass(frozen=True, slots=True, eq=False)
class Aim:
    """What is differentiated: log p of `token` at `position`, or how far it lies above that of `against`."""

    position: int
    token: int
    against: int | None = None

    def of(self, network: Network, final: Tensor) -> Tensor:
        """[B] float64, of the final states [B, W] at the position."""
        logits = network.family.unembed(network.model, final).double()
        if self.against is not None:
            return logits[:, self.token] - logits[:, self.against]
        return logits.log_softmax(-1)[:, self.token]


def tables(network: Network) -> dict[str, nn.Module]:
    """The module that embeds each input's ids, in the order in which a pass asks for them."""
    model = network.model
    if network.layout.kind != "encoder-decoder":
        return {network.layout.kind: model.get_input_embeddings()}
    halves = {"encoder": model.get_encoder(), "decoder": model.get_decoder()}
    return {name: half.get_input_embeddings() for name, half in halves.items()}


def embeddings(network: Network, inputs: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """What the tables give for the ids of a run: [N, W] each."""
    ids = {"decoder": inputs.get("decoder_input_ids", inputs["input_ids"]), "encoder": inputs["input_ids"]}
    with torch.no_grad():
        return {name: table(ids[name])[0] for name, table in tables(network).items()}


class Means:
    """A model's mean embeddings, made when somebody first asks and then held; used on the model's own thread only."""

    def __init__(self) -> None:
        self._found: dict[nn.Module, Tensor] = {}

    def of(self, network: Network, embedded: Embedded, stopped: Callable[[], bool] = lambda: False) -> Embedded:
        """At every place the mean embedding of the whole vocabulary: a token that is no token in particular.

        Raises PassStopped, asked before every block of the vocabulary.
        """
        found = {}
        for name, table in tables(network).items():
            mean = self._found.get(table)
            if mean is None:
                mean = self._found[table] = _mean(network, table, stopped)
            found[name] = mean.to(embedded[name].dtype).expand_as(embedded[name])
        return found


def _mean(network: Network, table: nn.Module, stopped: Callable[[], bool]) -> Tensor:
    """[W] float64."""
    vocab = int(network.model.get_input_embeddings().weight.shape[0])
    sums = []
    for part in torch.split(torch.arange(vocab, device=network.device), IDS_AT_ONCE):
        if stopped():
            raise PassStopped
        with torch.no_grad():
            sums.append(table(part[None])[0].double().sum(0))
    return torch.stack(sums).sum(0) / vocab


@dataclass(slots=True, eq=False)
class Way:
    """From `start` to `end`, for one aim. `step` is told whenever a block is done; `stopped` is asked there."""

    network: Network
    inputs: Mapping[str, Tensor]
    aim: Aim
    start: Embedded
    end: Embedded
    step: Callable[[], None] = lambda: None
    stopped: Callable[[], bool] = lambda: False

    def batch(self, most: int) -> int:
        """How many points run as one batch."""
        cells = sum(t.numel() for t in self.end.values())
        return max(1, min(most, BATCH_CELLS // cells))

    def values(self, points: Sequence[float]) -> tuple[Tensor, Tensor]:
        """(the aim at these points of the way [B], 0 is the start; the final states there [B, W])."""
        with torch.no_grad():
            final = self._final(self._at(points), len(points))
            return self.aim.of(self.network, final), final

    def gradients(self, points: Sequence[float]) -> tuple[Tensor, dict[str, Tensor]]:
        """(the aim [B], its gradient by each embedding [B, N, W] float32) at these points."""
        leaves = {name: t.requires_grad_() for name, t in self._at(points).items()}
        with torch.enable_grad():
            reached = self.aim.of(self.network, self._final(leaves, len(points)))
            reached.sum().backward()  # type: ignore[no-untyped-call]
        found = {name: torch.zeros_like(t) if t.grad is None else t.grad for name, t in leaves.items()}
        return reached.detach(), {name: t.float() for name, t in found.items()}

    def _at(self, points: Sequence[float]) -> dict[str, Tensor]:
        return {
            name: torch.stack([self.start[name] + point * (end - self.start[name]) for point in points])
            for name, end in self.end.items()
        }

    def _final(self, embedded: Mapping[str, Tensor], batch: int) -> Tensor:
        """The final states [B, W] at the position."""
        repeated = {name: t.expand(batch, *t.shape[1:]) for name, t in self.inputs.items()}
        tap = Tap()
        with _given(tables(self.network), embedded, tap):
            states = replay(self.network, repeated, tap, self._around)
        return states.reshape(batch, -1, states.shape[-1])[:, self.aim.position]

    def _around(self, _: str, block: Block, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """An Around: a checkpoint, and a stop on the way there and on the way back."""
        self._tick()
        hidden = entering(args, kwargs)
        if hidden.requires_grad:
            hidden.register_hook(lambda _: self._tick())  # type: ignore[no-untyped-call]
        return sparing(self.network, block, args, kwargs)

    def _tick(self) -> None:
        if self.stopped():
            raise PassStopped
        self.step()


@contextmanager
def _given(tables: Mapping[str, nn.Module], embedded: Mapping[str, Tensor], tap: Tap) -> Iterator[None]:
    """Let the tables give these [B, N, W] in the pass that the tap listens to, and in no other.

    Raises NotApplicable where a model asks them for something else too.
    """
    waiting = list(tables)

    def give(module: nn.Module, _: Any, made: Tensor) -> Tensor:
        if current.get() is not tap:  # a pass that was let in
            return made
        if not waiting or tables[waiting[0]] is not module or embedded[waiting[0]].shape != made.shape:
            raise NotApplicable(
                "This architecture asks for its embeddings in an unusual way, so gradients by them are not taken.",
                "Choose another model.",
            )
        return embedded[waiting.pop(0)]

    hooks: list[RemovableHandle] = [m.register_forward_hook(give) for m in dict.fromkeys(tables.values())]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()
