"""The predicted bytes of a run against the real ones: never under and within a fifth, for every architecture."""

from __future__ import annotations

import subprocess
import sys
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch
import transformers
from transformers import UMT5Config, UMT5ForConditionalGeneration

from app.attention.recorder import storage_bytes
from app.errors import TooManyTokens
from app.models import backend
from app.models.build import max_tokens_of, network_of
from app.models.families import family_of
from app.models.forward import forward
from app.models.price import most_tokens, pass_bytes, run_bytes, shapes_of
from app.models.run import RunRequest, check_price, read_tokens
from app.settings import Settings
from tests.made import made_model, made_run
from tests.models.tiny import EXACT, SIZE, WEIGHTS_ONLY, inputs


@pytest.mark.parametrize("words", [1, 12, 60])
@pytest.mark.parametrize("name", [*EXACT, *WEIGHTS_ONLY])
def test_predicted_and_real_agree(name: str, words: int) -> None:
    model = made_model(name)
    target = "w20 w21 w22" if model.info.kind == "encoder-decoder" else None
    run = made_run(name, " ".join(f"w{7 + i % 90}" for i in range(words)), target)
    predicted = run_bytes(model.shapes, {side: len(tokens) for side, tokens in run.tokens.items()})
    assert run.bytes <= predicted <= 1.2 * run.bytes, f"predicted {predicted}, real {run.bytes}"


def test_full_capture_is_linear_and_maps_are_not() -> None:
    full, maps = made_model("llama").shapes, made_model("gptj").shapes
    steps = [run_bytes(full, {"decoder": count}) for count in (1000, 2000, 3000)]
    assert steps[2] - steps[1] == steps[1] - steps[0]
    assert steps[1] == pytest.approx(2 * steps[0], rel=0.001)
    assert run_bytes(maps, {"decoder": 2000}) > 3 * run_bytes(maps, {"decoder": 1000})


@pytest.mark.parametrize("name", ["llama", "gptj"])
def test_the_most_that_fit_do_and_one_more_does_not(name: str) -> None:
    shapes = made_model(name).shapes
    most = most_tokens(shapes, {"decoder": 1}, "decoder", 1_000_000, 10**12)
    assert run_bytes(shapes, {"decoder": most}) <= 1_000_000 < run_bytes(shapes, {"decoder": most + 1})
    most = most_tokens(shapes, {"decoder": 1}, "decoder", 10**12, 1_000_000)
    assert pass_bytes(shapes, {"decoder": most}) <= 1_000_000 < pass_bytes(shapes, {"decoder": most + 1})


def test_a_text_that_can_never_fit_is_told_what_would() -> None:
    model = made_model("llama")
    request = RunRequest("llama", "w7 " * 200)
    settings = Settings(run_limit=100_000)
    most = most_tokens(model.shapes, {"decoder": 200}, "decoder", 100_000, settings.pass_limit)
    with pytest.raises(TooManyTokens, match=str(most)) as raised:
        check_price(model, read_tokens(model, request, settings), settings)
    assert f"at most {most} tokens" in raised.value.hint
    fits = RunRequest("llama", "w7 " * most)
    assert check_price(model, read_tokens(model, fits, settings), settings) <= 100_000


def test_the_models_own_positions_are_a_limit_too() -> None:
    model = made_model("roberta")
    assert model.info.max_tokens == 78
    settings = Settings()
    with pytest.raises(TooManyTokens, match="78"):
        check_price(model, read_tokens(model, RunRequest("roberta", "w7 " * 78), settings), settings)
    assert made_run("roberta", "w7 " * 76).tokens["encoder"].items[-1].index == 77


PEAK = """
import sys
from app.models.build import windowed
from app.models.forward import forward
from app.models.price import pass_bytes, shapes_of
from tests.models.tiny import inputs, tiny

def read(key):
    return int(next(line for line in open("/proc/self/status") if line.startswith(key)).split()[1]) * 1024

network = tiny(sys.argv[1])
network.model.config.max_position_embeddings = 4000
shapes = shapes_of(forward(network, inputs(network, 50)), windowed(network.model.config))
open("/proc/self/clear_refs", "w").write("5")
before = read("VmRSS")
done = forward(network, inputs(network, 2500))
counts = {stack: len(states[0]) for stack, states in done.hidden.items()}
print(read("VmHWM") - before, pass_bytes(shapes, counts))
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="NOT RUN: the peak is read from Linux's /proc")
@pytest.mark.parametrize("name", ["t5", "llama", "gemma2", "phi3", "gpt_oss", "deepseek_v3", "bloom", "falcon"])
def test_a_pass_needs_no_more_than_its_price(name: str) -> None:
    done = subprocess.run([sys.executable, "-c", PEAK, name], capture_output=True, text=True, check=True)
    needed, priced = map(int, done.stdout.split()[-2:])
    slack = 48 * 1024 * 1024  # what a process takes for itself, and blocks of scores
    assert needed <= priced + slack, f"{name}: needed {needed / 2**20:.0f} MB, priced {priced / 2**20:.0f} MB"
    assert priced <= 3 * needed + slack, f"{name}: needed {needed / 2**20:.0f} MB, priced {priced / 2**20:.0f} MB"


def test_layers_with_a_bias_each_are_priced_each() -> None:
    shapes = made_model("t5").shapes
    assert [(stack.name, stack.biases) for stack in shapes.stacks] == [("encoder", 1), ("decoder", 1), ("cross", 0)]
    config = UMT5Config(**EXACT["t5"][2])
    backend.register()
    model = UMT5ForConditionalGeneration._from_config(config, attn_implementation=backend.NAME)
    network = network_of(model.eval(), family_of("umt5"), True, True)
    done = forward(network, inputs(network, 12))
    shapes = shapes_of(done)
    assert [stack.biases for stack in shapes.stacks] == [2, 3, 0]
    again = forward(network, inputs(network, 40))
    assert storage_bytes(again.tensors()) <= run_bytes(shapes, {"encoder": 40, "decoder": 9})


def test_what_the_store_would_not_keep_is_too_long() -> None:
    model = made_model("llama")
    request = RunRequest("llama", "w7 " * 500)
    with pytest.raises(TooManyTokens, match="memory"):
        check_price(model, read_tokens(model, request, Settings()), Settings(run_budget=100_000))


@pytest.mark.parametrize("name", ["RobertaPreLayerNorm", "XLMRobertaXL", "Xmod", "Data2VecText", "IBert"])
def test_positions_that_are_counted_from_the_padding_index_are_not_offered(name: str) -> None:
    config = getattr(transformers, f"{name}Config")(**SIZE | {"max_position_embeddings": 80})
    most = max_tokens_of(config, family_of(config.model_type))
    assert most == 78
    model = getattr(transformers, f"{name}Model")(config).eval()
    if name == "Xmod":
        model.set_default_language("en_XX")
    for length, fits in ((most, True), (most + 1, False)):
        with nullcontext() if fits else pytest.raises((IndexError, RuntimeError), match="out of"):
            model(torch.full((1, length), 7))
