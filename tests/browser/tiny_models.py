"""Tiny models with random weights that a server can open: one with sinks (gpt-oss), one that gives weights only."""

from __future__ import annotations

from pathlib import Path

import torch
from transformers import BloomConfig, BloomForCausalLM, GptOssConfig, GptOssForCausalLM, PreTrainedTokenizerFast

from tests.browser.tiny_t5 import write_tiny_t5


def write_tiny_models(folder: Path) -> dict[str, Path]:
    """Writes them and returns their folders by name: tiny-t5, tiny-oss, tiny-bloom."""
    t5 = write_tiny_t5(folder / "tiny-t5")
    tokenizer = PreTrainedTokenizerFast.from_pretrained(t5)
    torch.manual_seed(0)
    size = {"vocab_size": len(tokenizer), "hidden_size": 32, "pad_token_id": 0, "eos_token_id": 1}
    oss = GptOssForCausalLM(
        GptOssConfig(
            num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2, head_dim=8, intermediate_size=40,
            num_local_experts=2, num_experts_per_tok=1, max_position_embeddings=64, **size,
        )
    )  # fmt: skip
    bloom = BloomForCausalLM(BloomConfig(n_layer=2, n_head=4, **size))
    for parameter in oss.parameters():  # wider than the usual start, so that attention is far from uniform
        parameter.data.mul_(6.0 if parameter.dim() > 1 else 1.0)
    for layer in oss.model.layers:
        layer.self_attn.sinks.data.copy_(torch.tensor([0.5, -0.5, 1.0, 0.0]))
    models = {"tiny-oss": oss, "tiny-bloom": bloom}
    for name, model in models.items():
        model.eval().save_pretrained(folder / name)
        tokenizer.save_pretrained(folder / name)
    return {"tiny-t5": t5} | {name: folder / name for name in models}
