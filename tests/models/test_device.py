"""A device that is not there is said to be missing before anything is loaded onto it."""

from __future__ import annotations

import pytest
import torch
from pydantic import ValidationError

from app.errors import ModelFailed
from app.models.build import device_of
from app.settings import Settings


def test_cuda_where_torch_has_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(ModelFailed, match="This torch has no CUDA device") as raised:
        device_of(Settings(device="cuda:0"))
    assert raised.value.hint == "Use --device cpu."
    assert device_of(Settings(device="cpu")).type == "cpu"


def test_what_is_no_name_of_a_device() -> None:
    for name in ("toaster", "cuda:", "cpu:cuda", ""):
        with pytest.raises(ValidationError, match="device"):
            Settings(device=name)
