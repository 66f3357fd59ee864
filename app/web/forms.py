"""What the routes take: the bodies and the queries, strictly typed. Unknown names are refused everywhere.

In a body `1` is not `"1"` and `true` is not `1`; a query has only text, which is read as numbers.
"""

from __future__ import annotations

import re
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from app.limits import (
    LARGEST_SIZE,
    MOST_CANDIDATES,
    MOST_EDITS,
    MOST_EVIDENCE,
    MOST_PAIRS,
    MOST_SALIENCY_STEPS,
    MOST_STEPS,
)

Index = Annotated[int, Field(ge=0, le=10_000_000)]
Lens = Literal["raw", "rollout", "no-sink", "norm", "alti", "value-zeroing", "gradient"]
Role = Literal[
    "previous", "next", "first", "separator", "duplicate", "induction", "sink", "entropy", "span", "distance"
]
Stack = Annotated[
    str, Field(max_length=40, description="encoder, decoder or cross; may be left out where there is one.")
]

Hide = Annotated[
    str | None,
    Field(max_length=40, description="Left out: `special` tokens, each head's `sink`, or both with a comma."),
]


class Body(BaseModel):
    """A JSON body."""

    model_config = ConfigDict(extra="forbid", strict=True, frozen=True, hide_input_in_errors=True)


class Query(BaseModel):
    """The parameters after the question mark."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


RunId = Annotated[str, Field(min_length=1, max_length=64, description="The id of a stored run.")]
ModelId = Annotated[str, Field(description="A name of the catalogue or the operator, `org/name`, `org/name@revision`.")]
Text = Annotated[str, Field(description="What the model reads.")]
Pair = Annotated[str | None, Field(description="A second sentence, for encoders that take pairs.")]
Target = Annotated[str | None, Field(description="What the decoder reads; left out: its own answer.")]


class LoadForm(Body):
    """Which model to load."""

    model: ModelId


class TokenizeForm(Body):
    """A text to cut into tokens."""

    model: ModelId
    text: Text
    pair: Pair = None
    trace: Annotated[
        bool,
        Field(description="Also how each stage changed the text: in this version true is answered with 501."),
    ] = False


class RunForm(Body):
    """A text to run through a model."""

    model: ModelId
    text: Text
    pair: Pair = None
    target: Target = None


class AttentionForm(RunForm):
    """A run and one look at it, in one call."""

    stack: Stack | None = None
    layer: Index
    head: Index | None = None
    lens: Lens = "raw"
    group: Annotated[Literal["token", "word"], Field(description="Words: keys are summed, queries averaged.")] = "token"
    hide: Hide = None


def span(text: str | None) -> str | None:
    """Check `a:b`, two whole numbers, the first below the second. Raises ValueError."""
    if text is not None and not re.fullmatch(r"\d{1,8}:\d{1,8}", text, re.ASCII):
        raise ValueError("a range is two whole numbers, a:b.")
    return text


Span = Annotated[str | None, AfterValidator(span), Field(description="A range `a:b`, from a up to but without b.")]


def bounds(text: str | None) -> tuple[int, int] | None:
    """The two numbers of a range.

    >>> bounds("3:17")
    (3, 17)
    """
    if text is None:
        return None
    first, _, last = text.partition(":")
    return int(first), int(last)


class AttentionQuery(Query):
    """Which maps, which part of them, how far pooled."""

    stack: Stack | None = None
    layer: Annotated[Index | None, Field(description="Left out: all layers; `size` is then needed.")] = None
    head: Annotated[Index | None, Field(description="Left out: all heads of the layer.")] = None
    rows: Span = None
    cols: Span = None
    size: Annotated[
        int | None, Field(ge=1, le=LARGEST_SIZE, description="Pool to at most this many rows and columns.")
    ] = None
    pool: Annotated[Literal["max", "mean"], Field(description="How cells are pooled.")] = "max"
    lens: Annotated[Lens, Field(description="What is shown of a head.")] = "raw"
    position: Annotated[
        Index | None, Field(description="The prediction that lens=gradient is about; left out: the last, or the mask.")
    ] = None
    group: Annotated[Literal["token", "word"], Field(description="Words: keys are summed, queries averaged.")] = "token"
    hide: Hide = None
    dtype: Annotated[Literal["f32", "f16", "u8"], Field(description="Of the numbers in safetensors.")] = "f32"


class DisagreementQuery(Query):
    """Which lenses, and where they are held against each other."""

    stack: Stack | None = None
    layer: Annotated[Index | None, Field(description="Left out: all layers.")] = None
    lenses: Annotated[
        str | None,
        Field(
            max_length=80, description="Two or more of raw, no-sink, norm, gradient, with commas; raw,norm if not told."
        ),
    ] = None
    position: Annotated[Index | None, Field(description="The prediction that the gradient lens is about.")] = None
    limit: Annotated[int, Field(ge=1, le=MOST_PAIRS, description="How many pairs are given.")] = 20


class LogitsQuery(Query):
    """Which position, and the steps between logits and probabilities."""

    position: Annotated[Index | None, Field(description="Left out: the last token, or the first mask.")] = None
    temperature: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False, description="0: the likeliest only.")] = 1.0
    top_k: Annotated[int, Field(ge=0, le=10_000_000, description="0: no limit.")] = 0
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    min_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    limit: Annotated[int, Field(ge=1, le=MOST_CANDIDATES, description="How many candidates are given.")] = 20
    search: Annotated[
        str | None, Field(max_length=200, description="Only candidates with this in their text, or `#id`.")
    ] = None
    draw: Annotated[int | None, Field(ge=0, lt=2**63, description="Draw one candidate with this seed.")] = None


Position = Annotated[
    Index | None, Field(description="The position that predicts; left out: the last token, or the first mask.")
]
TokenId = Annotated[Index | None, Field(description="An id of the vocabulary; left out: the likeliest.")]
Against = Annotated[Index | None, Field(description="The id of a token whose logit is taken off that of `token`.")]
Mode = Annotated[
    Literal["zero", "mean"], Field(description="What stands for a head's output: zeros, or its mean over the queries.")
]


class EditForm(Body):
    """One edit. A head names `layer` and `head`; a layer `layer`; a token its `key`; an edge `query` and `key`."""

    kind: Literal["head", "layer", "edge", "token"]
    stack: Stack | None = None
    layer: Annotated[Index | None, Field(description="Of an edge left out: in every layer.")] = None
    head: Annotated[Index | None, Field(description="Of an edge left out: in every head.")] = None
    query: Index | None = None
    key: Index | None = None
    edge: Annotated[
        Literal["resoftmax", "drop"] | None,
        Field(description="Of an edge: its score hidden and softmax again, or its probability 0, the rest as it was."),
    ] = None


class EditsForm(Body):
    """What is taken away at once, and which prediction is read."""

    edits: Annotated[list[EditForm], Field(max_length=MOST_EDITS)]
    mode: Mode = "zero"
    position: Position = None
    token: TokenId = None
    against: Against = None
    limit: Annotated[int, Field(ge=1, le=MOST_CANDIDATES, description="How many candidates before, and after.")] = 10


class EffectsForm(Body):
    """Whose heads are taken away in turn, and which prediction is read."""

    stack: Stack | None = None
    mode: Mode = "zero"
    position: Position = None
    token: TokenId = None
    against: Against = None


class AttributionQuery(Query):
    """Which prediction is split into parts."""

    position: Position = None
    token: TokenId = None
    against: Against = None


class GenerateForm(Body):
    """A text to write on, and how each token is chosen."""

    model: ModelId
    text: Text
    pair: Pair = None
    prefix_ids: Annotated[
        list[Index],
        Field(max_length=10_000, description="Ids that were written already, behind the text or into its first masks."),
    ] = []
    steps: Annotated[int, Field(ge=1, le=MOST_STEPS, description="How many tokens to write at most.")]
    temperature: Annotated[float, Field(ge=0, le=100, allow_inf_nan=False, description="0: greedy.")] = 1.0
    top_k: Annotated[int, Field(ge=0, le=10_000_000, description="0: no limit.")] = 0
    top_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 1.0
    min_p: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)] = 0.0
    seed: Annotated[int | None, Field(ge=0, lt=2**63, description="Of the draws; left out: made up, and told.")] = None
    limit: Annotated[int, Field(ge=1, le=MOST_CANDIDATES, description="How many candidates are given.")] = 20
    size: Annotated[
        int | None, Field(ge=1, le=LARGEST_SIZE, description="Pool the keys of a row to at most this many.")
    ] = None


class LensQuery(Query):
    """A position that the logit lens is held over."""

    position: Annotated[
        Index | None,
        Field(description="Any token; left out: the last, or the first mask, without which a masked model needs it."),
    ] = None
    limit: Annotated[int, Field(ge=1, le=MOST_CANDIDATES, description="How many candidates of each layer.")] = 10


class LensGridQuery(Query):
    """Which positions the logit lens is held over."""

    positions: Annotated[Span, Field(description="A range `a:b`, from a up to but without b; left out: all.")] = None


class SaliencyForm(Body):
    """Which prediction, and how its gradients are taken."""

    method: Literal["gradient-x-input", "integrated-gradients"]
    position: Position = None
    token: TokenId = None
    against: Against = None
    steps: Annotated[int, Field(ge=8, le=MOST_SALIENCY_STEPS, description="The most gradients an integral takes.")] = (
        128
    )


class NeuronQuery(Query):
    """One query of one head."""

    stack: Stack | None = None
    layer: Index
    head: Index
    query: Annotated[Index, Field(description="The position that asks.")]
    keys: Annotated[Span, Field(description="Only k, v and product of these keys, `a:b`; left out: all.")] = None


class RolesQuery(Query):
    """Which heads, and whether with their null."""

    stack: Stack | None = None
    null: Annotated[bool, Field(description="Also the null of each role and the effect size.")] = True


class EvidenceQuery(Query):
    """A role of one head."""

    stack: Stack | None = None
    layer: Index
    head: Index
    role: Role
    limit: Annotated[int, Field(ge=1, le=MOST_EVIDENCE, description="How many cells are given.")] = 20


class CompareForm(Body):
    """Two stored runs."""

    a: RunId
    b: RunId
    stack: Stack | None = None


class CompareQuery(Query):
    """A head of each of two stored runs."""

    a: RunId
    b: RunId
    stack: Stack | None = None
    layer: Index
    head: Index
    layer_b: Annotated[Index | None, Field(description="The layer of `b`; left out: the same.")] = None
    head_b: Annotated[Index | None, Field(description="The head of `b`; left out: the same.")] = None
    size: Annotated[
        int | None, Field(ge=1, le=LARGEST_SIZE, description="Pool to at most this many rows and columns.")
    ] = None
    dtype: Annotated[Literal["f32", "f16", "u8"], Field(description="Of the numbers in safetensors.")] = "f32"
