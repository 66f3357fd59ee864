"""How well masked words are filled in: on held-out lines, and on twenty sentences that were written beforehand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import BertForMaskedLM, PreTrainedTokenizerBase

from training.masked_lines import MASK, Encoded, mask, pad
from training.masked_model import AtChosen

SEED, SHARE, BATCH = 1_000_003, 0.15, 32

SENTENCES: dict[str, tuple[str, ...]] = {
    "The capital of France is [MASK].": ("paris",),
    "He opened the door with a [MASK].": ("key",),
    "The sun rises in the [MASK].": ("east", "morning"),
    "Water freezes and turns into [MASK].": ("ice",),
    "The dog began to [MASK] at the stranger.": ("bark", "growl"),
    "She reads a [MASK] every night before she falls asleep.": ("book", "story"),
    "A week has seven [MASK].": ("days",),
    "The opposite of hot is [MASK].": ("cold",),
    "He cut the bread with a sharp [MASK].": ("knife", "blade"),
    "The doctor told the patient to stay in [MASK].": ("bed", "hospital"),
    "Birds build their [MASK] in the trees.": ("nests",),
    "The children are playing football in the [MASK].": ("park", "garden", "yard", "street", "field"),
    "My mother's sister is my [MASK].": ("aunt",),
    "The king and the [MASK] lived in a castle.": ("queen", "prince", "princess"),
    "It was raining, so she took her [MASK].": ("umbrella", "coat"),
    "Two plus two is [MASK].": ("four",),
    "We see with our eyes and hear with our [MASK].": ("ears",),
    "The ship sailed across the [MASK].": ("sea", "ocean", "atlantic"),
    "In winter the lake was covered with [MASK].": ("ice", "snow"),
    "They were not rich; in fact they were very [MASK].": ("poor",),
}
"""With the words that count as right."""


@dataclass(frozen=True, slots=True)
class Score:
    """Over `count` masked tokens: loss in nats, and how often the token was the first, or among the first five."""

    loss: float
    top1: float
    top5: float
    count: int

    def __str__(self) -> str:
        return f"loss {self.loss:.3f}, top-1 {self.top1:.1%}, top-5 {self.top5:.1%} of {self.count:,}"


@torch.no_grad()
def evaluate(model: BertForMaskedLM, held: Sequence[Encoded], limit: int | None = None) -> dict[str, Score]:
    """By source, and over all lines as `all`: 15% of the tokens asked for, each of them replaced by [MASK].

    `limit` takes that many lines of each source.
    """
    at_chosen = AtChosen(model)
    sums: dict[str, Tensor] = {}
    for part in held:
        generator = torch.Generator().manual_seed(SEED)
        lines = sorted(part.tokens[:limit], key=len)
        sums[part.source] = torch.zeros(4)
        for at in range(0, len(lines), BATCH):
            batch = mask(pad(lines[at : at + BATCH]), SHARE, generator, always=True)
            right = batch.ids[batch.chosen]
            if not len(right):
                continue
            logits = at_chosen(batch.inputs, batch.chosen).float()
            found = logits.topk(5).indices == right[:, None]
            loss = cross_entropy(logits, right, reduction="sum")
            sums[part.source] += torch.stack([loss, found[:, 0].sum(), found.sum(), torch.tensor(len(right))])
    sums["all"] = torch.stack(list(sums.values())).sum(0)
    return {source: _score(total) for source, total in sums.items()}


@torch.no_grad()
def fill(model: BertForMaskedLM, tokenizer: PreTrainedTokenizerBase, text: str) -> list[str]:
    """The five likeliest words for the [MASK] of the text."""
    ids = torch.tensor([tokenizer(text)["input_ids"]])
    (best,) = AtChosen(model)(ids, ids == MASK).topk(5).indices.tolist()
    return [str(tokenizer.convert_ids_to_tokens(token)) for token in best]


def _score(total: Tensor) -> Score:
    loss, top1, top5, count = total.tolist()
    return Score(loss / count, top1 / count, top5 / count, int(count))
