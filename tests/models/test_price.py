"""The predicted bytes of a run against the real ones: never under and within a fifth, for every architecture."""

from __future__ import annotations

import pytest

from app.errors import TooManyTokens
from app.models.price import most_tokens, run_bytes
from app.models.run import RunRequest, check_price, read_tokens
from app.settings import Settings
from tests.made import made_model, made_run
from tests.models.tiny import EXACT, WEIGHTS_ONLY


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
    assert run_bytes(full, {"decoder": 2000}) == 2 * run_bytes(full, {"decoder": 1000})
    assert run_bytes(maps, {"decoder": 2000}) > 3 * run_bytes(maps, {"decoder": 1000})


@pytest.mark.parametrize("name", ["llama", "gptj"])
def test_the_most_that_fit_do_and_one_more_does_not(name: str) -> None:
    shapes = made_model(name).shapes
    most = most_tokens(shapes, {"decoder": 1}, "decoder", 1_000_000)
    assert run_bytes(shapes, {"decoder": most}) <= 1_000_000 < run_bytes(shapes, {"decoder": most + 1})


def test_a_text_that_can_never_fit_is_told_what_would() -> None:
    model = made_model("llama")
    request = RunRequest("llama", "w7 " * 200)
    settings = Settings(run_limit=100_000)
    most = most_tokens(model.shapes, {"decoder": 200}, "decoder", 100_000)
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
