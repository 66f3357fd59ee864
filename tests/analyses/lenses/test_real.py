"""The lenses on the two real models: their checks hold, and they show what the literature says they show."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
import torch

from app.analyses.attention import attention
from app.analyses.disagreement import disagreement
from app.analyses.lenses import LENSES
from app.errors import NoLanguageHead
from app.models.engine import Engine
from app.models.run import Run, RunRequest
from app.settings import Settings

pytestmark = pytest.mark.real
ENCODED = "The animal did not cross the street because it was too tired."
GIVEN = "When Mary and John went to the store, John gave a drink to"


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine(Settings(hub=False, warm=False, threads=1))
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def minilm(engine: Engine) -> Run:
    return engine.run(RunRequest("minilm", ENCODED))[0]


@pytest.fixture(scope="module")
def smollm2(engine: Engine) -> Run:
    return engine.run(RunRequest("smollm2", GIVEN))[0]


@pytest.mark.parametrize("lens", LENSES)
@pytest.mark.parametrize("name", ["minilm", "smollm2"])
def test_every_lens_holds_its_checks(name: str, lens: str, request: pytest.FixtureRequest) -> None:
    run: Run = request.getfixturevalue(name)
    if (name, lens) == ("minilm", "gradient"):
        with pytest.raises(NoLanguageHead):
            attention(run, layer=0, lens=lens)
        return
    asked = {"layer": 3} if lens == "value-zeroing" else {"size": 32}
    answer = attention(run, lens=lens, **asked)
    assert all(check.ok for check in answer.checks), answer.checks
    assert bool(torch.isfinite(answer.values).all()) or answer.warnings


def test_separators_are_looked_at_and_bring_little(minilm: Run) -> None:
    """Kobayashi et al. 2020, of BERT: norms tell that much attention to [CLS] and [SEP] brings hardly anything."""
    special = [token.index for token in minilm.tokens["encoder"].items if token.special]
    shares = []
    for lens in ("raw", "norm"):
        values = torch.cat([attention(minilm, layer=i, lens=lens).values for i in range(6)])
        shares.append(float(values[..., special].sum() / values.sum()))
    raw, norm = shares
    assert raw > 0.2
    assert norm < 0.7 * raw


def test_most_sinks_of_a_decoder_are_its_first_token(smollm2: Run) -> None:
    found = attention(smollm2, lens="no-sink", size=32)
    assert found.sinks is not None
    sinks = [sink for layer in found.sinks for sink in layer if sink is not None]
    assert len(sinks) > 100
    assert sinks.count(0) > 0.8 * len(sinks)
    assert found.warnings, "the first token saw nothing but itself"


def test_the_gradient_names_what_speaks_for_the_prediction(smollm2: Run) -> None:
    found = attention(smollm2, lens="gradient", size=32)
    assert found.prediction is not None
    assert (found.prediction.text, found.prediction.position) == (" Mary", 13)
    tokens = [token.display.strip() for token in smollm2.tokens["decoder"].items]
    last = found.values[..., -1, :-1]  # where the last query looks back, in every head
    layer, _, key = torch.unravel_index(last.argmax(), last.shape)
    assert tokens[int(key)] == "Mary", "a head of a late layer moves the name"
    assert int(layer) >= 20


def test_value_zeroing_keeps_to_what_is_seen(smollm2: Run) -> None:
    map_ = attention(smollm2, layer=5, lens="value-zeroing").values[0, 0]
    assert float(map_.triu(1).abs().max()) == 0.0
    assert torch.allclose(map_.sum(-1), torch.ones(len(map_)))


def test_norm_and_raw_disagree_most_about_what_holds_no_content(minilm: Run) -> None:
    found = disagreement(minilm)
    assert all(check.ok for check in found.checks)
    special = [token.index for token in minilm.tokens["encoder"].items if token.special or token.text == "."]
    assert sum(pair.key in special for pair in found.pairs) >= 0.9 * len(found.pairs)
    assert max(head.divergence or 0.0 for head in found.heads) > 0.2


def test_a_long_lens_on_the_engines_thread_lets_looks_go_first(engine: Engine, smollm2: Run) -> None:
    order: list[str] = []

    def long(run: Run) -> None:
        attention(run, layer=2, lens="value-zeroing", cancelled=engine.giving_way(run, lambda: False))
        order.append("long")

    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(engine.look, smollm2, lambda _: order.append("look") or torch.zeros(1))
        first.result(10)
        slow = pool.submit(engine.look, smollm2, long, lambda: False, True)
        quick = pool.submit(engine.look, smollm2, lambda _: order.append("look"))
        quick.result(10)
        slow.result(60)
    assert order[-1] == "long"
