"""What is written beside the weights: configuration, tokenizer, and the card that says what they are."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
import transformers

from training.dates_data import FIRST, FORMS, HELD_OUT, LAST, SPLIT_SEED, split
from training.dates_tokenizer import LONGEST

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerFast

    from training.dates import Plan

Scores = Mapping[str, tuple[float, int]]
"""By form: the share of held-out dates that came out exact, and how many were tried."""


def write_files(out: Path, model: Any, tokenizer: PreTrainedTokenizerFast, plan: Plan, scores: Scores) -> None:
    """Everything that `from_pretrained` needs, and card.md."""
    model.save_pretrained(out)
    tokenizer.save_pretrained(out)
    weights = out / "model.safetensors"
    weights.chmod(0o644)
    digest = hashlib.sha256(weights.read_bytes()).hexdigest()
    (out / "card.md").write_text(card(model, plan, scores, digest, weights.stat().st_size), "utf-8")


def exact(scores: Scores) -> float:
    """The share over all forms."""
    return sum(score * count for score, count in scores.values()) / sum(count for _, count in scores.values())


def card(model: Any, plan: Plan, scores: Scores, digest: str, size: int) -> str:
    """The card, in Markdown; its head is read by a test that holds it against the files."""
    config = model.config
    days, held = split()
    rows = "\n".join(
        f"| {form} | {' '.join((FORMS[form].__doc__ or '').split())} | {score:.3%} of {count:,} |"
        for form, (score, count) in scores.items()
    )
    return f"""---
license: apache-2.0
held_out_exact: {exact(scores):.5f}
sha256: {digest}
---
# dates

Reads a date as people write it, answers with ISO 8601: "the third of March 2021" becomes "2021-03-03". A small
encoder-decoder to look into: each letter is a token, and the cross attention reads the year, the month and the day.

## The model

BART's layout (transformers' `BartForConditionalGeneration`): {config.encoder_layers} encoder and
{config.decoder_layers} decoder layers, {config.encoder_attention_heads} heads, width {config.d_model}, feed-forward
{config.encoder_ffn_dim}, {model.num_parameters():,} parameters in float32 ({size:,} bytes). {config.vocab_size} tokens:
digits, small letters (capitals are read as such), the space and `-/.,':`, and `<s>`, `</s>`, `<pad>`, `<unk>`. At most
{LONGEST} in a text.

## Data

Made by `training/dates_data.py`: days from {FIRST} to {LAST}, written in one of the forms below, with or
without a weekday, "on" or a full stop. One day in {HELD_OUT} is held out whole, in every form: {len(days):,} days to
train on, {len(held):,} held out, split with seed {SPLIT_SEED}.

Where a form could mean two dates: numbers alone are day, month, year, unless four digits come first; two-digit years
are POSIX's (69 to 99 in the 1900s, 00 to 68 in the 2000s); a weekday is read past, right or wrong.

## Training

{plan.steps:,} steps of {plan.batch} dates, AdamW, rate {plan.rate} with {plan.warmup} steps of warm-up and a cosine,
seed {plan.seed}, one thread; torch {torch.__version__.partition("+")[0]}, transformers {transformers.__version__}.
No part of the loss looks at the attention. Again: `python -m training.dates`.

## Held-out days, every character right

| form | as in | exact |
|---|---|---|
{rows}
| all | | {exact(scores):.3%} |

## Limits

It knows these forms and no others: no years in words, no other language, no times, no ranges, no dates inside a
sentence. It always answers, with nonsense where it was asked nonsense, and never says that a date does not exist.
What it writes for years outside of 1900 to 2099 means nothing.

## Licence

Apache-2.0, weights and data alike; both were made by the scripts in `training/`.
"""
