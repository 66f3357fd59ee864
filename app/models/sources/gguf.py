"""GGUF files, converted once into a safetensors folder in the cache; from then on that folder is loaded.

The conversion takes 15 to 25 seconds for SmolLM2 (135M parameters, 98 MB) and writes 538 MB; loading the result
takes about 3.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from tempfile import TemporaryDirectory

from app.errors import Cancelled as CancelledError
from app.errors import ModelFailed, ModelRefused
from app.models.progress import Cancelled, Progress, Stage
from app.models.sources.kept import kept
from app.settings import Settings

STEPS = 4


def converted(
    file: Path, name: str, fingerprint: str, settings: Settings, progress: Progress, cancelled: Cancelled
) -> Path:
    """The converted copy of `file`, made now where there is none. `fingerprint` changes when the file does.

    Raises Cancelled between two steps, ModelRefused when the model is too large, ModelFailed when it cannot be read.
    """

    def make(folder: Path) -> None:
        _check_size(file, settings, folder)
        _convert(file, folder, progress, cancelled)

    return kept(name, fingerprint, settings, progress, cancelled, make)


def _convert(file: Path, folder: Path, progress: Progress, cancelled: Cancelled) -> None:
    """Writes config, tokenizer and weights (float32) of `file` into `folder`."""

    def step(done: int, message: str) -> None:
        if cancelled():
            raise CancelledError("The conversion was given up: nobody was waiting for it.")
        progress(Stage("convert", done, STEPS, message))

    step(0, "Reading the tokenizer (once)")
    from transformers import AutoModelForCausalLM, AutoTokenizer
    from transformers.utils import logging

    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    try:
        with TemporaryDirectory(prefix="headlight-gguf-") as alone:  # no file beside it has a say
            (Path(alone) / file.name).symlink_to(file.resolve())
            tokenizer = AutoTokenizer.from_pretrained(alone, gguf_file=file.name, trust_remote_code=False)
            tokenizer.save_pretrained(folder)
            step(1, "Unpacking the weights (once)")
            model = AutoModelForCausalLM.from_pretrained(alone, gguf_file=file.name, trust_remote_code=False)
        # transformers takes the unpacked model for a quantized one, and would refuse to write it.
        model.hf_quantizer = None  # type: ignore[assignment]
        if hasattr(model.config, "quantization_config"):
            del model.config.quantization_config
        step(2, "Writing the weights (once)")
        model.save_pretrained(folder)
    except CancelledError:
        raise
    except Exception as exc:
        raise ModelFailed("The GGUF file cannot be converted.", "Take one of a kind that transformers reads.") from exc
    step(3, "Converted")


def _check_size(file: Path, settings: Settings, target: Path) -> None:
    """Refuses what would not fit into memory or on the disk, from the file's own table of tensors."""
    from gguf import GGUFReader

    try:
        weights = sum(int(tensor.n_elements) for tensor in GGUFReader(file).tensors)
    except Exception as exc:
        raise ModelRefused("The GGUF file cannot be read.", "Fetch it again.") from exc
    needed = 4 * weights
    if needed > settings.model_limit:
        raise ModelRefused(
            f"The model needs {needed} bytes of memory, and {settings.model_limit} is the limit.",
            "Raise HEADLIGHT_MODEL_LIMIT, or take a smaller model.",
        )
    free = shutil.disk_usage(target).free
    if needed > free:
        raise ModelFailed(
            f"Converting the model needs {needed} bytes on disk, and {free} are free.",
            "Free some room, or set HEADLIGHT_CACHE_DIR to another disk.",
        )
