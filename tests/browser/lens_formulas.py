"""The lenses in plain torch over transformers' own numbers of MiniLM: eager maps, hidden states, weights."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import torch
from torch import Tensor
from transformers import AutoModel, AutoTokenizer

from app.models import catalogue
from app.models.sources import wheel

HEADS, WIDTH = 12, 32


@dataclass(frozen=True)
class Reference:
    """maps [layers][heads, N, N], hidden [layers + 1][N, W], of one text or pair."""

    model: torch.nn.Module
    maps: tuple[Tensor, ...]
    hidden: tuple[Tensor, ...]
    tokens: list[str]
    words: list[int | None]
    segments: list[int]


def minilm(text: str, pair: str | None = None) -> Reference:
    entry = catalogue.entry("minilm")
    assert entry is not None
    folder = wheel.place(entry)
    model = AutoModel.from_pretrained(folder, attn_implementation="eager").eval()
    inputs = AutoTokenizer.from_pretrained(folder)(text, pair, return_tensors="pt", padding=False, truncation=False)
    with torch.no_grad():
        seen = model(**inputs, output_attentions=True, output_hidden_states=True)
    return Reference(
        model,
        tuple(layer[0] for layer in seen.attentions),
        tuple(layer[0] for layer in seen.hidden_states),
        inputs.tokens(),
        inputs.word_ids(),
        inputs["token_type_ids"][0].tolist(),
    )


def norm(of: Reference, layer: int) -> Tensor:
    """A_h[i,j] ‖v_h[j] W_O^h‖: [heads, N, N]."""
    attention = of.model.encoder.layer[layer].attention
    with torch.no_grad():
        v = attention.self.value(of.hidden[layer])
        out = attention.output.dense.weight
        lengths = [
            (v[:, h * WIDTH : (h + 1) * WIDTH] @ out[:, h * WIDTH : (h + 1) * WIDTH].T).norm(dim=-1)
            for h in range(HEADS)
        ]
        return of.maps[layer] * torch.stack(lengths)[:, None, :]


def rollout(of: Reference, layer: int) -> Tensor:
    """R_l = rownorm(mean_h A + I) R_{l-1}: [N, N]."""
    eye = torch.eye(len(of.tokens))
    reached = eye
    for maps in of.maps[: layer + 1]:
        own = maps.mean(0) + eye
        reached = own / own.sum(-1, keepdim=True) @ reached
    return reached


def without_sink(head: Tensor) -> Tensor:
    """One head without the key of the largest mean, the rest of each row renormalised; as it is when that is small."""
    share, key = head.mean(0).max(0)
    if share <= 0.3:
        return head
    rest = head.clone()
    rest[:, key] = 0.0
    return rest / rest.sum(-1, keepdim=True)


def divergence(a: Tensor, b: Tensor) -> float:
    """Jensen-Shannon of the rows of two maps, in bits, a mean over the rows."""
    p, q = (m / m.sum(-1, keepdim=True) for m in (a, b))
    entropy = lambda x: -torch.special.xlogy(x, x).sum(-1) / torch.log(torch.tensor(2.0))  # noqa: E731
    return float((entropy((p + q) / 2) - (entropy(p) + entropy(q)) / 2).mean())


def word_edges(words: list[int | None]) -> list[int]:
    """Where words begin, and the end; a token of no word stands for itself."""
    starts = [i for i in range(len(words)) if i == 0 or words[i] is None or words[i] != words[i - 1]]
    return [*starts, len(words)]


def in_words(head: Tensor, words: list[int | None], left: Tensor | None = None) -> Tensor:
    """Keys summed, queries averaged; of `left` [N, N], where given, only what is True."""
    edges = word_edges(words)
    kept = head if left is None else head.masked_fill(~left, 0.0)
    return torch.stack(
        [torch.stack([kept[a:b, c:d].sum(-1).mean() for c, d in pairwise(edges)]) for a, b in pairwise(edges)]
    )
