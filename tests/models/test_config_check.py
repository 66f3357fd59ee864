"""What of a model's files is refused, and that it is refused before anything is allocated or run."""

from __future__ import annotations

import json
import resource
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from transformers import BertConfig, BertForMaskedLM, LlamaConfig, LlamaForCausalLM

from app.errors import ModelRefused
from app.models.config_check import check_config
from app.models.size import memory_of
from app.settings import GB, Settings
from tests.models.checkpoints import SIZE, edit_config, save_bert, save_tensors
from tests.models.tiny import EXACT, WEIGHTS_ONLY

LIMITS = Settings(model_limit=1 * GB)


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    return save_bert(tmp_path / "bert")


def bytes_of(model: torch.nn.Module) -> int:
    """The memory that a model takes, shared tensors once."""
    return sum(tensor.nbytes for tensor in (*model.parameters(), *model.buffers()))


def refused(folder: Path, settings: Settings = LIMITS) -> str:
    """The reason why a folder is refused; it takes neither long nor much memory."""
    begin, peak = time.thread_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(ModelRefused) as caught:
        check_config(folder, settings)
    assert time.thread_time() - begin < 8
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - peak < 200 * 1024  # kilobytes
    return caught.value.detail


def test_a_whole_model_passes(bert: Path) -> None:
    checked = check_config(bert, LIMITS)
    stored = (bert / "model.safetensors").stat().st_size
    size = bytes_of(BertForMaskedLM.from_pretrained(bert))
    assert (checked.model_type, checked.weight_bytes, checked.memory_bytes) == ("bert", stored, size)


def test_half_precision_takes_half_the_memory(bert: Path) -> None:
    half = check_config(bert, LIMITS.model_copy(update={"dtype": "bfloat16"})).memory_bytes
    buffers = sum(tensor.nbytes for tensor in BertForMaskedLM.from_pretrained(bert).buffers())
    assert 2 * (half - buffers) == check_config(bert, LIMITS).memory_bytes - buffers


def test_shards(tmp_path: Path) -> None:
    folder = save_bert(tmp_path / "sharded", shard="3KB")
    shards = sorted(folder.glob("model-*.safetensors"))
    assert len(shards) > 1
    assert check_config(folder, LIMITS).weight_bytes == sum(shard.stat().st_size for shard in shards)
    shards[0].unlink()
    assert "missing" in refused(folder)


@pytest.mark.parametrize(
    "key",
    ["_attn_implementation", "_attn_implementation_internal", "_experts_implementation",
     "_experts_implementation_internal", "attn_implementation", "experts_implementation", "_anything_else",
     "quantization_config", "transformers_weights"],
)  # fmt: skip
@pytest.mark.parametrize("nested", [False, True])
def test_keys_that_steer_code_are_refused(bert: Path, key: str, nested: bool) -> None:
    value = {"a": [{key: "evil/kernel"}]} if nested else "evil/kernel"
    reason = refused(edit_config(bert, **{"task" if nested else key: value}))
    assert "private" in reason or "not allowed" in reason
    assert "evil" not in reason


def test_what_transformers_would_have_done_with_such_a_key() -> None:
    """The reason for the check above: transformers 5 still takes the private key from the file."""
    config = BertConfig.from_dict({**SIZE, "_attn_implementation": "evil/kernel"})
    assert config._attn_implementation == "evil/kernel"


def test_private_keys_of_published_configs_pass(bert: Path) -> None:
    check_config(edit_config(bert, _name_or_path="/home/somebody/bert", _num_labels=3, _commit_hash=None), LIMITS)


def test_code_of_the_model_is_never_needed(bert: Path) -> None:
    auto_map = {"AutoModel": "modeling_x.X"}
    assert "own code" in refused(edit_config(bert, model_type="brand_new", auto_map=auto_map))
    assert "no kind" in refused(edit_config(bert, model_type="brand_new", auto_map=...))
    check_config(edit_config(bert, model_type="bert", auto_map=auto_map), LIMITS)


@pytest.mark.parametrize("model_type", [..., None, 3, ["bert"], "vit", "../bert", ""])
def test_kinds_that_are_not_language_models(bert: Path, model_type: Any) -> None:
    assert "no kind" in refused(edit_config(bert, model_type=model_type))


@pytest.mark.parametrize(
    "text",
    ["", "[]", "null", "{", '{"a": NaN}', '{"a": 1, "a": 2}', "[" * 100_000, '{"a":' * 50 + "1" + "}" * 50, "\xff",
     '{"a": ' + "9" * 5000 + "}", '{"a": "' + "x" * 5_000_000 + '"}'],
)  # fmt: skip
def test_files_that_are_not_plain_json(bert: Path, text: str) -> None:
    (bert / "config.json").write_text(text, "latin-1")
    assert "config.json" in refused(bert)


def test_no_config(bert: Path) -> None:
    (bert / "config.json").unlink()
    assert "config.json" in refused(bert)


def test_pickles_are_not_weights(bert: Path) -> None:
    (bert / "model.safetensors").rename(bert / "pytorch_model.bin")
    assert "pickle" in refused(bert)
    (bert / "pytorch_model.bin").unlink()
    assert refused(bert) == "This model has no safetensors weights."


@pytest.mark.parametrize(
    "names", [["../x.safetensors"], ["/etc/x.safetensors"], ["x.bin"], [], [3], ["a\\b.safetensors"], [".safetensors"]]
)
def test_an_index_names_files_beside_it(bert: Path, names: list[Any]) -> None:
    (bert / "model.safetensors").unlink()
    index = {"weight_map": {str(number): name for number, name in enumerate(names)}}
    (bert / "model.safetensors.index.json").write_text(json.dumps(index), "utf-8")
    assert "index" in refused(bert)


@pytest.mark.parametrize("keep", [0, 4, 8, 100, -1])
def test_weights_that_were_cut_off(bert: Path, keep: int) -> None:
    path = bert / "model.safetensors"
    path.write_bytes(path.read_bytes()[:keep])
    assert "not a whole" in refused(bert)


def test_an_adapter(bert: Path) -> None:
    (bert / "adapter_config.json").write_text('{"base_model_name_or_path": "/etc"}', "utf-8")
    assert "adapter" in refused(bert)


@pytest.mark.parametrize(
    "changes",
    [
        {"hidden_size": 10**9}, {"num_hidden_layers": 10**9}, {"vocab_size": 10**9},
        {"max_position_embeddings": 10**12},
        {"hidden_size": 10**6, "num_attention_heads": 1}, {"intermediate_size": 16_000_000, "hidden_size": 16_000_000},
        {"num_hidden_layers": 8000, "hidden_size": 1, "num_attention_heads": 1, "intermediate_size": 1},
        {"hidden_size": 8_000_000, "num_hidden_layers": 8000}, {"hidden_size": -8}, {"hidden_size": 0},
        {"hidden_size": "8"}, {"hidden_size": 8.5}, {"num_attention_heads": 3}, {"hidden_size": [8]},
    ],
)  # fmt: skip
def test_absurd_sizes(bert: Path, changes: dict[str, Any]) -> None:
    refused(edit_config(bert, **changes))


@pytest.mark.parametrize("kind", ["distilbert", "marian", "roformer"])
def test_tables_of_positions_that_would_be_filled_in_memory(bert: Path, kind: str) -> None:
    many = {"max_position_embeddings": 10_000_000, "sinusoidal_pos_embds": True, "static_position_embeddings": True}
    (bert / "config.json").write_text(json.dumps({"model_type": kind, **many}), "utf-8")
    assert "positions" in refused(bert)


LAYERS = {"num_layers": 2, "attention_types": [[["global", "local"], 1]], "num_heads": 2, "hidden_size": 8}


@pytest.mark.parametrize(
    "config",
    [
        {"model_type": "gpt_neo", "vocab_size": 64, "max_position_embeddings": 2**17, **LAYERS},
        {"model_type": "gptj", "vocab_size": 64, "n_positions": 2**22, "n_embd": 64, "n_layer": 24, "n_head": 4,
         "rotary_dim": 16},
        {"model_type": "codegen", "vocab_size": 64, "n_positions": 2**24, "n_ctx": 2**24, "n_embd": 64, "n_layer": 2,
         "n_head": 4, "rotary_dim": 16},
        {"model_type": "openai-gpt", "vocab_size": 64, "n_positions": 2**16, "n_embd": 8, "n_layer": 2, "n_head": 2},
        {"model_type": "ctrl", "vocab_size": 64, "n_positions": 2**24, "n_embd": 64, "n_layer": 1, "n_head": 2},
    ],
    ids=lambda config: config["model_type"],
)  # fmt: skip
def test_buffers_are_memory_too(bert: Path, config: dict[str, Any]) -> None:
    """Masks over all positions, tables of angles: not in the weights, and made when the model is."""
    (bert / "config.json").write_text(json.dumps(config), "utf-8")
    assert "memory" in refused(bert)


def test_a_mixture_of_absurdly_many_experts(bert: Path) -> None:
    config = {"model_type": "mixtral", "num_local_experts": 8000, "num_hidden_layers": 8000, "hidden_size": 4096}
    (bert / "config.json").write_text(json.dumps(config), "utf-8")
    assert "memory" in refused(bert) or "parts" in refused(bert)


def test_weights_that_are_larger_than_the_config_says(bert: Path) -> None:
    save_tensors(bert, a=(1000, 300))
    assert check_config(bert, LIMITS).memory_bytes == 4 * 300_000
    assert "1200000 bytes" in refused(bert, Settings(model_limit=1_000_000))


def test_a_config_that_is_larger_than_the_weights(bert: Path) -> None:
    assert "memory" in refused(edit_config(bert, vocab_size=2_000_000, hidden_size=512), Settings(model_limit=1 * GB))


@pytest.mark.parametrize(
    "name", ["bert", "distilbert", "gpt2", "gptj", "gpt_neox", "llama", "gemma3", "t5", "bart", "marian"]
)
def test_the_computed_size_is_the_size(name: str) -> None:
    model_class, config_class, options = {**EXACT, **WEIGHTS_ONLY}[name]
    config = config_class(**options)
    real = bytes_of(model_class(config))
    computed = memory_of(config, "float32", 1 * GB)
    assert real <= computed <= 1.1 * real


def test_shared_weights_count_once() -> None:
    config = LlamaConfig(vocab_size=500, hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=8)
    config.tie_word_embeddings = True
    assert memory_of(config, "float32", 1 * GB) == bytes_of(LlamaForCausalLM(config))


def test_counting_leaves_no_hook_behind(bert: Path) -> None:
    from torch.nn.modules import module

    kinds = ("parameter", "buffer", "module")

    def hooks() -> list[int]:
        return [len(getattr(module, f"_global_{kind}_registration_hooks")) for kind in kinds]

    before = hooks()
    check_config(bert, LIMITS)
    refused(edit_config(bert, hidden_size=1_000_000, num_attention_heads=1))
    assert before == hooks()
