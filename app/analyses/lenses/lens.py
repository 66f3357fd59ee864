"""What a lens is: a way to show a layer's attention, on the same axes as the probabilities themselves."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.analyses import pace
from app.attention.maps import Change
from app.attention.recorder import LayerRecord
from app.attention.rules import Rules
from app.checks import Check
from app.errors import NotApplicable, nobody_waits
from app.models.anatomy import Projection, Site
from app.models.progress import Cancelled, Progress, Stage, never, silent
from app.models.run import Run


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be shown. `layers` ascend; `heads` matter only to a lens that has them.

    `position` is the predicted one, for a lens that is about a prediction; `budget` the seconds it may take.
    `together` allows a lens that changes nothing to give several layers as one.
    """

    run: Run
    stack: str
    layers: Sequence[int]
    heads: slice
    position: int | None = None
    budget: float | None = None
    progress: Progress = silent
    cancelled: Cancelled = never
    together: bool = False

    def records(self) -> Sequence[LayerRecord]:
        """All layers of the stack."""
        return self.run.records(self.stack)

    def step(self, name: str, done: int, total: int, what: str) -> None:
        """Say how far the work is. Raises Cancelled when nobody waits for it any more."""
        if self.cancelled():
            raise nobody_waits()
        self.progress(Stage(name, done, total, f"{what} {min(done + 1, total)} of {total}"))

    def afford(self, seconds: float) -> None:
        """Raises NeedsStream when the work will take longer than it may."""
        pace.afford(seconds, self.budget, "This lens")

    def sites(self) -> Sequence[Site]:
        """Where each layer's attention sits. Raises NotApplicable for a model that gives its maps only."""
        if self.run.model.info.capture == "weights":
            raise NotApplicable(
                "This architecture gives its attention's weights only, and this lens needs its values.",
                "Use lens=raw, no-sink or rollout, or a model that goes through transformers' attention interface.",
            )
        sites = self.run.model.anatomy.get(self.stack, ())
        if len(sites) != len(self.records()):
            raise NotApplicable(
                "The parts of this architecture's layers could not be made out.", "Use lens=raw, no-sink or rollout."
            )
        return sites

    def projection(self, layer: int) -> Projection:
        """The output projection of a layer. Raises NotApplicable where there is none of the plain kind."""
        site = self.sites()[layer]
        if site.output is None:
            raise NotApplicable(
                f"In layer {layer} of this architecture {site.why}, which this lens goes through.",
                "Use lens=raw, no-sink, rollout, value-zeroing or gradient.",
            )
        return site.output


@dataclass(frozen=True, slots=True)
class Prediction:
    """What a lens about a prediction is about: `position` predicts the token `id`; `log_probability` in nats."""

    position: int
    id: int
    text: str
    log_probability: float


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One layer through a lens: a record, and where each block of it is changed as it is read, how.

    layers      how many layers the record holds, all heads of each in turn; the lists below then go through them all
    sums        [heads, Q], what each changed row must sum to, for the check
    sinks       the key that was taken out, by head; None for a head that has none
    prediction  what the lens is about
    """

    record: LayerRecord
    change: Change | None = None
    sums: Tensor | None = None
    checks: tuple[Check, ...] = ()
    sinks: list[int | None] | None = None
    prediction: Prediction | None = None
    layers: int = 1


@dataclass(frozen=True, slots=True)
class Lens:
    """A lens. `show` gives the asked layers one by one, and raises NotApplicable where it makes no sense.

    meaning  one sentence for whoever looks
    heads    it shows each head; else one map a layer
    signed   its values may be below zero
    bounded  they lie between 0 and 1
    null     why a row of it may have no value, where that can be
    """

    show: Callable[[Asked], Iterator[Shown]]
    meaning: str
    heads: bool = True
    signed: bool = False
    bounded: bool = True
    null: str = ""


def as_record(stack: str, layer: int, values: Tensor) -> LayerRecord:
    """One map [N, N] of a lens without heads, as a record that looks are made at."""
    return LayerRecord(stack, layer, None, None, None, Rules(scale=1.0), maps=values[None, None])


def per_head(values: Tensor, heads: int) -> Tensor:
    """The values v [B, G, K, Dv] of the first of the batch, once for each head that uses them: [H, K, Dv] float32."""
    return values[0].float().repeat_interleave(heads // values.shape[1], dim=0)


def refuse_cross(stack: str, why: str) -> None:
    """Raises NotApplicable for cross attention."""
    if stack == "cross":
        raise NotApplicable(why, "Choose stack encoder or decoder.")


def chain(own: Tensor, reached: Tensor | None) -> Tensor:
    """own @ reached [N, N], the identity before the first layer. A row that needs one without a value has none.

    >>> own = torch.tensor([[1.0, 0.0], [0.5, 0.5]])
    >>> chain(own, torch.tensor([[1.0, 0.0], [torch.nan, torch.nan]])).tolist()
    [[1.0, 0.0], [nan, nan]]
    """
    if reached is None:
        return own
    lost = reached.isnan().any(-1)
    if not bool(lost.any()):
        return own @ reached
    product = own @ reached.masked_fill(lost[:, None], 0.0)
    return product.masked_fill((own[:, lost] != 0).any(-1, keepdim=True), torch.nan)
