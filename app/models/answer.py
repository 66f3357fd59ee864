"""The answer of an encoder-decoder: what its decoder writes by itself, always the likeliest token next.

transformers' own generation runs, so that what a model's generation_config.json asks for (a first token that is
forced, tokens that never come, no phrase twice) is done as there. What in that file would make the answer depend on
chance, on beams or on code from elsewhere is left out, when the model is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import DynamicCache, EncoderDecoderCache, GenerationConfig, StoppingCriteria, StoppingCriteriaList

from app.attention.recorder import PassStopped
from app.models.forward import Network

KEPT = (
    "bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id", "forced_bos_token_id",
    "forced_eos_token_id", "min_length", "min_new_tokens", "suppress_tokens", "begin_suppress_tokens", "bad_words_ids",
    "sequence_bias", "repetition_penalty", "encoder_repetition_penalty", "no_repeat_ngram_size",
    "encoder_no_repeat_ngram_size", "exponential_decay_length_penalty",
)  # fmt: skip
"""What a model may ask for of its own answer. Everything else is transformers' default, which is greedy."""


def greedy_config(own: GenerationConfig) -> GenerationConfig:
    """The part of a model's generation config that a greedy answer keeps to."""
    found = {name: getattr(own, name, None) for name in KEPT}
    kept = {name: value for name, value in found.items() if value is not None}
    return GenerationConfig(do_sample=False, num_beams=1, **kept)  # type: ignore[no-untyped-call]


def greedy_answer(
    network: Network,
    inputs: dict[str, Tensor],
    most: int,
    stopped: Callable[[], bool],
    progress: Callable[[int], None] = lambda _: None,
) -> tuple[list[int], bool]:
    """(ids that the decoder writes behind its start token, at most `most`; was it broken off there?).

    `inputs` are the encoder's.

    `stopped` is asked after each token. Raises PassStopped when it says so.
    """
    listener = _Listener(stopped, progress)
    with torch.no_grad():
        written: Tensor = network.model.generate(
            **inputs,
            max_new_tokens=most,
            stopping_criteria=StoppingCriteriaList([listener]),
            # one that grows: transformers' own has as many layers as the encoder, too few for a deeper decoder
            past_key_values=EncoderDecoderCache(DynamicCache(), DynamicCache()),
        )
    ids = written[0, 1:].tolist()
    config = network.model.generation_config
    forced = config.forced_eos_token_id is not None  # then the last token is an end, wanted or not
    return ids, len(ids) >= most and (forced or ids[-1] not in end_tokens(config))


def end_tokens(config: GenerationConfig) -> Sequence[int]:
    """The ids that end an answer; none where the model names none."""
    end: Any = config.eos_token_id
    return () if end is None else end if isinstance(end, list) else (end,)


OwnRules = Callable[[Sequence[int], Tensor], Tensor]
"""Given all ids so far and the logits [V]: the logits as the model's own rules want them, -inf what they forbid."""


def own_rules(network: Network, start: int, inputs: Tensor | None = None) -> OwnRules | None:
    """What the model's generation_config.json asks for, applied as transformers does; None where it asks for nothing.

    `start` is the number of ids before the first one written, `inputs` [1, N] the encoder's. A last token that is
    forced at the end of a number of steps is left out: the number is the caller's, not the model's.
    """
    model = network.model
    config = greedy_config(model.generation_config)
    config.forced_eos_token_id = None
    model._prepare_special_tokens(config, device=network.device)  # min_length and others need the end as a tensor
    rules = model._get_logits_processor(config, start, encoder_input_ids=inputs, device=network.device)
    if not len(rules):
        return None

    def apply(ids: Sequence[int], logits: Tensor) -> Tensor:
        given = torch.tensor([list(ids)], device=network.device)
        ruled: Tensor = rules(given, logits[None].to(network.device))[0].cpu()
        return ruled

    return apply


class _Listener(StoppingCriteria):
    """Is called by transformers after every token; never stops by itself."""

    def __init__(self, stopped: Callable[[], bool], progress: Callable[[int], None]) -> None:
        self._stopped = stopped
        self._progress = progress
        self._done = 0

    def __call__(self, input_ids: Tensor, scores: Any, **_: Any) -> Tensor:  # noqa: ARG002
        if self._stopped():
            raise PassStopped
        self._done += 1
        self._progress(self._done)
        return torch.zeros(input_ids.shape[0], dtype=torch.bool, device=input_ids.device)
