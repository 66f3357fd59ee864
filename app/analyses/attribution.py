"""Direct logit attribution: a predicted token's logit, or the difference of two, split over what wrote it.

    logit_t = <w_t, norm(h)> + b_t,      h = embedding + Σ over the layers of (Σ_heads z_h W_O^h + bias + MLP + bias)

With the last norm's division by the size of h held at what it was, everything is linear: each part's own share is
<u, part>, u = w_t taken back through the norm. The parts sum to the logit, and what they lack is the remainder.

It is about what is written directly: what a head does through a later head or MLP counts as theirs. Exact for pre-norm
models with a linear head, and refused elsewhere, with the reason.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from app.analyses.position import predicted_position
from app.analyses.ranges import index
from app.analyses.words import ScoredWord
from app.attention.core import attend
from app.attention.maps import worse
from app.checks import Check, at_most
from app.errors import NotApplicable
from app.models.forward import z_limit
from app.models.info import require_language_head
from app.models.linearise import Straight, read_direction, straight
from app.models.residual import Attention, Residual
from app.models.run import Run
from app.tokens.vocabulary import readable

HINT = "Ask what knocking out a head changes instead, or take a pre-norm model such as smollm2."


@dataclass(frozen=True, slots=True)
class InputPart:
    """What the first block is given: the embedding of the `token`, and of its `position` where there is one."""

    name: str
    value: float


@dataclass(frozen=True, slots=True, eq=False)
class HeadParts:
    """One kind of attention: `heads` [L, H]; `bias` [L] of the output projections (and of a norm behind it)."""

    stack: str
    heads: Tensor
    bias: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class AttributionAnswer:
    """Parts of `total`: the logit of `token`, less that of `against` where there is one.

    `mlp` and `mlp_bias` [L]. `norm_bias` is what the last norm adds of its own, `head_bias` the output embedding.
    `parts` is the sum of all, `remainder` = total - parts.
    """

    run: str
    position: int
    token: ScoredWord
    against: ScoredWord | None
    total: float
    embedding: list[InputPart]
    attention: list[HeadParts]
    mlp: Tensor
    mlp_bias: Tensor
    norm_bias: float
    head_bias: float
    parts: float
    remainder: float
    checks: tuple[Check, ...]


def attribution(
    run: Run, position: int | None = None, token: int | None = None, against: int | None = None
) -> AttributionAnswer:
    """The parts of the logit of `token`, the likeliest unless told, less that of `against`.

    Raises NoLanguageHead, OutOfRange, and NotApplicable where a logit is not the sum of parts.
    """
    residual = _residual(run)
    position = predicted_position(run, position)
    logits = run.logits(torch.tensor([position], device=run.kept.final.device))[0].double()
    token = int(logits.argmax()) if token is None else index(token, len(logits), "token")
    asked = [token] if against is None else [token, index(against, len(logits), "token")]
    total = float(logits[asked[0]] - (logits[asked[1]] if against is not None else 0.0))
    work = _Work(run, position)
    u, head_bias, norm_bias = work.reading(asked)
    embedding, parts = work.embedding(residual, u), [work.block(i, residual, u) for i in range(len(residual.blocks))]
    attention = _by_stack([heads for part in parts for heads in part.heads])
    mlp, mlp_bias = (torch.tensor(values, dtype=torch.float64) for values in zip(*(p.mlp for p in parts), strict=True))
    found = sum(part.value for part in embedding) + norm_bias + head_bias + float(mlp.sum() + mlp_bias.sum())
    found += sum(float(each.heads.sum() + each.bias.sum()) for each in attention)
    named = readable(run.model.tokenizer, asked)
    predicted = [ScoredWord(i, text, float(logits[i])) for i, text in zip(asked, named, strict=True)]
    largest = max(1.0, *(abs(float(part.heads.abs().max())) for part in attention), float(mlp.abs().max()), abs(total))
    limit = z_limit(run.kept.final.dtype)
    return AttributionAnswer(
        run=run.id,
        position=position,
        token=predicted[0],
        against=predicted[1] if against is not None else None,
        total=total,
        embedding=embedding,
        attention=[HeadParts(each.stack, each.heads.float(), each.bias.float()) for each in attention],
        mlp=mlp.float(),
        mlp_bias=mlp_bias.float(),
        norm_bias=norm_bias,
        head_bias=head_bias,
        parts=found,
        remainder=total - found,
        checks=(
            at_most("parts-sum-to-the-logit", abs(total - found) / largest, limit),
            at_most("blocks-sum-to-their-output", work.stream_error, limit),
            at_most("norms-are-linear-here", work.norm_error, limit),
        ),
    )


def _residual(run: Run) -> Residual:
    """The parts of the stream. Raises NoLanguageHead, and NotApplicable where a logit is not their sum."""
    info, config = run.model.info, run.model.network.model.config
    require_language_head(info)
    if info.capture == "weights":
        raise NotApplicable("This model gives its attention maps only; what its heads write is not seen.", HINT)
    if getattr(config, "final_logit_softcapping", None) is not None:
        raise NotApplicable(
            "This model presses its logits through a softcap, and what is pressed is not the sum of its parts.", HINT
        )
    residual = run.model.residual
    if residual.why:
        raise NotApplicable(f"A logit of this model is not the sum of what its parts wrote: {residual.why}.", HINT)
    return residual


@dataclass(frozen=True, slots=True, eq=False)
class _Heads:
    stack: str
    heads: Tensor
    bias: float


@dataclass(frozen=True, slots=True, eq=False)
class _Block:
    heads: Sequence[_Heads]
    mlp: tuple[float, float]


class _Work:
    """The parts at one position. `norm_error` and `stream_error`: the worst so far, as shares of what they are of."""

    def __init__(self, run: Run, position: int) -> None:
        self.run, self.position = run, position
        self.network, self.stack = run.model.network, "encoder" if run.model.info.kind == "encoder" else "decoder"
        self.norm_error = self.stream_error = 0.0

    def reading(self, asked: Sequence[int]) -> tuple[Tensor, float, float]:
        """(u [W]: what reads the logit in the stream, the head's bias, what the norm's bias comes to)."""
        final = self.run.kept.final[self.position]
        read = [read_direction(self.network, final, token) for token in asked]
        if max(curvature for _, _, curvature in read) > z_limit(final.dtype):
            raise NotApplicable(
                "This model's head is not one linear map: something stands between the last layer and the scores.", HINT
            )
        (u, head_bias, _), *others = read
        for direction, bias, _ in others:
            u, head_bias = u - direction, head_bias - bias
        norm_bias = 0.0
        ending = self.run.model.ending
        row, steps = self.hidden(-1), []
        for module in ending.modules if ending else ():
            steps.append(self.linear(straight(module, row)))
            with torch.no_grad():
                row = module(row[None, None]).reshape(-1)
        self.norm_error = worse(self.norm_error, _share(row - final, final)) if ending else float("nan")
        for step in reversed(steps):
            norm_bias += float(u @ step.shift)
            u = step.back(u)
        return u, head_bias, norm_bias

    def linear(self, found: Straight | None) -> Straight:
        if found is None:
            raise NotApplicable("A norm of this model is of a kind that is not known to be linear.", HINT)
        self.norm_error = worse(self.norm_error, found.error)
        return found

    def hidden(self, block: int) -> Tensor:
        """[W] at the position: what went into a block, -1 for what came out of the last."""
        return self.run.kept.hidden[self.stack][block][self.position]

    def embedding(self, residual: Residual, u: Tensor) -> list[InputPart]:
        given = self.hidden(0).double().cpu()
        if not residual.positions:
            return [InputPart("token", float(u @ given))]
        model, name = self.network.model, self.stack
        embed = (
            model.get_input_embeddings() if len(self.run.tokens) == 1 else model.get_decoder().get_input_embeddings()
        )
        ids = torch.tensor([self.run.tokens[name].ids[self.position]], device=self.network.device)
        token = embed(ids)[0].double().cpu()
        return [InputPart("token", float(u @ token)), InputPart("position", float(u @ (given - token)))]

    def block(self, i: int, residual: Residual, u: Tensor) -> _Block:
        part, x = residual.blocks[i], self.hidden(i)
        assert part.mlp is not None
        total, heads = x.float(), []
        for attention in part.attentions:
            found, written = self.heads(attention, u)
            heads.append(found)
            total = total + written
        made = part.mlp(x, total.to(x.dtype)).float()
        self.stream_error = worse(self.stream_error, _share(total + made - self.hidden(i + 1), self.hidden(i + 1)))
        bias = 0.0 if part.mlp.bias is None else float(u @ part.mlp.bias.double().cpu())
        return _Block(heads, (float(u @ made.double().cpu()) - bias, bias))

    def heads(self, attention: Attention, u: Tensor) -> tuple[_Heads, Tensor]:
        """What each head writes [H], and what the attention adds to the stream [W]."""
        record, output = self.run.records(attention.stack)[attention.layer], attention.output
        assert record.q is not None
        assert record.k is not None
        assert record.v is not None
        row = slice(self.position, self.position + 1)
        z = attend(record.q[:1], record.k[:1], record.v[:1], record.rules, row).z[0]  # [H, 1, Dv]
        written = output(z)[0]
        shift = 0.0
        if attention.norm is not None:
            norm = self.linear(straight(attention.norm, written.to(record.v.dtype)))
            with torch.no_grad():
                written = attention.norm(written.to(record.v.dtype)[None, None]).reshape(-1).float()
            shift, u = float(u @ norm.shift), norm.back(u)
        read = (output.weight.float() @ u.float().to(output.weight.device)).reshape(len(z), -1)  # [H, Dv]
        bias = 0.0 if output.bias is None else float(u @ output.bias.double().cpu())
        return _Heads(attention.stack, (read.double() * z[:, 0].double()).sum(-1).cpu(), bias + shift), written


def _by_stack(found: Sequence[_Heads]) -> list[HeadParts]:
    stacks = dict.fromkeys(part.stack for part in found)
    return [
        HeadParts(
            stack,
            torch.stack([part.heads for part in found if part.stack == stack]),
            torch.tensor([part.bias for part in found if part.stack == stack], dtype=torch.float64),
        )
        for stack in stacks
    ]


def _share(difference: Tensor, whole: Tensor) -> float:
    return float(difference.abs().max() / whole.abs().max().clamp_min(1e-30))
