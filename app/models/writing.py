"""What is to be written on: a text with its tokens, what was written behind it before, and the room there is."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.errors import NotApplicable, OutOfRange, TooManyTokens
from app.models.answer import OwnRules, end_tokens, own_rules
from app.models.info import require_language_head
from app.models.loaded import LoadedModel
from app.models.run import RunRequest, check_price, inputs_of, read_tokens, room
from app.models.writer import AnswerWriter, DecoderWriter, MaskWriter, Writer
from app.settings import Settings
from app.tokens.answer import answer_text, continuation, filled, written_token
from app.tokens.token import Token, Tokens


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """`before`: the ids that were written already, behind the text or into its first masks."""

    model: LoadedModel
    request: RunRequest
    tokens: Mapping[str, Tokens]
    before: tuple[int, ...]
    steps: int

    @property
    def side(self) -> str:
        """The input that is written on: "encoder" for a masked model, else "decoder"."""
        return "encoder" if self.model.info.kind == "encoder" else "decoder"

    @property
    def masks(self) -> list[int]:
        """Where the text has masks, of a masked model."""
        mask = self.model.tokenizer.mask_token_id
        return [token.index for token in self.tokens["encoder"].items if token.id == mask]

    @property
    def ends(self) -> Sequence[int]:
        """The ids that end a text; a masked model has none."""
        return () if self.side == "encoder" else end_tokens(self.model.network.model.generation_config)

    def position(self, step: int) -> int:
        """Where the token of a step goes, counted from the first that was ever written."""
        return self.masks[step] if self.side == "encoder" else len(self.tokens["decoder"]) + step

    def query(self, step: int) -> int:
        """The token whose row is seen while that of the step is predicted: the one before, or the mask itself."""
        return self.position(step) - (self.side == "decoder")

    def token(self, token_id: int, step: int) -> Token:
        """The token that was written in a step."""
        return written_token(self.model.tokenizer, token_id, self.position(step))

    def ended(self, ids: Sequence[int]) -> bool:
        """Is nothing more to be written behind these ids?"""
        return len(ids) == len(self.masks) if self.side == "encoder" else bool(ids) and ids[-1] in self.ends

    def writer(self, stopped: Callable[[], bool]) -> tuple[Writer, list[int]]:
        """A writer and the ids that it is to read first. Raises PassStopped: an encoder runs already."""
        network = self.model.network
        if self.side == "encoder":
            inputs = inputs_of(self.model, self.tokens)
            return MaskWriter(network, inputs, self.masks, stopped), list(self.before)
        if self.model.info.kind == "encoder-decoder":
            inputs = inputs_of(self.model, {"encoder": self.tokens["encoder"]})
            return AnswerWriter(network, inputs, stopped), list(self.before)
        return DecoderWriter(network, stopped), [*self.tokens["decoder"].ids, *self.before]

    def rules(self) -> OwnRules | None:
        """What the model asks for of everything it writes."""
        if self.side == "encoder":
            return None
        encoder = None
        if "encoder" in self.tokens:
            encoder = inputs_of(self.model, {"encoder": self.tokens["encoder"]})["input_ids"]
        return own_rules(self.model.network, len(self.tokens["decoder"]), encoder)

    def texts(self, ids: Sequence[int]) -> tuple[str, str | None]:
        """The text, and the second sentence where there is one, with `ids` written. Of an encoder-decoder: its answer.

        Special tokens are left out.
        """
        tokenizer, text, pair = self.model.tokenizer, self.request.text, self.request.pair
        if self.side == "encoder":
            first = sum(self.tokens["encoder"].items[i].segment == 0 for i in self.masks)
            return filled(tokenizer, text, ids[:first]), None if pair is None else filled(tokenizer, pair, ids[first:])
        if "encoder" in self.tokens:
            return answer_text(tokenizer, ids), None
        return text + continuation(tokenizer, self.tokens["decoder"].ids, ids), None


def read_prompt(
    model: LoadedModel, request: RunRequest, before: Sequence[int], steps: int, settings: Settings
) -> Prompt:
    """A text to write on, with room for all steps.

    Raises what is wrong with the text, NoLanguageHead, OutOfRange for ids that are no tokens, NotApplicable for a
    masked model without masks to fill, and TooManyTokens where the steps do not fit behind the text.
    """
    require_language_head(model.info)
    if any(not 0 <= token_id < (model.info.vocab or 0) for token_id in before):
        raise OutOfRange(
            f"`prefix_ids` has an id that is no token: there are {model.info.vocab}, counted from 0.",
            "Send ids that this model wrote.",
        )
    tokens = read_tokens(model, request, settings)
    check_price(model, tokens, settings)
    prompt = Prompt(model, request, tokens, tuple(before), steps)
    if prompt.side == "encoder":
        _check_masks(prompt)
        return prompt
    counts = {name: len(t) for name, t in tokens.items()}
    most = room(model, counts, "decoder", settings)
    left = most - counts["decoder"] - len(before)
    if steps > left:
        has = counts["decoder"] + len(before)
        raise TooManyTokens(
            f"With {has} tokens already, the text leaves room for {max(left, 0)} of the {most} that fit.",
            f"Ask for at most {left} steps, or shorten the text." if left > 0 else "Shorten the text.",
        )
    return prompt


def _check_masks(prompt: Prompt) -> None:
    """There are masks, and no more was written than they hold."""
    masks, filled_before = len(prompt.masks), len(prompt.before)
    if masks and filled_before <= masks:
        return
    if not masks:
        name = prompt.model.tokenizer.mask_token
        if name is None:
            raise NotApplicable("This model's tokenizer has no mask.", "Choose a model that continues a text.")
        raise NotApplicable(
            "A masked model fills masks, and the text has none.", f"Put {name} where a word is to be written."
        )
    raise OutOfRange(
        f"The text has {masks} masks, and `prefix_ids` fills {filled_before}.",
        "Send no more ids than masks.",
    )
