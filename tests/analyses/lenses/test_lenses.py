"""Each lens against its formula in a few lines of plain torch, on transformers' own modules with eager attention."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import pytest
import torch
from torch import Tensor

from app.analyses.attention import attention
from app.analyses.lenses.value_zeroing import cosine_distance
from app.attention.recorder import LayerRecord
from app.attention.rules import Rules
from app.models.run import Run
from tests.analyses.lenses.eager import brought, eagerly, maps_of, named, output_of, states_of
from tests.made import TEXT, made_run

STACKS = [
    ("bert", "encoder"), ("gpt2", "decoder"), ("llama", "decoder"), ("t5", "encoder"), ("t5", "decoder"),
    ("t5", "cross"), ("bart", "encoder"), ("bart", "decoder"), ("bart", "cross"),
]  # fmt: skip
SELF = [pair for pair in STACKS if pair[1] != "cross"]


@cache
def run_of(name: str) -> Run:
    text = TEXT.replace("w9", "[MASK]", 1) if name == "bert" else TEXT
    return made_run(name, text, target="w20 w21 w22 w20 w23" if name in ("t5", "bart") else None)


def shown(run: Run, stack: str, layer: int, lens: str) -> Tensor:
    """The lens's maps of a layer, its checks holding."""
    answer = attention(run, stack, layer, lens=lens)
    assert all(check.ok for check in answer.checks), answer.checks
    assert answer.meaning.endswith(".")
    return answer.values[0]


@pytest.mark.parametrize(("name", "stack"), STACKS)
def test_norm_is_attention_times_the_length_of_what_is_brought(name: str, stack: str) -> None:
    run = run_of(name)
    with eagerly(run) as model, torch.no_grad():
        output = output_of(run, model)
    for layer in range(run.stack(stack).layers):
        f = brought(run, stack, layer, states_of(output, stack)[layer])
        expected = maps_of(output, stack)[layer][0] * f.norm(dim=-1)[:, None, :]
        assert torch.allclose(shown(run, stack, layer, "norm"), expected, atol=1e-5)


@pytest.mark.parametrize(("name", "stack"), SELF)
def test_alti_is_how_far_each_contribution_carries_the_sum(name: str, stack: str) -> None:
    run = run_of(name)
    reached = torch.eye(run.stack(stack).rows)
    with eagerly(run) as model, torch.no_grad():
        output = output_of(run, model)
    for layer in range(run.stack(stack).layers):
        with torch.no_grad():
            x = states_of(output, stack)[layer]
            parts = named(run, stack, layer)
            t = torch.einsum("hij,hjw->ijw", maps_of(output, stack)[layer][0], brought(run, stack, layer, x))
            t = t + torch.diag_embed(x[0].T).permute(1, 2, 0)
            s = t.sum(1) + (0 if parts.bias is None else parts.bias)
            y = s
            if parts.norm_after is not None:
                sigma = (s.var(-1, unbiased=False) + parts.norm_after.eps).sqrt()
                t = parts.norm_after.weight * (t - t.mean(-1, keepdim=True)) / sigma[:, None, None]
                y = parts.norm_after(s)
            c = (y.abs().sum(-1, keepdim=True) - (y[:, None] - t).abs().sum(-1)).clamp_min(0)
            reached = (c / c.sum(-1, keepdim=True)) @ reached
        assert torch.allclose(shown(run, stack, layer, "alti")[0], reached, atol=1e-5, equal_nan=True)


@pytest.mark.parametrize(("name", "stack"), SELF)
def test_value_zeroing_is_what_zeroing_the_value_does(name: str, stack: str) -> None:
    run = run_of(name)
    tokens = run.stack(stack).rows
    for layer in range(run.stack(stack).layers):
        parts = named(run, stack, layer)
        outputs: list[Tensor] = []
        zeroed: list[int] = []

        def zero(_: object, __: object, made: Tensor, zeroed: list[int] = zeroed) -> Tensor:
            made = made.clone()
            made[:, zeroed, -value_width(run) :] = 0.0
            return made

        def keep(_: object, __: object, made: Tensor | tuple[Tensor, ...], outputs: list[Tensor] = outputs) -> None:
            outputs.append((made if isinstance(made, Tensor) else made[0])[0])

        hooks = [parts.value_module.register_forward_hook(zero), parts.block.register_forward_hook(keep)]
        with eagerly(run) as model, torch.no_grad():
            for j in (None, *range(tokens)):
                zeroed[:] = [] if j is None else [j]
                output_of(run, model)
        for hook in hooks:
            hook.remove()
        c = torch.stack([cosine_distance(outputs[0], changed) for changed in outputs[1:]], dim=1)
        expected = c / c.sum(-1, keepdim=True)
        assert torch.allclose(shown(run, stack, layer, "value-zeroing")[0], expected, atol=1e-4)


def value_width(run: Run) -> int:
    """How many of the last columns of the module that makes values are values: GPT-2 makes q, k and v in one."""
    return 32 if run.model.info.architecture == "gpt2" else 10_000


@pytest.mark.parametrize(("name", "stack"), STACKS)
def test_gradient_is_attention_times_autograds_gradient(name: str, stack: str) -> None:
    run = run_of(name)
    position = attention(run, stack, 0, lens="gradient").prediction
    assert position is not None
    with eagerly(run) as model:
        output = output_of(run, model)
        scores = output.logits[0, position.position].log_softmax(-1)
        assert int(scores.argmax()) == position.id
        assert abs(float(scores.max().detach()) - position.log_probability) < 1e-4
        maps = maps_of(output, stack)
        slopes = torch.autograd.grad(scores.max(), maps)
    for layer, (probs, slope) in enumerate(zip(maps, slopes, strict=True)):
        expected = (probs * slope)[0].detach()
        found = shown(run, stack, layer, "gradient")
        largest = float(expected.abs().max())
        assert largest > 1e-6
        assert torch.allclose(found, expected, atol=1e-3 * largest)


@pytest.mark.parametrize(("name", "stack"), STACKS)
def test_no_sink_takes_out_the_heads_own_sink(name: str, stack: str) -> None:
    run = run_of(name)
    causal = stack == "decoder"
    for layer in range(run.stack(stack).layers):
        raw = attention(run, stack, layer).values[0]
        answer = attention(run, stack, layer, lens="no-sink")
        assert answer.sinks is not None
        for head, sink in enumerate(answer.sinks[0]):
            queries = len(raw[head])
            means = torch.stack([raw[head][k if causal else 0 :, k].mean() for k in range(raw.shape[-1])])
            few = torch.tensor([(queries - k if causal else queries) < 8 for k in range(raw.shape[-1])])
            means[few] = 0.0
            assert (sink is None) == (float(means.max()) <= 0.3)
            rest = raw[head].clone()
            if sink is not None:
                assert sink == int(means.argmax())
                rest[:, sink] = 0.0
            expected = rest / rest.sum(-1, keepdim=True)
            assert torch.allclose(answer.values[0, head], expected, atol=1e-6, equal_nan=True)


def with_maps(run: Run, layer: int, maps: Tensor) -> Run:
    """The run of a decoder with other maps [H, N, N] in one of its layers."""
    layers = list(run.records("decoder"))
    layers[layer] = LayerRecord("decoder", layer, None, None, None, Rules(scale=1.0), maps=maps[None])
    return replace(run, kept=replace(run.kept, layers={"decoder": tuple(layers)}))


def test_a_query_that_saw_only_the_sink_is_null_and_the_answer_says_so() -> None:
    run = made_run("gptj")
    even = torch.ones(10, 10).tril()
    even = even / even.sum(-1, keepdim=True)
    sink = even * 0.4
    sink[:, 0] += 0.6
    run = with_maps(run, 1, torch.stack([even, sink, even, sink]))
    answer = attention(run, layer=1, lens="no-sink")
    assert answer.sinks == [[None, 0, None, 0]]
    assert answer.warnings
    assert not attention(run, layer=1, head=0, lens="no-sink").warnings
    for head in (0, 2):
        assert torch.allclose(answer.values[0, head], even)
    for head in (1, 3):
        assert bool(answer.values[0, head, 0].isnan().all())
        assert torch.allclose(answer.values[0, head, 4], torch.tensor([0.0, *[0.25] * 4, *[0.0] * 5]))
    pooled = attention(run, layer=1, head=1, lens="no-sink", size=5)
    assert torch.allclose(pooled.values[0, 0, 0, :2], torch.tensor([1.0, 0.0])), "row 0 is null and counts for nothing"
    mean = attention(run, layer=1, head=1, lens="no-sink", size=5, pool="mean")
    assert torch.allclose(mean.values[0, 0, 0, :2], torch.tensor([0.5, 0.0]))
    first = attention(run, layer=1, head=1, lens="no-sink", rows=(0, 1), size=1)
    assert bool(first.values.isnan().all())
    assert first.warnings


def test_signed_values_pool_by_the_one_furthest_from_zero() -> None:
    run = run_of("llama")
    exact = attention(run, layer=1, lens="gradient").values[0]
    pooled = attention(run, layer=1, lens="gradient", size=3).values[0]
    edges = [0, 3, 6, 10]
    for i in range(3):
        for j in range(3):
            cells = exact[:, edges[i] : edges[i + 1], edges[j] : edges[j + 1]].flatten(1)
            furthest = cells.gather(1, cells.abs().argmax(1, keepdim=True))[:, 0]
            assert torch.equal(pooled[:, i, j], furthest)
    assert float(pooled.min()) < 0 < float(pooled.max())
