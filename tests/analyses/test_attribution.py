"""Attribution against the formulas written out with hooks on transformers' own modules and its eager attention."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import torch
from torch import Tensor

from app.analyses.attribution import AttributionAnswer, attribution
from app.errors import NoLanguageHead, NotApplicable, OutOfRange
from app.models import backend
from app.models.build import check
from app.models.checkpoint import Checkpoint
from app.models.loaded import LoadedModel
from app.models.run import Run, inputs_of
from tests.made import TEXT, made_model, made_run, word_tokenizer
from tests.models.tiny import WEIGHTS_ONLY, tiny


class Names(NamedTuple):
    """Where an architecture has its parts. `norms`: what norms attention and MLP before they are added (Gemma 3)."""

    blocks: str
    output: str
    mlp: str
    norm: str
    bias: str = ""
    norms: tuple[str, str] = ("", "")
    centred: bool = False
    offset: float = 0.0


LLAMA = Names("model.layers", "self_attn.o_proj", "mlp", "model.norm")
ARCHITECTURES = {
    "gpt2": Names("transformer.h", "attn.c_proj", "mlp", "transformer.ln_f", "mlp.c_proj", centred=True),
    "gpt_neox": Names(
        "gpt_neox.layers", "attention.dense", "mlp", "gpt_neox.final_layer_norm", "mlp.dense_4h_to_h", centred=True
    ),
    "opt": Names("model.decoder.layers", "self_attn.out_proj", "fc2", "model.decoder.final_layer_norm", "fc2",
                 centred=True),
    "llama": LLAMA, "qwen3": LLAMA, "phi3": LLAMA, "deepseek_v3": LLAMA, "gpt_oss": LLAMA,
    "gemma3": LLAMA._replace(norms=("post_attention_layernorm", "post_feedforward_layernorm"), offset=1.0),
}  # fmt: skip
LIMIT = 2e-5


@cache
def model(name: str) -> LoadedModel:
    """A tiny model whose biases and norms are not the plain ones that all begin with."""
    network = tiny(name)
    generator = torch.Generator().manual_seed(3)
    for parameter in network.model.parameters():
        if parameter.dim() == 1:
            parameter.data.add_(0.3 * torch.randn(parameter.shape, generator=generator))
    return check(Checkpoint(name, Path(), "made for tests", "0", None, 0, 0), network, word_tokenizer(special=False))


def eager(run: Run, names: Names) -> dict[str, Any]:
    """What the modules were given and gave in a pass of transformers alone: [N, W] each, by (block, what)."""
    network = run.model.network
    theirs: Any = network.model
    seen: dict[Any, Tensor] = {}
    hooks = [
        theirs.get_submodule(names.norm).register_forward_hook(
            lambda _, args, made: seen.update(final=args[0][0], normed=made[0])
        )
    ]
    for i, block in enumerate(theirs.get_submodule(names.blocks)):

        def into(_: Any, args: Any, made: Tensor, i: int = i) -> None:
            seen[i, "z"], seen[i, "attention"] = args[0][0], made[0]

        def out(_: Any, __: Any, made: Any, i: int = i) -> None:
            seen[i, "mlp"] = (made[0] if isinstance(made, tuple) else made).reshape(-1, made[0].shape[-1])

        hooks.append(block.get_submodule(names.output).register_forward_hook(into))
        hooks.append(block.get_submodule(names.mlp).register_forward_hook(out))
        hooks.append(
            block.register_forward_pre_hook(
                lambda _, args, kwargs, i=i: seen.update(
                    {(i, "in"): (args[0] if args else kwargs["hidden_states"])[0]}
                ),
                with_kwargs=True,
            )
        )
    theirs.set_attn_implementation("eager")
    try:
        with torch.no_grad():
            logits = theirs(**inputs_of(run.model, run.tokens), use_cache=False).logits[0]
    finally:
        theirs.set_attn_implementation(backend.NAME)
        for hook in hooks:
            hook.remove()
    return {"seen": seen, "logits": logits.double()}


def linear(norm: Any, row: Tensor, names: Names, part: Tensor) -> Tensor:
    """A part of `row` [W] through the norm, σ that of the row; without the norm's bias."""
    mean = (lambda x: x.mean(-1, keepdim=True)) if names.centred else (lambda _: 0.0)
    eps = getattr(norm, "eps", None) or norm.variance_epsilon
    sigma = ((row - mean(row)).pow(2).mean() + eps).sqrt()
    gain: Tensor = names.offset + norm.weight.double()
    return gain * (part - mean(part)) / sigma


def by_hand(run: Run, names: Names, position: int, token: int, against: int | None) -> dict[str, Any]:
    found = eager(run, names)
    theirs: Any = run.model.network.model
    blocks = theirs.get_submodule(names.blocks)
    seen = {key: value.double() for key, value in found["seen"].items()}
    read = theirs.lm_head if hasattr(theirs, "lm_head") else theirs.embed_out
    w = read.weight[token].double() - (0.0 if against is None else read.weight[against].double())
    final = theirs.get_submodule(names.norm)

    def share(part: Tensor) -> float:
        return float(w @ linear(final, seen["final"][position], names, part))

    heads, biases, mlps, mlp_biases = [], [], [], []
    for i, block in enumerate(blocks):
        output = block.get_submodule(names.output)
        weight = output.weight.double() if type(output).__name__ == "Conv1D" else output.weight.double().T
        z, count = seen[i, "z"][position], run.stacks[0].heads
        parts = [
            z[piece] @ weight[piece]
            for piece in (slice(h * len(z) // count, (h + 1) * len(z) // count) for h in range(count))
        ]
        bias = getattr(output, "bias", None)
        bias = torch.zeros_like(w) if bias is None else bias.double()
        mlp = seen[i, "mlp"][position]
        if names.norms[0]:
            norm = block.get_submodule(names.norms[0])
            parts = [linear(norm, seen[i, "attention"][position], names, part) for part in parts]
            norm = block.get_submodule(names.norms[1])
            mlp = linear(norm, mlp, names, mlp)
        last = block.get_submodule(names.bias).bias.double() if names.bias else torch.zeros_like(w)
        heads.append([share(part) for part in parts])
        biases.append(share(bias))
        mlps.append(share(mlp - last))
        mlp_biases.append(share(last))
    beta, logits = getattr(final, "bias", None), found["logits"][position]
    return {
        "heads": torch.tensor(heads), "bias": torch.tensor(biases), "mlp": torch.tensor(mlps),
        "mlp_bias": torch.tensor(mlp_biases), "embedding": share(seen[0, "in"][position]),
        "norm_bias": 0.0 if beta is None else float(w @ beta.double()),
        "total": float(logits[token] - (0.0 if against is None else logits[against])),
    }  # fmt: skip


def compare(found: AttributionAnswer, wanted: dict[str, Any]) -> None:
    given = {
        "heads": found.attention[0].heads, "bias": found.attention[0].bias, "mlp": found.mlp,
        "mlp_bias": found.mlp_bias, "embedding": sum(part.value for part in found.embedding),
        "norm_bias": found.norm_bias, "total": found.total,
    }  # fmt: skip
    for name, value in wanted.items():
        difference = float((torch.as_tensor(given[name]) - torch.as_tensor(value)).abs().max())
        assert difference <= LIMIT, f"{name}: {difference:.2g}"


def holds(found: AttributionAnswer) -> None:
    assert [(check.name, check.value) for check in found.checks if not check.ok] == []
    assert found.parts + found.remainder == pytest.approx(found.total, abs=1e-12)
    parts = sum(float(part.heads.double().sum() + part.bias.double().sum()) for part in found.attention)
    parts += sum(part.value for part in found.embedding) + found.norm_bias + found.head_bias
    parts += float(found.mlp.double().sum() + found.mlp_bias.double().sum())
    assert parts == pytest.approx(found.total, abs=LIMIT)


@pytest.mark.parametrize("against", [None, 40])
@pytest.mark.parametrize("name", ARCHITECTURES)
def test_every_part_is_that_of_the_formula(name: str, against: int | None) -> None:
    run = made_run(name, TEXT, model=model(name))
    for position in (0, 4, 9):
        found = attribution(run, position, 23, against)
        holds(found)
        compare(found, by_hand(run, ARCHITECTURES[name], position, 23, against))


@pytest.mark.parametrize("name", ["gpt2", "opt"])
def test_positions_are_a_part_of_their_own(name: str) -> None:
    run = made_run(name, TEXT, model=model(name))
    found = attribution(run, 5, 23)
    theirs: Any = run.model.network.model
    embed = theirs.get_input_embeddings().weight[run.tokens["decoder"].ids[5]].double()
    names = ARCHITECTURES[name]
    row = eager(run, names)["seen"]["final"][5].double()
    share = theirs.lm_head.weight[23].double() @ linear(theirs.get_submodule(names.norm), row, names, embed)
    assert [part.name for part in found.embedding] == ["token", "position"]
    assert found.embedding[0].value == pytest.approx(float(share), abs=LIMIT)


def test_an_encoder_decoder_has_cross_attention_as_parts_too() -> None:
    run = made_run("t5", TEXT, target="w20 w21 w22 w23", model=model("t5"))
    found = attribution(run, 3, 23, 40)
    holds(found)
    assert [(part.stack, tuple(part.heads.shape)) for part in found.attention] == [
        ("decoder", (3, 4)),
        ("cross", (3, 4)),
    ]
    theirs: Any = run.model.network.model
    seen: dict[Any, Tensor] = {}
    final = theirs.decoder.final_layer_norm
    hooks = [final.register_forward_hook(lambda _, args, __: seen.update(final=args[0][0, 3].double()))]
    for i, block in enumerate(theirs.decoder.block):
        o = block.layer[1].EncDecAttention.o
        hooks.append(o.register_forward_hook(lambda _, args, __, i=i: seen.update({i: args[0][0, 3].double()})))
    with torch.no_grad():
        logits = theirs(**inputs_of(run.model, run.tokens)).logits[0, 3].double()
    for hook in hooks:
        hook.remove()
    assert found.total == pytest.approx(float(logits[23] - logits[40]), abs=LIMIT)
    scale = theirs.model_dim**-0.5 if getattr(theirs.config, "scale_decoder_outputs", False) else 1.0
    u = (theirs.lm_head.weight[23] - theirs.lm_head.weight[40]).double() * final.weight.double() * scale
    u = u / (seen["final"].pow(2).mean() + final.variance_epsilon).sqrt()
    for i, block in enumerate(theirs.decoder.block):
        read = block.layer[1].EncDecAttention.o.weight.double().T @ u
        wanted = (read * seen[i]).reshape(4, 8).sum(-1)
        assert float((found.attention[1].heads[i] - wanted).abs().max()) <= LIMIT


def test_of_no_token_the_likeliest_is_taken() -> None:
    run = made_run("llama")
    found = attribution(run)
    logits = run.logits(slice(9, 10))[0]
    assert (found.position, found.token.id) == (9, int(logits.argmax()))
    assert found.total == pytest.approx(float(logits.max()))
    assert found.against is None


def test_a_head_that_writes_something_else_shows() -> None:
    """The check is no tautology: with another weight than the model's, the parts no longer sum to the logit."""
    from dataclasses import replace

    run = made_run("llama", TEXT, model=model("llama"))
    part = run.model.residual.blocks[1]
    other = replace(part.attentions[0].output, weight=part.attentions[0].output.weight * 1.5)
    wrong = replace(part, attentions=(replace(part.attentions[0], output=other),))
    blocks = (run.model.residual.blocks[0], wrong, run.model.residual.blocks[2])
    loaded = replace(run.model)
    loaded.__dict__["residual"] = replace(run.model.residual, blocks=blocks)
    found = attribution(replace(run, model=loaded), 5, 23)
    assert {check.name for check in found.checks if not check.ok} >= {
        "parts-sum-to-the-logit", "blocks-sum-to-their-output",
    }  # fmt: skip
    assert abs(found.remainder) > 1e-3


REFUSED = {
    "bert": "post-norm", "roberta": "post-norm", "albert": "post-norm", "bart": "post-norm", "marian": "post-norm",
    "gemma2": "softcap", "modernbert": "not one linear map",
}  # fmt: skip


@pytest.mark.parametrize("name", REFUSED)
def test_refused_where_a_logit_is_no_sum_of_parts(name: str) -> None:
    run = made_run(name, "w7 [MASK] w9", target="w7 w8" if name in ("bart", "marian") else None)
    with pytest.raises(NotApplicable, match=REFUSED[name]):
        attribution(run, 2 if name != "gemma2" else 1)


@pytest.mark.parametrize("name", WEIGHTS_ONLY)
def test_refused_for_models_of_weights_only(name: str) -> None:
    with pytest.raises(NotApplicable, match="maps only"):
        attribution(made_run(name, "w7 [MASK] w9"))


def test_bad_input() -> None:
    run = made_run("llama")
    for arguments in ({"position": 10}, {"position": -1}, {"token": 99}, {"token": 5, "against": 99}, {"against": -1}):
        with pytest.raises(OutOfRange):
            attribution(run, **arguments)


def test_a_model_without_a_head_says_so() -> None:
    from dataclasses import replace

    bare = replace(made_model("llama"), info=replace(made_model("llama").info, language_head=False))
    with pytest.raises(NoLanguageHead):
        attribution(made_run("llama", model=bare))
