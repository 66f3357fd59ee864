"""What `minilm-mlm` is trained on, a step at a time: lines drawn from the sources, as token ids, with words masked."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedTokenizerBase

from training.english import Line

MASK, PAD, VOCAB = 103, 0, 30522
"""Of BERT's vocabulary. What comes before [MASK] is special or unused."""
LONGEST = 64
"""Tokens of a line, with [CLS] and [SEP]; what is longer is cut."""
WEIGHTS = {"wordnet": 0.52, "gcide": 0.30, "bible": 0.12, "desktop": 0.06}
"""The share of each source in what is drawn."""
PARTS = 4
"""A step's lines are sorted by length and taken in so many parts, so that little is padding."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """Lines of one source, encoded: `tokens[i]` with [CLS] and [SEP]."""

    source: str
    tokens: list[list[int]]


@dataclass(frozen=True, slots=True)
class Batch:
    """`ids` [B,N] as they were, `inputs` [B,N] as the model sees them, `chosen` [B,N] where it is asked."""

    ids: Tensor
    inputs: Tensor
    chosen: Tensor


def encode(lines: Sequence[Line], tokenizer: PreTrainedTokenizerBase) -> list[Encoded]:
    """Every line as token ids, by source."""
    answer = []
    for source in WEIGHTS:
        texts = [line.text for line in lines if line.source == source]
        if texts:
            answer.append(Encoded(source, tokenizer(texts, truncation=True, max_length=LONGEST)["input_ids"]))
    return answer


def frequencies(data: Sequence[Encoded]) -> Tensor:
    """[V] how often each token is drawn, smoothed."""
    answer = torch.full((VOCAB,), 1e-7)
    for part in data:
        counts = torch.bincount(torch.tensor([t for line in part.tokens for t in line[1:-1]]), minlength=VOCAB)
        answer += WEIGHTS[part.source] * counts / counts.sum()
    return answer / answer.sum()


def batches_of(seed: int, step: int, count: int, share: float, data: Sequence[Encoded]) -> list[Batch]:
    """The `count` lines of a step, masked, the shortest first: a function of the seed and the step alone."""
    rng, generator = random.Random(f"{seed}:{step}"), torch.Generator().manual_seed(seed * 1_000_003 + step)
    sources = rng.choices(data, weights=[WEIGHTS[part.source] for part in data], k=count)
    lines = sorted((rng.choice(part.tokens) for part in sources), key=len)
    size = count // PARTS
    return [mask(pad(lines[at : at + size]), share, generator) for at in range(0, count, size)]


def pad(lines: Sequence[list[int]]) -> Tensor:
    """[B,N], padded at the right."""
    longest = max(map(len, lines))
    return torch.tensor([line + [PAD] * (longest - len(line)) for line in lines])


def mask(ids: Tensor, share: float, generator: torch.Generator, always: bool = False) -> Batch:
    """A `share` of the tokens chosen: nine in ten of them become [MASK], and one stays; with `always` none does."""
    chosen = (torch.rand(ids.shape, generator=generator) < share) & (ids > MASK)
    stays = torch.rand(ids.shape, generator=generator) >= 0.9
    return Batch(ids, ids.masked_fill(chosen & (always | ~stays), MASK), chosen)
