"""Tiny models from a configuration, with random weights: all that are served exactly, some that give maps only."""

from __future__ import annotations

from typing import Any

import torch
import transformers as t
from torch import Tensor

from app.models import backend
from app.models.build import network_of
from app.models.families import family_of
from app.models.forward import Network

SIZE = {"vocab_size": 99, "hidden_size": 32, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 37}
GROUPED = SIZE | {"num_key_value_heads": 2}
BART = {
    "vocab_size": 99, "d_model": 32, "encoder_layers": 2, "decoder_layers": 3, "encoder_attention_heads": 4,
    "decoder_attention_heads": 4, "encoder_ffn_dim": 37, "decoder_ffn_dim": 37, "pad_token_id": 1,
    "decoder_start_token_id": 2,
}  # fmt: skip
DEEPSEEK = SIZE | {
    "num_key_value_heads": 4, "q_lora_rank": 16, "kv_lora_rank": 8, "qk_rope_head_dim": 4, "qk_nope_head_dim": 8,
    "v_head_dim": 6, "first_k_dense_replace": 3,
}  # fmt: skip

EXACT: dict[str, tuple[Any, type, dict[str, Any]]] = {
    "bert": (t.BertForMaskedLM, t.BertConfig, SIZE),
    "roberta": (t.RobertaForMaskedLM, t.RobertaConfig, SIZE | {"max_position_embeddings": 80}),
    "distilbert": (
        t.DistilBertForMaskedLM,
        t.DistilBertConfig,
        {"vocab_size": 99, "dim": 32, "n_layers": 3, "n_heads": 4, "hidden_dim": 37},
    ),
    "electra": (t.ElectraForMaskedLM, t.ElectraConfig, SIZE | {"embedding_size": 16}),
    "albert": (t.AlbertForMaskedLM, t.AlbertConfig, SIZE | {"embedding_size": 16}),
    "modernbert": (
        t.ModernBertForMaskedLM,
        t.ModernBertConfig,
        SIZE | {"local_attention": 8, "global_attn_every_n_layers": 2, "pad_token_id": 0},
    ),
    "gpt2": (t.GPT2LMHeadModel, t.GPT2Config, {"vocab_size": 99, "n_embd": 32, "n_layer": 3, "n_head": 4}),
    "gpt_neox": (t.GPTNeoXForCausalLM, t.GPTNeoXConfig, SIZE),
    "opt": (t.OPTForCausalLM, t.OPTConfig, SIZE | {"ffn_dim": 37, "word_embed_proj_dim": 32}),
    "llama": (t.LlamaForCausalLM, t.LlamaConfig, GROUPED),
    "qwen3": (t.Qwen3ForCausalLM, t.Qwen3Config, GROUPED | {"head_dim": 8}),
    "gemma2": (
        t.Gemma2ForCausalLM,
        t.Gemma2Config,
        GROUPED | {"head_dim": 8, "sliding_window": 6, "attn_logit_softcapping": 1.5, "query_pre_attn_scalar": 8},
    ),
    "gemma3": (
        t.Gemma3ForCausalLM,
        t.Gemma3TextConfig,
        GROUPED | {"head_dim": 8, "sliding_window": 6, "query_pre_attn_scalar": 8, "pad_token_id": 0},
    ),
    "phi3": (t.Phi3ForCausalLM, t.Phi3Config, GROUPED | {"pad_token_id": 0, "sliding_window": 6}),
    "deepseek_v3": (t.DeepseekV3ForCausalLM, t.DeepseekV3Config, DEEPSEEK),
    "gpt_oss": (
        t.GptOssForCausalLM,
        t.GptOssConfig,
        GROUPED
        | {
            "intermediate_size": 40,
            "head_dim": 8,
            "sliding_window": 6,
            "num_local_experts": 2,
            "num_experts_per_tok": 1,
            "pad_token_id": 0,
        },
    ),
    "t5": (
        t.T5ForConditionalGeneration,
        t.T5Config,
        {
            "vocab_size": 99,
            "d_model": 32,
            "d_kv": 8,
            "d_ff": 37,
            "num_layers": 2,
            "num_decoder_layers": 3,
            "num_heads": 4,
            "decoder_start_token_id": 2,
        },
    ),
    "bart": (t.BartForConditionalGeneration, t.BartConfig, BART),
    "marian": (t.MarianMTModel, t.MarianConfig, BART),
}

WEIGHTS_ONLY: dict[str, tuple[Any, type, dict[str, Any]]] = {
    "deberta_v2": (
        t.DebertaV2ForMaskedLM,
        t.DebertaV2Config,
        SIZE | {"relative_attention": True, "pos_att_type": ["p2c", "c2p"], "position_buckets": 8},
    ),
    "bloom": (t.BloomForCausalLM, t.BloomConfig, {"vocab_size": 99, "hidden_size": 32, "n_layer": 3, "n_head": 4}),
    "falcon": (t.FalconForCausalLM, t.FalconConfig, SIZE | {"multi_query": True}),
    "gptj": (
        t.GPTJForCausalLM,
        t.GPTJConfig,
        {"vocab_size": 99, "n_embd": 32, "n_layer": 3, "n_head": 4, "rotary_dim": 4},
    ),
    "xlnet": (
        t.XLNetLMHeadModel,
        t.XLNetConfig,
        {"vocab_size": 99, "d_model": 32, "n_layer": 3, "n_head": 4, "d_inner": 37},
    ),
}


def tiny(name: str) -> Network:
    """A seeded tiny model of the architecture, laid out as a loaded one."""
    backend.register()
    exact = name in EXACT
    model_class, config_class, arguments = EXACT[name] if exact else WEIGHTS_ONLY[name]
    torch.manual_seed(0)
    config = config_class(**arguments)
    model = model_class._from_config(config, attn_implementation=backend.NAME if exact else "eager")
    if name != "t5":  # whose start is wide already, with scores that are not scaled down
        for parameter in model.parameters():  # wider than the usual start, so that attention is far from uniform
            parameter.data.mul_(3.0 if parameter.dim() > 1 else 1.0)
    return network_of(model.eval().requires_grad_(False), family_of(config.model_type), True, exact)


def inputs(network: Network, tokens: int = 23, padding: str = "none") -> dict[str, Tensor]:
    """Random ids [1, tokens], the last (or first) five of them padding where asked for."""
    generator = torch.Generator().manual_seed(1)
    given = {"input_ids": torch.randint(5, 99, (1, tokens), generator=generator)}
    if padding != "none":
        mask = torch.ones(1, tokens, dtype=torch.long)
        mask[:, slice(-5, None) if padding == "right" else slice(0, 5)] = 0
        given["attention_mask"] = mask
    if network.layout.kind == "encoder-decoder":
        given["decoder_input_ids"] = torch.randint(5, 99, (1, 9), generator=generator)
    return given
