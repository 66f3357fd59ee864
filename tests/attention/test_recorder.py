"""What the recorder keeps, copies, and stops."""

from __future__ import annotations

import pytest
import torch

from app.attention.core import attend
from app.attention.recorder import LayerRecord, PassStopped, Recorder, compact, storage_bytes
from app.attention.rules import Rules
from tests.attention.test_core import qkv


def test_views_that_use_all_of_a_storage_are_not_copied() -> None:
    fused = torch.randn(1, 5, 24)
    kept = compact(*fused.chunk(3, dim=-1))
    assert storage_bytes(kept) == fused.untyped_storage().nbytes()
    assert all(t.data_ptr() >= fused.data_ptr() for t in kept)


def test_a_view_that_pins_more_than_itself_is_copied() -> None:
    fused = torch.randn(1, 5, 24)
    q, k = torch.randn(1, 5, 8), torch.randn(1, 5, 8)
    kept = compact(q, k, fused[..., 16:])
    assert storage_bytes(kept) == 3 * q.untyped_storage().nbytes()
    assert torch.equal(kept[2], fused[..., 16:])
    assert kept[0] is q


def test_the_difference_to_the_models_own_z_is_measured() -> None:
    q, k, v = (t[:1] for t in qkv())
    rules = Rules(0.3, causal=True)
    z = attend(q, k, v, rules).z
    recorder = Recorder()
    recorder.keep("decoder", q, k, v, rules, z)
    recorder.keep("decoder", q, k, v, rules, z + 0.5)
    first, second = recorder.layers["decoder"]
    assert (first.layer, second.layer) == (0, 1)
    assert first.z_difference == pytest.approx(0.0, abs=1e-6)
    assert second.z_difference == pytest.approx(0.5)


def test_a_pass_stops_at_the_next_layer_and_edits_change_z() -> None:
    stop = False
    seen: list[int] = []
    recorder = Recorder(progress=seen.append, stopped=lambda: stop)
    recorder.enter("decoder", torch.zeros(1, 4, 8))
    recorder.enter("decoder", torch.zeros(1, 4, 8))
    stop = True
    with pytest.raises(PassStopped):
        recorder.enter("decoder", torch.zeros(1, 4, 8))
    assert seen == [0, 1]

    def edit(record: LayerRecord, z: torch.Tensor) -> torch.Tensor:
        return z * record.layer

    q, k, v = (t[:1] for t in qkv())
    z = attend(q, k, v, Rules(0.3)).z
    editing = Recorder(edit=edit)
    assert torch.equal(editing.keep("self", q, k, v, Rules(0.3), z), torch.zeros_like(z))
    assert torch.equal(editing.keep("self", q, k, v, Rules(0.3), z), z)


def test_rules_are_read_once_a_pass() -> None:
    recorder = Recorder()
    reads = [recorder.rules_once(("mask", 1), None, lambda: Rules(0.5)) for _ in range(3)]
    assert reads[0] is reads[1] is reads[2]
    recorder.finish()
    assert recorder.rules_once(("mask", 1), None, lambda: Rules(0.5)) is not reads[0]
