"""Layers read together give what each of them gives alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from app.attention.joined import joined
from app.attention.maps import bin_edges, look
from app.attention.recorder import LayerRecord
from app.attention.rules import Rules
from tests.attention.test_core import close, qkv

N, HEADS = 10, 6


def layers(rules: Sequence[Rules]) -> list[LayerRecord]:
    """A layer of six heads over two key heads for each of `rules`, each with numbers of its own."""
    made = []
    for index, one in enumerate(rules):
        q, k, v = (t[:1] for t in qkv(queries=N, keys=N, seed=index))
        made.append(LayerRecord("decoder", index, q, k, v, one))
    return made


def maps_of(record: LayerRecord) -> torch.Tensor:
    return look(record, slice(0, record.shape[0]), bin_edges(range(N)), bin_edges(range(N))).values


@pytest.mark.parametrize("cells", [1, 3 * HEADS * N * N, 10**9])
def test_each_layer_keeps_its_maps(cells: int) -> None:
    records = layers([Rules(0.3, causal=True)] * 5)
    read = list(joined(records, cells))
    assert [count for count, _ in read] == {1: [1] * 5, 3 * HEADS * N * N: [3, 2]}.get(cells, [5])
    close(torch.cat([maps_of(record) for _, record in read]), torch.cat([maps_of(record) for record in records]))


def by_head(name: str) -> Rules:
    rules = Rules(0.3, causal=True)
    if name == "distance_bias":
        return replace(rules, distance_bias=torch.randn(HEADS, 2 * N - 1))
    if name == "sinks":
        return replace(rules, sinks=torch.randn(HEADS))
    return replace(rules, mask=torch.rand(1, HEADS, N, N) > 0.5)


@pytest.mark.parametrize("name", ["distance_bias", "sinks", "mask"])
def test_rules_that_differ_by_head_are_not_joined(name: str) -> None:
    records = layers([by_head(name)] * 3)
    assert [record for _, record in joined(records)] == records


def test_layers_of_other_rules_stand_apart() -> None:
    near, far = Rules(0.3, causal=True, window=(2, 0)), Rules(0.3, causal=True)
    records = layers([near, near, far, near])
    read = list(joined(records))
    assert [count for count, _ in read] == [2, 1, 1]
    assert [record.rules for _, record in read] == [near, far, near]
    close(torch.cat([maps_of(record) for _, record in read]), torch.cat([maps_of(record) for record in records]))


def test_maps_that_were_given_stay_as_they_are() -> None:
    records = [replace(record, q=None, k=None, maps=maps_of(record)[None]) for record in layers([Rules(0.3)] * 2)]
    assert [record for _, record in joined(records)] == records
