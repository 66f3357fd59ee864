"""Models of a pip package with a LoRA adapter and a head that were trained here: app/weights/, each with its card.

The adapter is merged into the package's weights once, into the cache, and from then on the result is loaded: a plain
checkpoint. The files are those of peft (`adapter_config.json`, `adapter_model.safetensors`), in float16, and
`head.safetensors` with what the package does not have, by its names in the whole model.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from app.errors import ModelFailed, ModelUnknown
from app.models.catalogue import Adapted, Entry, entry
from app.models.progress import Cancelled, Progress, Stage
from app.models.sources import wheel
from app.models.sources.found import Found
from app.models.sources.kept import kept
from app.models.sources.shipped import WEIGHTS
from app.models.strict_json import read_object
from app.settings import Settings

if TYPE_CHECKING:
    from torch import Tensor

ADAPTER, HEAD, CONFIG = "adapter_model.safetensors", "head.safetensors", "adapter_config.json"
ARCHITECTURE, BODY = "BertForMaskedLM", "bert."
"""What the merged model is saved as, and where in it the package's model sits."""

UNUSED = ("pooler.", "embeddings.position_ids")
"""In the package, but not in the merged model."""

PEFT = "base_model.model."
"""What peft writes before the names of the whole model."""

TOKENIZER = ("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "vocab.txt")


def place(line: Adapted) -> Path:
    """The folder of the adapter and the head."""
    return WEIGHTS / line.folder


def base_of(line: Adapted) -> Entry:
    """The pip package that the adapter is for."""
    base = entry(line.base)
    if base is None:
        raise ModelUnknown(f"The model {line.id} needs {line.base}, which is not in the catalogue.")
    return base


def source(line: Adapted) -> str:
    return f"pip package {base_of(line).requirement}, with an adapter trained here"


def fingerprint(line: Adapted) -> str:
    """The beginning of the sha256 over the adapter's weights and the head's."""
    digest = hashlib.sha256()
    for name in (ADAPTER, HEAD):
        digest.update((place(line) / name).read_bytes())
    return digest.hexdigest()[:16]


def find(line: Adapted, settings: Settings, progress: Progress, cancelled: Cancelled) -> Found:
    """The merged model's folder, made the first time (about a second). Raises ModelUnknown without the package."""
    base, revision = base_of(line), fingerprint(line)
    package = wheel.place(base)

    def make(folder: Path) -> None:
        progress(Stage("convert", 0, 1, "Merging the adapter into the weights (once)"))
        write_merged(package, place(line), folder)

    mark = f"{wheel.fingerprint(base)}:{revision}"
    return Found(kept(line.id, mark, settings, progress, cancelled, make), source(line), revision, line.licence)


def write_merged(package: Path, adapter: Path, folder: Path) -> None:
    """Writes config, tokenizer and weights of the merged model into `folder`. Raises ModelFailed."""
    from safetensors import SafetensorError
    from safetensors.torch import save_file

    config = read_object(package / "config.json") | {"architectures": [ARCHITECTURE]}
    try:
        save_file(merge(package, adapter), folder / "model.safetensors", metadata={"format": "pt"})
    except (OSError, KeyError, RuntimeError, SafetensorError) as exc:
        raise ModelFailed("The adapter cannot be merged into its model.", "Install the package again.") from exc
    (folder / "config.json").write_text(json.dumps(config, indent=2), encoding="utf-8")
    for name in TOKENIZER:
        if (package / name).is_file():
            shutil.copyfile(package / name, folder / name)


def merge(package: Path, adapter: Path) -> dict[str, Tensor]:
    """Every weight of the whole model, float32: W + alpha / r * B A where there is an adapter, and the head.

    Each adapted W is [out, in], A [r, in], B [out, r] (Hu 2021, https://arxiv.org/abs/2106.09685).
    """
    from safetensors.torch import load_file

    config = read_object(adapter / CONFIG)
    scale = config["lora_alpha"] / config["r"]
    low = {name.removeprefix(PEFT): tensor.float() for name, tensor in load_file(adapter / ADAPTER).items()}
    body = load_file(package / "model.safetensors")
    whole = {f"{BODY}{name}": tensor.float() for name, tensor in body.items() if not name.startswith(UNUSED)}
    for name in low:
        if name.endswith(".lora_A.weight"):
            part = name.removesuffix(".lora_A.weight")
            whole[f"{part}.weight"] += scale * (low[f"{part}.lora_B.weight"] @ low[name])
    return whole | {name: tensor.float() for name, tensor in load_file(adapter / HEAD).items()}
