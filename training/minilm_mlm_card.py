"""What is shipped: the adapter as peft writes it, the head, both in float16, and the card that says what they are.

The figures are measured on the files as they are read back and merged by the app, not on the model in training.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import peft
import torch
import transformers
from peft import PeftModel, get_peft_model_state_dict
from safetensors.torch import save_file
from transformers import BertForMaskedLM, PreTrainedTokenizerBase

from app.models.sources.adapted import ADAPTER, HEAD, merge
from training.english import GRAM, HELD_OUT
from training.masked_lines import LONGEST, WEIGHTS, Encoded
from training.masked_model import PACKAGE, base_folder, base_model, head_of
from training.masked_score import SENTENCES, SHARE, Score, evaluate, fill

BASE = "sentence-transformers/all-MiniLM-L6-v2"
ORIGIN = {
    "wordnet": ("wordnet-base", "WordNet 3.0 licence (permissive)", "glosses of WordNet 3.0, each with its examples"),
    "gcide": ("dict-gcide", "GPL-2 or later", "definitions of GCIDE (Webster's 1913 and additions)"),
    "bible": ("sword-text-web", "public domain", "the World English Bible"),
    "desktop": ("gnome-user-docs", "CC-BY-SA 3.0", "paragraphs of GNOME's help"),
}
"""By source: the Debian package, its licence, what is taken."""


EARLIER_LEGS = """That was the third leg. The first, from MiniLM as it is, was 1,050 steps with seed 0
(`python -m training.minilm_mlm`); it left 37.3% top-1. Its first 550 steps chose 20% of the tokens, eight in ten
masked, one replaced by another word, one kept, and its first 100 took their lines in two parts instead of four. The
second was 2,300 steps with seed 1 onto the first, at 0 0, 60 0.0008, 1,500 0.0008, 1,800 0.000658824, 2,300 0; it left
41.9%. In each the rate was bent on the way, to end when the time was over: more steps would lower the loss further."""
"""What went before a training that goes on from the shipped weights."""


def write_files(
    out: Path,
    adapted: PeftModel,
    tokenizer: PreTrainedTokenizerBase,
    plan: Mapping[str, Any],
    data: Sequence[Encoded],
    held: Sequence[Encoded],
    limit: int | None,
) -> None:
    """The adapter, its configuration, the head and card.md; prints the figures."""
    out.mkdir(parents=True, exist_ok=True)
    low = {name: tensor.detach().half() for name, tensor in get_peft_model_state_dict(adapted).items()}
    save_file(low, out / ADAPTER, metadata={"format": "pt"})
    save_file({name: tensor.detach().half() for name, tensor in head_of(adapted).items()}, out / HEAD)
    config = adapted.peft_config["default"]
    config.base_model_name_or_path, config.inference_mode = BASE, True
    config.save_pretrained(str(out))
    model = read_back(out)
    scores = evaluate(model, held, limit)
    filled = {text: fill(model, tokenizer, text) for text in SENTENCES}
    (out / "card.md").write_text(card(plan, data, scores, filled, out), "utf-8")
    print("\n".join(f"{source}: {score}" for source, score in scores.items()), flush=True)
    print("\n".join(f"{text} {' '.join(words)}" for text, words in filled.items()), flush=True)


def read_back(folder: Path) -> BertForMaskedLM:
    """The shipped files, merged as the app merges them."""
    model = base_model(torch.float32)
    model.load_state_dict(merge(base_folder(), folder), strict=False)
    return model


def card(
    plan: Mapping[str, Any],
    data: Sequence[Encoded],
    scores: Mapping[str, Score],
    filled: Mapping[str, list[str]],
    out: Path,
) -> str:
    """The card, in Markdown; its head is read by a test that holds it against the files."""
    every = scores["all"]
    first = sum(words[0] in SENTENCES[text] for text, words in filled.items())
    five = sum(any(word in SENTENCES[text] for word in words) for text, words in filled.items())
    sources = "\n".join(
        f"| {part.source} | `{ORIGIN[part.source][0]}` | {ORIGIN[part.source][1]} | {ORIGIN[part.source][2]} "
        f"| {len(part.tokens):,} | {WEIGHTS[part.source]:.0%} |"
        for part in data
    )
    table = "\n".join(
        f"| {source} | {s.loss:.3f} | {s.top1:.1%} | {s.top5:.1%} | {s.count:,} |" for source, s in scores.items()
    )
    own = "\n".join(
        f"| {text} | {mark(words, SENTENCES[text])} | {', '.join(words)} |" for text, words in filled.items()
    )
    rates = ", ".join(f"{step:,} {rate:g}" for step, rate in plan["rates"])
    points = ",".join(f"{step}:{rate:g}" for step, rate in plan["rates"])
    onto = f" --onto {plan['onto']} --seed {plan['seed']} --rates {points}" if plan["onto"] else ""
    digests = {name: hashlib.sha256((out / name).read_bytes()).hexdigest() for name in (ADAPTER, HEAD)}
    size = sum((out / name).stat().st_size for name in digests)
    return f"""---
license: apache-2.0
base_model: {BASE}
held_out_loss: {every.loss:.4f}
held_out_top1: {every.top1:.4f}
held_out_top5: {every.top5:.4f}
sentences_top1: {first}
sentences_top5: {five}
adapter_sha256: {digests[ADAPTER]}
head_sha256: {digests[HEAD]}
---
# minilm-mlm

MiniLM, which comes without a head that predicts words, taught to fill in [MASK]: a small masked-language model to look
into. `minilm` itself is untouched.

## The model

All-MiniLM-L6-v2 (the pip package `{PACKAGE}`, Apache-2.0), a LoRA adapter on every linear map of its six
layers (rank {plan["rank"]}, scale {plan["scale"]:g}), and a masked-language-model head: transform and bias; the
decoder is the embeddings, which were not trained. Adapter and head are shipped in float16 ({size:,} bytes) and merged
into the package's weights when the model is first loaded; the result is an ordinary `BertForMaskedLM`.

## Data

English that Debian packages carry, read by `training/english.py`. Lines are cut at {LONGEST} tokens. One entry in
{HELD_OUT} is held out with all its lines, and training lines that share {GRAM} words in a row with a held-out line are
dropped.

| source | Debian package | licence | what is taken | lines | drawn |
|---|---|---|---|---|---|
{sources}

## Training

{plan["rates"][-1][0]:,} steps of {plan["batch"]} lines, {plan["chosen"]:.0%} of the tokens chosen (nine in ten of them
masked, one kept), AdamW; seed {plan["seed"]}; one thread, bfloat16;
torch {torch.__version__}, transformers {transformers.__version__}, peft {peft.__version__}.
The rate goes in straight lines from point to point, step and rate: {rates}.
Again: `python -m training.minilm_mlm{onto}`.
{EARLIER_LEGS if plan["onto"] else ""}

## Held-out lines

{SHARE:.0%} of the tokens, pieces of words and punctuation among them, each replaced by [MASK]; loss in nats.

| source | loss | top-1 | top-5 | tokens |
|---|---|---|---|---|
{table}

## Twenty sentences

Written before the model was, with the words that count as right. First: {first} of {len(filled)}. Among the first five:
{five} of {len(filled)}.

| sentence | right | its first five |
|---|---|---|
{own}

## Limits

It was trained for a few hours of one core: it fills in {every.top1:.0%} of the masked words, where a model that was
trained for weeks (BERT with its own head, for one) fills in more than half. It finds the kind of word, and often not
the word. It repeats words of the sentence, knows few facts, and is poor at names, numbers and short sentences. Its
English is that of dictionaries, of a Bible and of a desktop's help. It does what its sources do: definitions come out
as dictionaries write them, and WordNet, Webster of 1913 and the Bible hold opinions of their times, about women,
peoples and faiths among others. It is English only and without capitals. Use it to look into, not to rely on.

## Licence

The adapter and the head: Apache-2.0. The texts keep their own licences (above) and are not part of the files.
"""


def mark(words: Sequence[str], right: Sequence[str]) -> str:
    """Where the first right word came."""
    places = [at for at, word in enumerate(words) if word in right]
    return "first" if places[:1] == [0] else "in five" if places else "no"
