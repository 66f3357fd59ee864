"""The other side: plain transformers, BertViz and Inspectus, on the same checkpoints as ours."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any, Literal

import torch
from transformers import AutoModel, AutoModelForCausalLM, AutoTokenizer, PreTrainedModel, PreTrainedTokenizerBase
from transformers.utils.logging import disable_progress_bar

from app.models.sources import locate
from app.settings import Settings

Attention = Literal["sdpa", "eager"]
Name = Literal["minilm", "smollm2"]


@cache
def folder(name: Name) -> Path:
    """Where the checkpoint is that both sides load (SmolLM2 is converted from its GGUF on first use)."""
    return locate(name, Settings()).folder


@cache
def tokenizer(name: Name) -> PreTrainedTokenizerBase:
    loaded: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(folder(name))
    return loaded


@cache
def model(name: Name, attention: Attention) -> PreTrainedModel:
    """The model as its own documentation loads it, in float32: with its language-model head where it has one."""
    disable_progress_bar()  # type: ignore[no-untyped-call]
    kind = AutoModelForCausalLM if name == "smollm2" else AutoModel
    loaded: PreTrainedModel = kind.from_pretrained(folder(name), attn_implementation=attention, dtype=torch.float32)
    loaded.train(False)
    return loaded


def encode(name: Name, text: str) -> dict[str, torch.Tensor]:
    """Token ids and mask [1, N]; nothing cut, nothing padded."""
    return dict(tokenizer(name)(text, return_tensors="pt", truncation=False))


def forward(name: Name, inputs: dict[str, torch.Tensor], attention: Attention = "sdpa") -> Any:
    """One bare pass: no cache of keys kept, the head on the last position only, all maps when eager."""
    extra: dict[str, Any] = {"use_cache": False, "logits_to_keep": 1} if name == "smollm2" else {}
    with torch.inference_mode():
        return model(name, attention)(**inputs, output_attentions=attention == "eager", **extra)


def bertviz_html(name: Name, text: str, view: Literal["head", "model"] = "head") -> str:
    """BertViz's page for a text, the pass included, as its README does it."""
    from bertviz import head_view, model_view

    inputs = encode(name, text)
    attention = forward(name, inputs, "eager").attentions
    tokens = tokenizer(name).convert_ids_to_tokens(inputs["input_ids"][0].tolist())
    draw = head_view if view == "head" else model_view
    html: str = draw(attention, tokens, html_action="return").data
    return html


def inspectus_html(name: Name, text: str) -> str:
    """Inspectus's page for a text, the pass included. It can only display: what it displays is caught."""
    import inspectus
    import IPython.display

    inputs = encode(name, text)
    attention = forward(name, inputs, "eager").attentions
    tokens = tokenizer(name).convert_ids_to_tokens(inputs["input_ids"][0].tolist())
    shown: list[str] = []
    display = IPython.display.display
    IPython.display.display = lambda *parts, **_: shown.extend(part.data for part in parts)
    try:
        inspectus.attention(attention, tokens)
    finally:
        IPython.display.display = display
    return "".join(shown)
