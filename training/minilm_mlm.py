"""Train `minilm-mlm`: MiniLM taught to fill in masked words, by a LoRA adapter and a masked-language-model head.

    python -m training.minilm_mlm                 # writes app/weights/minilm_mlm
    python -m training.minilm_mlm --rates 0:0,5:1e-3,20:0 --out /tmp/mlm --state /tmp/mlm.pt    # a try

Trained are the adapter on every linear map of the six layers, and the head's transform and bias; the embeddings, to
which the head's decoder is tied, stay as they are. Each step draws its own lines and masks from (seed, step), and the
state is saved every `--save-every` steps, so that a training that was broken off goes on as if it had not been.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from itertools import pairwise
from math import isclose
from pathlib import Path

import torch
from peft import PeftModel
from torch import Tensor
from torch.func import functional_call
from torch.nn.functional import cross_entropy
from transformers import AutoTokenizer, BertForMaskedLM
from transformers.utils import logging

from training.english import corpus
from training.masked_lines import Batch, Encoded, batches_of, encode, frequencies
from training.masked_model import AtChosen, base_folder, base_model, merged, new_model, take_over
from training.masked_score import evaluate
from training.minilm_mlm_card import write_files

OUT = Path(__file__).parent.parent / "app" / "weights" / "minilm_mlm"
STATE = Path(__file__).parent.parent / "build" / "minilm_mlm.pt"
REPORT, SAMPLE = 20, 96
"""Steps between two lines of the report; held-out lines of each source that are tried whenever the state is saved."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a training is made of.

    The rate goes in straight lines between the points of `rates`, (step, rate); the last is the end. The future of a
    training may be changed on the way, its past may not: a state is taken up by a plan that would have come there.
    """

    rates: tuple[tuple[int, float], ...] = (
        (0, 0.0), (60, 1e-3), (400, 1e-3), (550, 9e-4), (700, 7.2e-4), (900, 3.6e-4), (950, 3.15e-4), (1050, 1.18125e-4)
    )  # fmt: skip
    batch: int = 64
    rank: int = 64
    scale: float = 2.0
    chosen: float = 0.25
    seed: int = 0
    onto: str = ""
    """A folder with an adapter and a head to go on from, as the app ships them; without one both begin anew."""

    @property
    def steps(self) -> int:
        return self.rates[-1][0]


def rate_at(plan: Plan, step: int) -> float:
    """The rate of the step that goes from `step` to the next: that of the middle of the way."""
    for (start, low), (end, high) in pairwise(plan.rates):
        if step < end:
            return low + (high - low) * (step + 0.5 - start) / (end - start)
    return plan.rates[-1][1]


def gradients(adapted: PeftModel, fast: AtChosen, batches: Sequence[Batch]) -> float:
    """Gradients of one step, left in the parameters of `adapted`; answers with its loss in nats a chosen token.

    `fast` is the same model without the adapter, in bfloat16: two and a half times as fast on processors that have
    it. It is called with the merged weights, so that the adapter costs one small product a step, and not one a token.
    """
    whole = merged(adapted)
    leaves = {f"model.{name}": weight.detach().bfloat16().requires_grad_() for name, weight in whole.items()}
    count = sum(int(batch.chosen.sum()) for batch in batches)
    total = 0.0
    for batch in batches:
        logits = functional_call(fast, leaves, (batch.inputs, batch.chosen))
        loss = cross_entropy(logits.float(), batch.ids[batch.chosen], reduction="sum") / count
        loss.backward()  # type: ignore[no-untyped-call]
        total += float(loss.detach())
    torch.autograd.backward(
        list(whole.values()), [leaf.grad.float() for leaf in leaves.values() if leaf.grad is not None]
    )
    return total


def train(plan: Plan, state: Path, save_every: int, data: Sequence[Encoded], held: Sequence[Encoded]) -> PeftModel:
    """Run the plan, from where `state` says that it was left."""
    adapted = new_model(plan.seed, plan.rank, plan.scale, frequencies(data))
    if plan.onto:
        take_over(adapted, Path(plan.onto))
    fast = AtChosen(base_model(torch.bfloat16)).requires_grad_(False)
    learned = [parameter for parameter in adapted.parameters() if parameter.requires_grad]
    optimizer = torch.optim.AdamW(learned, weight_decay=0.01, betas=(0.9, 0.98))
    first = take_up(state, plan, learned, optimizer)
    started, total = time.monotonic(), 0.0
    for step in range(first, plan.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate_at(plan, step)
        optimizer.zero_grad()
        total += gradients(adapted, fast, batches_of(plan.seed, step, plan.batch, plan.chosen, data))
        torch.nn.utils.clip_grad_norm_(learned, 1.0)
        optimizer.step()
        if (step + 1) % REPORT == 0:
            seconds = (time.monotonic() - started) / (step + 1 - first)
            print(f"step {step + 1}  loss {total / REPORT:.4f}  {seconds:.3f} s a step", flush=True)
            total = 0.0
        if (step + 1) % save_every == 0 or step + 1 == plan.steps:
            save_state(state, plan, step + 1, learned, optimizer)
            for source, score in evaluate(whole_model(adapted), held, SAMPLE).items():
                print(f"  held out, {source}: {score}", flush=True)
    return adapted


def whole_model(adapted: PeftModel) -> BertForMaskedLM:
    """A plain model in float32 with the merged weights."""
    model = base_model(torch.float32)
    model.load_state_dict(merged(adapted), strict=False)
    return model


def take_up(state: Path, plan: Plan, learned: Sequence[Tensor], optimizer: torch.optim.Optimizer) -> int:
    """Put back what was saved by a plan with the same past; answers with the step to go on at."""
    if not state.exists():
        return 0
    saved = torch.load(state, weights_only=True)
    then, step = Plan(**saved["plan"]), int(saved["step"])
    past = all(isclose(rate_at(plan, at), rate_at(then, at), rel_tol=1e-6) for at in range(step))
    if not past or step > plan.steps or replace(plan, rates=then.rates) != then:
        return 0
    with torch.no_grad():
        for parameter, value in zip(learned, saved["learned"], strict=True):
            parameter.copy_(value)
    optimizer.load_state_dict(saved["optimizer"])
    print(f"goes on at step {step}", flush=True)
    return step


def save_state(state: Path, plan: Plan, step: int, learned: Sequence[Tensor], optimizer: torch.optim.Optimizer) -> None:
    """Whole or not at all: written beside, then moved."""
    state.parent.mkdir(parents=True, exist_ok=True)
    beside = state.with_suffix(".part")
    values = [parameter.detach() for parameter in learned]
    parts = {"plan": asdict(plan), "step": step, "learned": values, "optimizer": optimizer.state_dict()}
    torch.save(parts, beside)
    beside.replace(state)


def points(text: str) -> tuple[tuple[int, float], ...]:
    """`0:0,60:1e-3,1000:0` as points; their steps must rise from 0."""
    pairs = [point.split(":") for point in text.split(",")]
    answer = tuple((int(step), float(rate)) for step, rate in pairs)
    if len(answer) < 2 or answer[0][0] != 0 or any(a >= b for (a, _), (b, _) in pairwise(answer)):
        raise argparse.ArgumentTypeError("wanted: two or more STEP:RATE, the steps rising from 0")
    return answer


def main() -> None:
    plan = Plan()
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=OUT)
    parser.add_argument("--state", type=Path, default=STATE)
    parser.add_argument("--rates", type=points, default=plan.rates, help="0:0,60:1e-3,1000:0 and the like")
    parser.add_argument("--seed", type=int, default=plan.seed)
    parser.add_argument("--onto", default=plan.onto, help="a folder of adapter and head to train further")
    parser.add_argument("--save-every", type=int, default=100)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--held-out", type=int, default=None, help="held-out lines of each source to try (all)")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    plan = replace(plan, rates=args.rates, seed=args.seed, onto=args.onto)
    tokenizer = AutoTokenizer.from_pretrained(base_folder())
    lines, held = corpus()
    data, held_out = encode(lines, tokenizer), encode(held, tokenizer)
    adapted = train(plan, args.state, args.save_every, data, held_out)
    write_files(args.out, adapted, tokenizer, asdict(plan), data, held_out, args.held_out)


if __name__ == "__main__":
    main()
