"""Runs over tiny models, for tests of everything that asks a run something."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import torch
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

from app.models.build import check
from app.models.checkpoint import Checkpoint
from app.models.loaded import LoadedModel
from app.models.progress import never, silent
from app.models.run import Run, RunRequest, make_run, read_tokens
from app.settings import Settings
from tests.models.tiny import tiny

WORDS = ("[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]")
TEXT = "w7 w8 w9 w10 w7 w8 w9 w11 w12 w7"


def word_tokenizer(special: bool) -> PreTrainedTokenizerFast:
    """99 words, "w5" to "w98", split at spaces; with [CLS] and [SEP] around a text when `special`."""
    vocabulary = {word: i for i, word in enumerate((*WORDS, *(f"w{i}" for i in range(5, 99))))}
    backend = Tokenizer(models.WordLevel(vocabulary, unk_token="[UNK]"))
    backend.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if special:
        backend.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    names = {"pad_token": "[PAD]", "unk_token": "[UNK]", "mask_token": "[MASK]"}
    if special:
        names |= {"cls_token": "[CLS]", "sep_token": "[SEP]"}
    return PreTrainedTokenizerFast(tokenizer_object=backend, **names)


@cache
def made_model(name: str) -> LoadedModel:
    """A tiny model, checked as at load."""
    network = tiny(name)
    tokenizer = word_tokenizer(special=network.layout.kind == "encoder")
    checkpoint = Checkpoint(name, Path(), "made for tests", "0", None, 0, 0)
    return check(checkpoint, network, tokenizer)


def made_run(name: str, text: str = TEXT, target: str | None = None, model: LoadedModel | None = None) -> Run:
    """A run of a tiny model."""
    model = model or made_model(name)
    request = RunRequest(name, text, target=target)
    torch.manual_seed(0)
    settings = Settings()
    return make_run("made", model, request, read_tokens(model, request, settings), settings, 0.0, silent, never)
