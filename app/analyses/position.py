"""Which position a question about a prediction is about, and what really stands at the place that it predicts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from app.analyses.ranges import index
from app.errors import NotApplicable
from app.models.info import require_language_head

if TYPE_CHECKING:
    from app.models.run import Run


def usual_position(run: Run) -> int | None:
    """Where a prediction is usually wanted: at the first mask of a masked model, after the last token of the others.

    None where a masked model has no mask.
    """
    if "decoder" in run.tokens:
        return len(run.tokens["decoder"]) - 1
    mask = run.model.tokenizer.mask_token_id
    return next((token.index for token in run.tokens["encoder"].items if token.id == mask), None)


def predicted_position(run: Run, position: int | None) -> int:
    """`position`, the usual one if it is None, when the model predicts there.

    Raises NoLanguageHead, OutOfRange, and NotApplicable where a masked model has no mask.
    """
    require_language_head(run.model.info)
    name = "decoder" if "decoder" in run.tokens else "encoder"
    tokens = run.tokens[name]
    asked = usual_position(run) if position is None else index(position, len(tokens), "position")
    if asked is None or (name == "encoder" and tokens.items[asked].id != run.model.tokenizer.mask_token_id):
        raise NotApplicable(
            "A masked model predicts at a mask token.", "Put the mask token into the text, and ask there."
        )
    return asked


def target_of(run: Run, position: int) -> int | None:
    """The token that really stands at the predicted place, where there is one and a model is to predict it.

    Behind the last token of an encoder-decoder's target that is the target's end.
    """
    if "decoder" not in run.tokens:
        return None
    tokens = run.tokens["decoder"]
    if position + 1 < len(tokens):
        return tokens.items[position + 1].id
    return None if tokens.behind is None else tokens.behind.id
