"""One definition of a sink: roles, the lens without sinks and what is hidden agree, also of short texts."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from app.analyses.attention import attention
from app.analyses.head_roles import head_roles
from app.analyses.roles_evidence import evidence
from app.analyses.sinks import most_attended
from app.attention.recorder import LayerRecord
from app.attention.rules import Rules
from app.errors import TextTooShort
from app.models.run import Run
from tests.made import made_run


def parking(tokens: int) -> Run:
    """A decoder's run whose heads give the first token 0.6, 0, 0.3 and 0.1 of each row, and share out the rest."""
    run = made_run("gptj", " ".join(f"w{7 + i}" for i in range(tokens)))
    even = torch.ones(tokens, tokens).tril()
    even = even / even.sum(-1, keepdim=True)
    first = torch.zeros(tokens, tokens)
    first[:, 0] = 1.0
    maps = torch.stack([share * first + (1.0 - share) * even for share in (0.6, 0.0, 0.3, 0.1)])
    own = LayerRecord("decoder", 0, None, None, None, Rules(scale=1.0), maps=maps[None])
    layers = (own, *run.records("decoder")[1:])
    return replace(run, kept=replace(run.kept, layers={"decoder": layers}))


@pytest.mark.parametrize("tokens", [1, 3, 7, 8, 9, 20])
def test_roles_the_lens_and_what_is_hidden_name_the_same_sinks(tokens: int) -> None:
    run = parking(tokens)
    roles = head_roles(run, null=False)
    heads = [head for head in roles.heads if head.layer == 0]
    named = [head.sink_key if (head.sink or 0.0) > roles.sink_threshold else None for head in heads]
    assert named[0] == (0 if tokens >= 8 else None)
    assert attention(run, layer=0, lens="no-sink").sinks == [named]
    assert attention(run, layer=0, hide=["sink"]).sinks == [named]
    assert {head.sink is None for head in heads} == {tokens < 8}
    if tokens < 8:
        assert torch.equal(attention(run, layer=0, hide=["sink"]).values, attention(run, layer=0).values)
        with pytest.raises(TextTooShort):
            evidence(run, None, 0, 0, "sink")
    else:
        assert {cell.key for cell in evidence(run, None, 0, 0, "sink").cells} == {0}


def test_a_mean_is_over_the_queries_that_see_a_key_and_few_of_them_do_not_count() -> None:
    columns = torch.tensor([[1.0, 4.5, 2.0, 7.0], [4.0, 3.0, 2.0, 1.0]])
    share, key = most_attended(columns, 10, causal=True)
    assert share.tolist() == pytest.approx([0.5, 0.4])
    assert key.tolist() == [1, 0]
    share, key = most_attended(columns, 10, causal=False)
    assert share.tolist() == pytest.approx([0.7, 0.4])
    assert key.tolist() == [3, 0]
    share, key = most_attended(columns, 7, causal=False)
    assert bool(share.isnan().all())
    assert key.tolist() == [-1, -1]
