"""What the page says of a model's limits is what its card says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from app.models.build import info_of
from app.models.card import limits
from app.models.catalogue import ADAPTED, SHIPPED
from app.models.checkpoint import Checkpoint
from app.models.listing import offered
from app.models.sources.shipped import WEIGHTS
from app.settings import Settings
from tests.made import made_model


def test_the_section_is_taken_whole_and_nothing_else(tmp_path: Path) -> None:
    card = "# m\n\n## Data\n\nno\n\n## Limits\n\nIt knows\nlittle.\n\nAnd less.\n\n## Licence\n\nno\n"
    (tmp_path / "card.md").write_text(card)
    assert limits(tmp_path) == "It knows little.\n\nAnd less."
    (tmp_path / "card.md").write_text("# m\n\n## Data\n\nno\n")
    assert limits(tmp_path) is None
    assert limits(tmp_path / "nowhere") is None


def test_every_model_that_was_trained_here_is_listed_with_its_limits() -> None:
    notes = {info.id: info.note for info in offered(Settings(hub=False))}
    for line in (*SHIPPED, *ADAPTED):
        said = limits(WEIGHTS / line.folder)
        assert said
        assert notes[line.id] == said
    assert notes["minilm"] is None


def test_only_a_masked_model_has_a_word_to_fill_in() -> None:
    bert, llama = made_model("bert"), made_model("llama")
    assert bert.info.mask == bert.tokenizer.mask_token == "[MASK]"
    assert llama.info.mask is None
    headless = replace(bert.network, has_head=False)
    source = Checkpoint("bert", Path(), "made for tests", "0", None, 0, 0)
    assert info_of(source, headless, bert.tokenizer, bert.shapes, 0, ()).mask is None
