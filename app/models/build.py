"""From a folder of files to a model that can be run: transformers loads it, we find our way in it and check it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoConfig,
    AutoModel,
    AutoModelForCausalLM,
    AutoModelForMaskedLM,
    AutoModelForSeq2SeqLM,
    AutoTokenizer,
    PreTrainedTokenizerBase,
)
from transformers.models.auto.modeling_auto import (
    MODEL_FOR_CAUSAL_LM_MAPPING_NAMES,
    MODEL_FOR_MASKED_LM_MAPPING_NAMES,
    MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES,
)
from transformers.utils import logging as transformers_logging

from app.errors import HeadlightError, ModelFailed
from app.models import backend
from app.models.answer import greedy_config
from app.models.checkpoint import Checkpoint
from app.models.families import family_of
from app.models.families.family import Family
from app.models.forward import Network, decoder_start, forward
from app.models.info import Kind, ModelInfo
from app.models.layout import find_layout, listen
from app.models.loaded import LoadedModel
from app.models.price import Shapes, shapes_of
from app.models.progress import Progress, Stage
from app.models.self_check import self_check
from app.models.tokenizer_files import safe_folder
from app.settings import Settings

PROBE_TEXT = "The cat sat on the mat because it was warm."
MIN_DISTINCT = 6
SPACE = "\u2581"
"""How SentencePiece writes a space; a token of its own in tokenizers that were given no vocabulary."""

HEADS = {
    "masked": (AutoModelForMaskedLM, MODEL_FOR_MASKED_LM_MAPPING_NAMES),
    "seq2seq": (AutoModelForSeq2SeqLM, MODEL_FOR_SEQ_TO_SEQ_CAUSAL_LM_MAPPING_NAMES),
    "causal": (AutoModelForCausalLM, MODEL_FOR_CAUSAL_LM_MAPPING_NAMES),
}
"""Classes with a language-model head; the first whose name a checkpoint was saved under is the one it is loaded as."""


def build(checkpoint: Checkpoint, settings: Settings, progress: Progress) -> LoadedModel:
    """Load, lay out and check the model. Raises ModelFailed; every foreign error is translated here."""
    backend.register()
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        progress(Stage("tokenizer", 0, 1, "Reading the tokenizer"))
        tokenizer = read_tokenizer(checkpoint)
        progress(Stage("weights", 0, checkpoint.weight_bytes, "Reading the weights"))
        network = read_network(checkpoint, settings)
        progress(Stage("check", 0, 1, "Checking it against eager attention"))
        return check(checkpoint, network, tokenizer)
    except HeadlightError:
        raise
    except Exception as exc:
        raise ModelFailed(
            f"transformers could not load this model ({type(exc).__name__}).",
            "See the server's log for the reason; the files may be damaged or of a kind that is not supported.",
        ) from exc


def read_tokenizer(checkpoint: Checkpoint) -> PreTrainedTokenizerBase:
    """The tokenizer, from its own files and its harmless settings. Raises ModelFailed for one that knows no words.

    transformers makes such a one, and is silent, where the files are not those that its class reads.
    """
    with safe_folder(checkpoint.folder) as folder:
        tokenizer: PreTrainedTokenizerBase = AutoTokenizer.from_pretrained(
            folder, local_files_only=True, trust_remote_code=False
        )
    words = set(tokenizer.get_vocab()) - set(tokenizer.all_special_tokens) - {SPACE}
    if not words:
        raise ModelFailed(
            "The model's tokenizer knows no words.", "Its files are not those that its kind of tokenizer reads."
        )
    return tokenizer


def read_network(checkpoint: Checkpoint, settings: Settings) -> Network:
    """The model from its safetensors, in float32 unless the settings say otherwise, with our attention in it."""
    config = AutoConfig.from_pretrained(checkpoint.folder, local_files_only=True, trust_remote_code=False)
    family = family_of(config.model_type)
    loader, has_head = loader_of(config)
    model_class = loader._model_mapping[type(config)]
    model_class = model_class[0] if isinstance(model_class, (tuple, list)) else model_class
    on_interface = bool(model_class._can_set_attn_implementation())
    model, loaded = loader.from_pretrained(
        checkpoint.folder,
        config=config,
        attn_implementation=backend.NAME if on_interface else "eager",
        dtype=getattr(torch, settings.dtype),
        use_safetensors=True,
        trust_remote_code=False,
        local_files_only=True,
        output_loading_info=True,
    )
    missing = [name for name in loaded["missing_keys"] if "pooler" not in name]
    if missing:
        raise ModelFailed(
            f"{len(missing)} of the model's weights are not in its files.",
            "Use a checkpoint that is complete for the architecture its config.json names.",
        )
    return network_of(model.eval().requires_grad_(False).to(device_of(settings)), family, has_head, on_interface)


def network_of(model: Any, family: Family, has_head: bool, on_interface: bool) -> Network:
    """A model as transformers made it, with its layout found and its layers telling what they do."""
    layout = find_layout(model, kind_of(model.config, family))
    listen(layout)
    if layout.kind == "encoder-decoder" and getattr(model, "generation_config", None) is not None:
        model.generation_config = greedy_config(model.generation_config)
    return Network(model, family, layout, "full" if on_interface else "weights", has_head)


def check(checkpoint: Checkpoint, network: Network, tokenizer: PreTrainedTokenizerBase) -> LoadedModel:
    """Run the self-check and write down what was found. A model that fails it is served with the warning."""
    inputs = probe_inputs(network, tokenizer)
    done = forward(network, inputs)
    checks = self_check(network, inputs, done)
    warnings = tuple(
        f"self-check {c.name}: {'not finite' if c.value is None else f'{c.value:.2g}'}, limit {c.limit:.2g}"
        for c in checks
        if not c.ok
    )
    if not bool(torch.isfinite(done.final).all()):
        raise ModelFailed("The model's output is not finite.", "Its weights are damaged, or need another dtype.")
    if any(c.name == "logits" and not c.ok for c in checks):  # better no prediction than a wrong one
        network = replace(network, has_head=False)
    model = network.model
    size = sum(t.numel() * t.element_size() for t in (*model.parameters(), *model.buffers()))
    shapes = shapes_of(done, windowed(model.config))
    info = info_of(checkpoint, network, tokenizer, shapes, size, warnings)
    return LoadedModel(info, network, tokenizer, shapes, size, str(model.dtype).removeprefix("torch."), checks)


def info_of(
    checkpoint: Checkpoint,
    network: Network,
    tokenizer: PreTrainedTokenizerBase,
    shapes: Shapes,
    size: int,
    warnings: tuple[str, ...],
) -> ModelInfo:
    """The facts of a loaded model, measured where they can be."""
    config, kind, stack = network.model.config, network.layout.kind, shapes.stacks[0]
    segments = getattr(config, "type_vocab_size", 0)
    return ModelInfo(
        id=checkpoint.id,
        name=checkpoint.id.rpartition("/")[2],
        kind=kind,
        architecture=config.model_type,
        layers=stack.layers,
        heads=stack.heads,
        kv_heads=stack.kv_heads,
        head_dim=stack.head_dim,
        hidden=shapes.width,
        vocab=int(network.model.get_input_embeddings().weight.shape[0]),
        max_tokens=max_tokens_of(config, network.family),
        parameters=sum(p.numel() for p in network.model.parameters()),
        source=checkpoint.source,
        revision=checkpoint.revision,
        licence=checkpoint.licence,
        loaded=True,
        capture=network.capture,
        pairs=kind == "encoder" and (segments > 1 or tokenizer.sep_token is not None),
        language_head=network.has_head,
        bytes=size,
        warnings=warnings,
        mask=tokenizer.mask_token if kind == "encoder" and network.has_head else None,
    )


def loader_of(config: Any) -> tuple[Any, bool]:
    """The Auto class to load with, and whether it has a language-model head: as the checkpoint says it was saved."""
    saved_as = set(config.architectures or ())
    for auto, names in HEADS.values():
        classes = names.get(config.model_type, ())
        if saved_as & {classes} if isinstance(classes, str) else saved_as & set(classes):
            return auto, True
    return AutoModel, False


def kind_of(config: Any, family: Family) -> Kind:
    """Encoder, decoder or both; a family says it where transformers' lists do not tell."""
    if config.is_encoder_decoder:
        return "encoder-decoder"
    if family.kind is not None:
        return family.kind
    if config.model_type in MODEL_FOR_MASKED_LM_MAPPING_NAMES and not getattr(config, "is_decoder", False):
        return "encoder"
    return "decoder" if config.model_type in MODEL_FOR_CAUSAL_LM_MAPPING_NAMES else "encoder"


def windowed(config: Any) -> bool:
    """Does the model hide keys that are far away, in some layer?"""
    window = getattr(config, "sliding_window", None) or getattr(config, "local_attention", None)
    return window is not None and getattr(config, "use_sliding_window", True) is not False


def max_tokens_of(config: Any, family: Family) -> int | None:
    """Positions that the model has, where it has a number of them (T5 and ALiBi models do not)."""
    positions = getattr(config, "max_position_embeddings", None)
    return None if not positions or positions < 0 else positions - family.position_offset


def device_of(settings: Settings) -> torch.device:
    """The device of the settings; "auto" is a GPU where torch sees one. Raises ModelFailed for one that is not here."""
    if settings.device != "auto":
        return _named(settings.device)
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def _named(name: str) -> torch.device:
    device = torch.device(name)
    titles = {"cuda": "CUDA", "mps": "MPS"}
    here = torch.cuda.is_available() if device.type == "cuda" else torch.backends.mps.is_available()
    if device.type in titles and not here:
        raise ModelFailed(f"This torch has no {titles[device.type]} device.", "Use --device cpu.")
    return device


def probe_inputs(network: Network, tokenizer: PreTrainedTokenizerBase) -> dict[str, Tensor]:
    """The probe text as inputs; an encoder-decoder is given the same text as its target.

    A tokenizer that knows hardly any of its words would try the model on one token repeated, on which much that is
    wrong looks right: then ids from all over the vocabulary are taken.
    """
    given = tokenizer.encode(PROBE_TEXT, truncation=False, padding=False)
    if len(set(given)) < MIN_DISTINCT:
        size = int(network.model.get_input_embeddings().weight.shape[0])
        given = [(i + 1) * size // (MIN_DISTINCT + 2) for i in range(MIN_DISTINCT)]
    ids = torch.tensor([given], device=network.device)
    if network.layout.kind != "encoder-decoder":
        return {"input_ids": ids}
    start = torch.full_like(ids[:, :1], decoder_start(network.model))
    return {"input_ids": ids, "decoder_input_ids": torch.cat([start, ids[:, :-1]], dim=1)}
