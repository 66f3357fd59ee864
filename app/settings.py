"""Every setting, with its default and its help, in one table.

Each is an environment variable `HEADLIGHT_<NAME>` and an option of the command line; `GET /api/limits`
answers with those that are limits.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Literal

from pydantic import ByteSize, Field, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import BaseSettings, SettingsConfigDict

KB = 1024
MB = 1024 * KB
GB = 1024 * MB
LOOPBACK = ("127.0.0.1", "localhost", "::1")
MODEL_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?")


def is_model_name(name: str) -> bool:
    """May a model be called this? The rule of the Hugging Face hub: such a name is safe in a path and an address."""
    return bool(MODEL_NAME.fullmatch(name)) and ".." not in name and "--" not in name and not name.endswith(".git")


def default_cache_dir() -> Path:
    """Where converted models and the installation's secret are: `$XDG_CACHE_HOME/headlight` or `~/.cache/headlight`."""
    base = os.environ.get("XDG_CACHE_HOME") or str(Path.home() / ".cache")
    return Path(base) / "headlight"


def size(count: int, help: str) -> ByteSize:
    """A setting in bytes, which may be given as text such as "2GB"."""
    default: ByteSize = Field(ByteSize(count), gt=0, description=help)
    return default


class Settings(BaseSettings):
    """Sizes are bytes, times are seconds."""

    model_config = SettingsConfigDict(env_prefix="HEADLIGHT_", frozen=True, extra="ignore", hide_input_in_errors=True)

    # where it listens and who may ask
    host: str = Field("127.0.0.1", description="Address to listen on. Anything but loopback asks for a token.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 picks a free one.")
    allowed_hosts: tuple[str, ...] = Field(LOOPBACK, description="Host names answered, beside the one listened on.")
    token: str | None = Field(None, min_length=16, description="Asked for when bound elsewhere; made up if not given.")
    # models
    models: dict[str, Path] = Field(default_factory=dict, description="Folders offered as models: name=PATH.")
    hub: bool = Field(True, description="May models be fetched from the Hugging Face hub by id?")
    hub_timeout: float = Field(1.5, gt=0, allow_inf_nan=False, description="Longest wait for the hub's first answer.")
    download_limit: ByteSize = size(6 * GB, "Largest download from the hub.")
    model_limit: ByteSize = size(8 * GB, "Largest model that is loaded, in memory.")
    model_budget: ByteSize = size(12 * GB, "Memory for all loaded models; the least recently used go first.")
    default_model: str = Field("minilm", description="The model the page opens on; loaded at start.")
    warm: bool = Field(True, description="Load the default model and compute the first example at start.")
    dtype: Literal["float32", "bfloat16", "float16"] = Field("float32", description="Numbers that models compute with.")
    device: str = Field("auto", description="auto, cpu, cuda, cuda:0, mps, xpu.")
    threads: int = Field(0, ge=0, description="torch threads; 0 leaves torch's choice.")
    cache_dir: Path = Field(default_factory=default_cache_dir, description="For converted models and run ids' secret.")
    # runs
    run_limit: ByteSize = size(2 * GB, "Largest run that is stored.")
    pass_limit: ByteSize = size(6 * GB, "Most memory that one forward pass may need.")
    run_budget: ByteSize = size(4 * GB, "Memory for all stored runs; the least recently used go first.")
    answer_limit: int = Field(128, gt=0, description="Most tokens that an encoder-decoder writes as its own answer.")
    look_budget: float = Field(2.0, gt=0, allow_inf_nan=False, description="Longest work of a GET; more streams.")
    queue_limit: int = Field(32, gt=0, description="Jobs that may wait for one model; more are refused (503).")
    look_limit: int = Field(64, gt=0, description="Looks at stored runs at once; more are refused (503).")
    job_limit: int = Field(128, gt=0, description="Runs, loads and streams at once; more are refused (503).")
    # requests
    body_limit: ByteSize = size(512 * KB, "Largest body of a request.")
    text_limit: ByteSize = size(256 * KB, "Largest text, in bytes of UTF-8.")
    receive_timeout: float = Field(15.0, gt=0, allow_inf_nan=False, description="Longest time to send a request.")

    @field_validator("device")
    @classmethod
    def _device(cls, device: str) -> str:
        if not re.fullmatch(r"auto|cpu|mps|(cuda|xpu)(:\d{1,3})?", device):
            raise PydanticCustomError("device", "must be auto, cpu, mps, cuda, xpu, or one of several: cuda:0")
        return device

    @field_validator("models")
    @classmethod
    def _names(cls, models: dict[str, Path]) -> dict[str, Path]:
        """A folder of another name could never be asked for."""
        if not all(map(is_model_name, models)):
            raise PydanticCustomError(
                "model_name", "must have a name of letters, digits, ., _ and -, such as mine=PATH"
            )
        return models

    def limits(self) -> dict[str, int | float]:
        """Every setting that is a limit, by name, as `GET /api/limits` tells it."""
        names = (name for name in type(self).model_fields if name.endswith(("_limit", "_budget", "_timeout")))
        return {name: getattr(self, name) for name in names}
