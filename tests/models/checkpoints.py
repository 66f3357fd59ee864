"""Small models on the disk, whole and broken, as an operator or the hub might hold them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import BertConfig, BertForMaskedLM, PreTrainedTokenizerFast

SIZE = {"vocab_size": 12, "hidden_size": 8, "num_hidden_layers": 2, "num_attention_heads": 2, "intermediate_size": 16}


def save_bert(folder: Path, shard: str | None = None) -> Path:
    """A BERT of two layers with its tokenizer; `shard` (a size such as "2KB") splits the weights into files."""
    torch.manual_seed(0)
    model = BertForMaskedLM(BertConfig(**SIZE, max_position_embeddings=16))
    model.save_pretrained(folder, **({"max_shard_size": shard} if shard else {}))
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "the", "sea", "cat", "sat", "on", "mat", "."]
    tokenizer = Tokenizer(models.WordLevel({word: number for number, word in enumerate(words)}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    PreTrainedTokenizerFast(tokenizer_object=tokenizer, unk_token="[UNK]").save_pretrained(folder)
    return folder


def edit_config(folder: Path, **changes: Any) -> Path:
    """Sets keys of config.json; a value of `...` removes the key."""
    path = folder / "config.json"
    config = json.loads(path.read_text("utf-8"))
    for key, value in changes.items():
        config.pop(key, None)
        if value is not ...:
            config[key] = value
    path.write_text(json.dumps(config), "utf-8")
    return folder


def save_tensors(folder: Path, **shapes: tuple[int, ...]) -> None:
    """A model.safetensors of zeros."""
    save_file({name: torch.zeros(shape) for name, shape in shapes.items()}, folder / "model.safetensors")
