"""A run: one forward pass of one model over one input, and everything that can be asked of it afterwards."""

from __future__ import annotations

import hashlib
import hmac
import json
import logging
import time
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from zlib import crc32

import torch
from torch import Tensor

from app.attention.recorder import LayerRecord, PassStopped, Recorder, storage_bytes
from app.checks import Check, at_most
from app.errors import Cancelled, ModelFailed, PairUnsupported, PassFailed, StackUnknown, TooManyTokens
from app.models.answer import greedy_answer
from app.models.forward import Pass, decoder_start, forward, largest, unembed, z_limit
from app.models.loaded import LoadedModel
from app.models.price import most_tokens, rows_and_cols, run_bytes
from app.models.progress import Cancelled as IsCancelled
from app.models.progress import Progress, Stage
from app.settings import Settings
from app.tokens.answer import answer_text, answer_tokens
from app.tokens.text import clean_text
from app.tokens.token import Token, Tokens
from app.tokens.tokenize import tokenize, tokenize_target

log = logging.getLogger("headlight")


@dataclass(frozen=True, slots=True)
class RunRequest:
    """What determines a run, beside the model's revision and dtype."""

    model: str
    text: str
    pair: str | None = None
    target: str | None = None


@dataclass(frozen=True, slots=True)
class Stack:
    """One kind of attention in a run: rows are queries, cols are keys."""

    name: str
    layers: int
    heads: int
    rows: int
    cols: int


@dataclass(frozen=True, slots=True)
class Milliseconds:
    """Where the time of a run went. `answer`: what the decoder took to write one, 0 where it was given a target."""

    tokenize: float
    answer: float
    forward: float
    total: float


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """`tokens` by input, "encoder" and "decoder". `bytes` is what the run's tensors hold, each storage once.

    `answer` is what an encoder-decoder wrote by itself, where it was given no target.
    """

    id: str
    request: RunRequest
    model: LoadedModel
    tokens: Mapping[str, Tokens]
    stacks: tuple[Stack, ...]
    kept: Pass = field(repr=False)
    milliseconds: Milliseconds
    bytes: int
    checks: tuple[Check, ...]
    warnings: tuple[str, ...]
    answer: str | None

    def stack(self, name: str | None) -> Stack:
        """The stack of that name, or the only one. Raises StackUnknown."""
        if name is None and len(self.stacks) == 1:
            return self.stacks[0]
        found = next((s for s in self.stacks if s.name == name), None)
        if found is None:
            names = ", ".join(s.name for s in self.stacks)
            raise StackUnknown(f"This model's kinds of attention are: {names}.", "Name one of them as `stack`.")
        return found

    def records(self, stack: str) -> tuple[LayerRecord, ...]:
        """The layers of a stack, as they were kept."""
        return self.kept.layers[stack]

    def tokens_of(self, stack: str) -> tuple[Tokens, Tokens]:
        """The tokens that ask (rows) and the tokens that are looked at (columns)."""
        if stack == "cross":
            return self.tokens["decoder"], self.tokens["encoder"]
        return self.tokens[stack], self.tokens[stack]

    def logits(self, positions: slice | Tensor) -> Tensor:
        """Logits [positions, V] through the model's own head, on the CPU in float32."""
        return unembed(self.model.network, self.kept.final[positions]).cpu()


def run_id(secret: bytes, model: LoadedModel, request: RunRequest) -> str:
    """A hash of everything that determines a run, keyed with the installation's secret: ids cannot be guessed."""
    parts = (model.info.id, model.info.revision, model.dtype, *astuple(request))
    return hmac.new(secret, json.dumps(parts).encode(), hashlib.sha256).hexdigest()[:32]


def read_tokens(model: LoadedModel, request: RunRequest, settings: Settings) -> dict[str, Tokens]:
    """The tokens of a request by input. Raises what is wrong with the texts, before any pass."""
    info, limit = model.info, settings.text_limit
    text = clean_text(request.text, limit)
    pair = None if request.pair is None else clean_text(request.pair, limit, "pair")
    if pair is not None and not info.pairs:
        raise PairUnsupported(
            "This model takes one text only.", "Leave `pair` out, or choose an encoder such as minilm."
        )
    if request.target is not None and info.kind != "encoder-decoder":
        raise PairUnsupported("Only an encoder-decoder takes a target.", "Leave `target` out.")
    target = None if request.target is None else clean_text(request.target, limit, "target")
    with model.tokenizing:
        tokens = tokenize(model.tokenizer, text, pair)
        if info.kind != "encoder-decoder":
            return {model.network.layout.kind: tokens}
        return {"encoder": tokens, "decoder": _decoder_tokens(model, target)}


def _decoder_tokens(model: LoadedModel, target: str | None) -> Tokens:
    """What the decoder reads; of no target, the start token alone, with which an answer begins."""
    if target is None:
        return Tokens((_start_token(model),), "start token only", 0, ())
    return _shifted(model, tokenize_target(model.tokenizer, target))


def _shifted(model: LoadedModel, tokens: Tokens) -> Tokens:
    """The start token and the others without the last: at each position the decoder predicts the next."""
    *moved, behind = (replace(token, index=token.index + 1) for token in tokens.items)
    return replace(tokens, items=(_start_token(model), *moved), behind=behind)


def _start_token(model: LoadedModel) -> Token:
    start = decoder_start(model.network.model)
    name = str(model.tokenizer.convert_ids_to_tokens(start))
    return Token(0, start, name, name, None, None, None, True, 0, 1)


def check_price(model: LoadedModel, tokens: Mapping[str, Tokens], settings: Settings) -> int:
    """The bytes that the run will keep. Raises TooManyTokens, with the most that fit, when it can never be run here."""
    counts = {name: len(t) for name, t in tokens.items()}
    for name, count in counts.items():
        most = room(model, counts, name, settings)
        if count > most:
            text = "target" if name == "decoder" and "encoder" in counts else "text"
            why = "the model has positions for" if most == model.info.max_tokens else "the memory for one run holds"
            raise TooManyTokens(
                f"The {text} comes to {count:,} tokens; {why} {most:,}.", f"Shorten it to at most {most:,} tokens."
            )
    return run_bytes(model.shapes, counts)


def room(model: LoadedModel, counts: Mapping[str, int], name: str, settings: Settings) -> int:
    """The most tokens that the input `name` may have, the other one as it is."""
    limit = min(settings.run_limit, settings.run_budget)  # what the store would not keep could not be looked at
    fits = most_tokens(model.shapes, counts, name, limit, settings.pass_limit)
    return min(fits, model.info.max_tokens or fits)


def inputs_of(model: LoadedModel, tokens: Mapping[str, Tokens]) -> dict[str, Tensor]:
    """Tokens as the model's inputs, a batch of one without padding, so that no mask is needed."""
    device = model.network.device
    first = tokens.get("encoder") or tokens["decoder"]
    inputs = {"input_ids": torch.tensor([first.ids], device=device)}
    segments = getattr(model.network.model.config, "type_vocab_size", 0)
    if first.type_ids is not None and segments > 1:
        inputs["token_type_ids"] = torch.tensor([first.type_ids], device=device)
    if "encoder" in tokens and "decoder" in tokens:
        inputs["decoder_input_ids"] = torch.tensor([tokens["decoder"].ids], device=device)
    return inputs


def make_run(
    identity: str,
    model: LoadedModel,
    request: RunRequest,
    tokens: Mapping[str, Tokens],
    settings: Settings,
    tokenize_seconds: float,
    progress: Progress,
    cancelled: IsCancelled,
) -> Run:
    """The forward pass, and the run that comes of it.

    Raises Cancelled when nobody waits any more, and PassFailed for what the model's code raises. An encoder-decoder
    that was given no target first writes one, never longer than there is room for.
    """
    warnings, answer, began = list(model.info.warnings), None, time.perf_counter()
    if model.info.kind == "encoder-decoder" and request.target is None:
        if model.network.has_head:
            answer, tokens, broken_off = write_answer(model, tokens, settings, progress, cancelled)
            if broken_off:
                warnings.append(f"The answer was broken off after {len(tokens['decoder']):,} tokens.")
        else:
            warnings.append("No target was given: the decoder has seen its start token only.")
    answer_seconds = 0.0 if answer is None else time.perf_counter() - began
    layers = sum(model.shapes.hidden_states.values()) - len(model.shapes.hidden_states)
    recorder = Recorder(
        progress=lambda done: progress(Stage("forward", done, layers, f"Layer {done + 1} of {layers}")),
        stopped=cancelled,
    )
    started = time.perf_counter()
    try:
        kept = forward(model.network, inputs_of(model, tokens), recorder)
    except PassStopped as exc:
        raise _stopped() from exc
    except Exception as exc:
        log.exception("a pass failed")
        raise PassFailed(
            f"The model's own code failed on this text ({type(exc).__name__}).", "Try a shorter text, or another model."
        ) from exc
    seconds = time.perf_counter() - started
    counts = {name: len(t) for name, t in tokens.items()}
    stacks = tuple(Stack(s.name, s.layers, s.heads, *rows_and_cols(s.name, counts)) for s in model.shapes.stacks)
    spent = (tokenize_seconds, answer_seconds, seconds)
    return Run(
        identity, request, model, tokens, stacks, kept, Milliseconds(*(s * 1e3 for s in (*spent, sum(spent)))),
        storage_bytes(kept.tensors()), run_checks(kept, tokens, identity), tuple(warnings), answer,
    )  # fmt: skip


def write_answer(
    model: LoadedModel, tokens: Mapping[str, Tokens], settings: Settings, progress: Progress, cancelled: IsCancelled
) -> tuple[str, dict[str, Tokens], bool]:
    """(the model's own greedy answer, all tokens with the decoder's from it, was it broken off for want of room?).

    Raises Cancelled, and ModelFailed where transformers cannot let the model write.
    """
    counts = {name: len(t) for name, t in tokens.items()}
    most = min(settings.answer_limit, room(model, counts, "decoder", settings))

    def report(done: int) -> None:
        progress(Stage("answer", done, most, f"Token {done} of its answer"))

    try:
        ids, broken_off = greedy_answer(
            model.network, inputs_of(model, {"encoder": tokens["encoder"]}), most, cancelled, report
        )
    except PassStopped as exc:
        raise _stopped() from exc
    except Exception as exc:
        raise ModelFailed(
            f"transformers could not let this model write an answer ({type(exc).__name__}).", "Send a `target`."
        ) from exc
    written = _shifted(model, answer_tokens(model.tokenizer, ids))
    return answer_text(model.tokenizer, ids), {**tokens, "decoder": written}, broken_off


def _stopped() -> Cancelled:
    return Cancelled("The run was stopped, since nobody waited for it any more.", "Post it again.")


def run_checks(kept: Pass, tokens: Mapping[str, Tokens], identity: str) -> tuple[Check, ...]:
    """What is tested on every run: the offsets, that the output is finite, and our z against the model's own.

    Of each stack one layer's z is, another for each text: all were at load, and what is looked at is again.
    """
    checks: list[Check] = [check for t in tokens.values() for check in t.checks]
    worst = largest(kept.final)
    checks.append(at_most("largest-output", worst, torch.finfo(kept.final.dtype).max))
    turn = crc32(identity.encode())
    difference = kept.z_difference({stack: turn % len(records) for stack, records in kept.layers.items()})
    if difference is not None:
        checks.append(at_most("z-equals-the-models", difference, z_limit(kept.final.dtype)))
    return tuple(checks)
