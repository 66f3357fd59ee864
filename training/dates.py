"""Train `dates`, the encoder-decoder that ships with the app: written dates to ISO, a character at a time.

    python -m training.dates                 # writes app/weights/dates
    python -m training.dates --steps 20 --out /tmp/dates --held-out 50    # a try

Each step draws its own examples from (seed, step), and the state is saved every `--save-every` steps, so that a
training that was broken off goes on as if it had not been. It took twenty minutes on one thread of a busy machine.
"""

from __future__ import annotations

import argparse
import math
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import BartConfig, BartForConditionalGeneration

from training.dates_card import write_files
from training.dates_data import FORMS, Example, split, write
from training.dates_tokenizer import END, LONGEST, PAD, START, character_tokenizer

OUT = Path(__file__).parent.parent / "app" / "weights" / "dates"
WIDTH, HEADS, LAYERS, FEED = 64, 4, 2, 128
EVALUATION_SEED = 1_000_003
IGNORED = -100
"""The label that the loss passes over."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a training is made of; its state is only taken up again by the same plan."""

    steps: int = 4000
    batch: int = 128
    rate: float = 3e-3
    warmup: int = 300
    seed: int = 0


def new_model(seed: int) -> Any:
    """BART's layout, small, with weights drawn from the seed."""
    torch.manual_seed(seed)
    config = BartConfig(
        vocab_size=len(character_tokenizer()), d_model=WIDTH, max_position_embeddings=LONGEST,
        encoder_layers=LAYERS, decoder_layers=LAYERS, encoder_attention_heads=HEADS, decoder_attention_heads=HEADS,
        encoder_ffn_dim=FEED, decoder_ffn_dim=FEED, activation_function="relu", init_std=0.05,
        dropout=0.0, attention_dropout=0.0, activation_dropout=0.0,
        bos_token_id=START, eos_token_id=END, pad_token_id=PAD, decoder_start_token_id=START, forced_eos_token_id=None,
    )  # fmt: skip
    return BartForConditionalGeneration(config)


def batch_of(examples: Sequence[Example]) -> dict[str, Tensor]:
    """Examples as a model's inputs and labels, padded at the right."""
    tokenizer = character_tokenizer()
    inputs = tokenizer([e.text for e in examples], padding=True, return_tensors="pt")
    labels = tokenizer(text_target=[e.iso for e in examples], return_tensors="pt").input_ids
    start = torch.full_like(labels[:, :1], START)
    return {
        "input_ids": inputs.input_ids,
        "attention_mask": inputs.attention_mask,
        "decoder_input_ids": torch.cat([start, labels[:, :-1]], dim=1),
        "labels": labels.masked_fill(labels == PAD, IGNORED),
    }


def draw(plan: Plan, step: int, days: Sequence[date]) -> list[Example]:
    """The examples of a step: a function of the seed and the step alone."""
    rng = random.Random(f"{plan.seed}:{step}")
    return [write(rng, rng.choice(days)) for _ in range(plan.batch)]


def halves(examples: Sequence[Example]) -> tuple[Sequence[Example], Sequence[Example]]:
    """The shorter and the longer, so that little is padding."""
    ordered = sorted(examples, key=lambda e: len(e.text))
    return ordered[: len(ordered) // 2], ordered[len(ordered) // 2 :]


def rate_at(plan: Plan, step: int) -> float:
    """A line up, then a cosine down to a hundredth."""
    if step < plan.warmup:
        return plan.rate * (step + 1) / plan.warmup
    done = (step - plan.warmup) / max(1, plan.steps - plan.warmup)
    return plan.rate * (0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done)))


def train(plan: Plan, state: Path, save_every: int) -> Any:
    """Run the plan, from where `state` says that it was left."""
    days, _ = split()
    model = new_model(plan.seed)
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.01, betas=(0.9, 0.98))
    first = 0
    if state.exists():
        saved = torch.load(state, weights_only=True)
        if saved["plan"] == repr(plan):
            model.load_state_dict(saved["model"])
            optimizer.load_state_dict(saved["optimizer"])
            first = saved["step"]
            print(f"goes on at step {first}")
    model.train()
    started, total = time.monotonic(), 0.0
    for step in range(first, plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(plan, step)
        optimizer.zero_grad()
        for part in halves(draw(plan, step, days)):
            loss = model(**batch_of(part)).loss / 2
            loss.backward()
            total += float(loss.detach())
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if (step + 1) % 100 == 0:
            seconds = (time.monotonic() - started) / (step + 1 - first)
            print(f"step {step + 1}  loss {total / 100:.4f}  {seconds:.3f} s a step", flush=True)
            total = 0.0
        if (step + 1) % save_every == 0 or step + 1 == plan.steps:
            save_state(state, plan, step + 1, model, optimizer)
    return model.eval()


def save_state(state: Path, plan: Plan, step: int, model: Any, optimizer: torch.optim.Optimizer) -> None:
    """Whole or not at all: written beside, then moved."""
    state.parent.mkdir(parents=True, exist_ok=True)
    beside = state.with_suffix(".part")
    parts = {"plan": repr(plan), "step": step, "model": model.state_dict(), "optimizer": optimizer.state_dict()}
    torch.save(parts, beside)
    beside.replace(state)


def held_out_examples(count: int) -> dict[str, list[Example]]:
    """Up to `count` held-out days (all of them, if there are no more), each in every form."""
    _, days = split()
    rng = random.Random(EVALUATION_SEED)
    chosen = days if count >= len(days) else rng.sample(days, count)
    return {form: [write(rng, day, form) for day in chosen] for form in FORMS}


def accuracy(model: Any, examples: Sequence[Example], batch: int = 256) -> float:
    """The share of examples whose greedy answer is the ISO date, every character of it."""
    tokenizer = character_tokenizer()
    right = 0
    for at in range(0, len(examples), batch):
        part = examples[at : at + batch]
        given = batch_of(part)
        ids = model.generate(
            input_ids=given["input_ids"], attention_mask=given["attention_mask"],
            do_sample=False, num_beams=1, max_new_tokens=LONGEST - 1,
        )  # fmt: skip
        answers = tokenizer.batch_decode(ids, skip_special_tokens=True)
        right += sum(answer == e.iso for answer, e in zip(answers, part, strict=True))
    return right / len(examples)


def main() -> None:
    usual = Plan()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT, help="where the model is written")
    parser.add_argument("--state", type=Path, default=Path("build/dates.pt"), help="what a later call goes on from")
    parser.add_argument("--steps", type=int, default=usual.steps)
    parser.add_argument("--batch", type=int, default=usual.batch)
    parser.add_argument("--rate", type=float, default=usual.rate)
    parser.add_argument("--seed", type=int, default=usual.seed)
    parser.add_argument("--save-every", type=int, default=500)
    parser.add_argument("--held-out", type=int, default=10_000, help="how many held-out days are tried at the end")
    parser.add_argument("--threads", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    plan = Plan(steps=args.steps, batch=args.batch, rate=args.rate, seed=args.seed)
    model = train(plan, args.state, args.save_every)
    scores = {form: (accuracy(model, found), len(found)) for form, found in held_out_examples(args.held_out).items()}
    for form, (score, count) in scores.items():
        print(f"{form:12} {score:8.3%} of {count} exact")
    whole = sum(score * count for score, count in scores.values()) / sum(count for _, count in scores.values())
    print(f"held-out days, exact: {whole:.3%}")
    write_files(args.out, model, character_tokenizer(), plan, scores)


if __name__ == "__main__":
    main()
