"""The facts of one token, and of all tokens of an input. Names as in the API's `Token`."""

from __future__ import annotations

from dataclasses import dataclass

from app.checks import Check


@dataclass(frozen=True, slots=True)
class Token:
    """`text` is as in the vocabulary, `display` is readable: "Ġcat" and " cat", "##ing" and "ing".

    `start` and `end` are offsets in code points into the text of the token's segment, `None` for a token that the
    tokenizer added ([CLS], [SEP]) and for every token of a tokenizer that gives none. Tokens that share one
    character (the bytes of an emoji) have the same offsets. `word` counts words through both texts, `None` for
    tokens that were added. `special` is true for what the tokenizer added and for a special token spelled in the
    text ("[CLS]" typed by a person), which keeps its offsets; a word that is not in the vocabulary ([UNK]) is not
    special. `segment` is 0 for the text and 1 for the pair; a token that was added belongs to the text before it.
    """

    index: int
    id: int
    text: str
    display: str
    start: int | None
    end: int | None
    word: int | None
    special: bool
    segment: int
    mask: int


@dataclass(frozen=True, slots=True)
class Tokens:
    """Everything that a model is given of one input, in order.

    `algorithm` is "WordPiece", "BPE", "Unigram", "WordLevel", or the class of a tokenizer written in Python.
    `characters` counts code points, of both texts. `type_ids` are what the model takes as `token_type_ids`; `None`
    for a model that takes none (segments are then for the eye only). `behind` is what stands behind a decoder's last
    token and is predicted there, but never read: the end of its target.
    """

    items: tuple[Token, ...]
    algorithm: str
    characters: int
    checks: tuple[Check, ...]
    type_ids: tuple[int, ...] | None = None
    behind: Token | None = None

    @property
    def ids(self) -> list[int]:
        return [token.id for token in self.items]

    @property
    def segments(self) -> list[int]:
        return [token.segment for token in self.items]

    @property
    def mask(self) -> list[int]:
        return [token.mask for token in self.items]

    def __len__(self) -> int:
        return len(self.items)
