"""A tokenizer of single characters: BPE without one merge, so that words are still known and each letter is a token.

Capitals are read as small letters. A text ends in `</s>`; `<s>` is what the decoder begins with.
"""

from __future__ import annotations

import string
from functools import cache

from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors
from transformers import PreTrainedTokenizerFast

SPECIAL = ("<s>", "</s>", "<pad>", "<unk>")
START, END, PAD, UNKNOWN = range(len(SPECIAL))
CHARACTERS = string.digits + string.ascii_lowercase + " -/.,':"
LONGEST = 64
"""Most characters, `</s>` included, that the model has positions for."""


@cache
def character_tokenizer() -> PreTrainedTokenizerFast:
    """Vocabulary: the special tokens, digits, letters and the marks that dates are written with."""
    vocabulary = {sign: index for index, sign in enumerate((*SPECIAL, *CHARACTERS))}
    backend = Tokenizer(models.BPE(vocab=vocabulary, merges=[], unk_token="<unk>"))
    backend.normalizer = normalizers.Lowercase()
    backend.pre_tokenizer = pre_tokenizers.Split(Regex(r"\d+|[^\W\d]+|[\s\S]"), "isolated")
    backend.post_processor = processors.TemplateProcessing(single="$A </s>", special_tokens=[("</s>", END)])
    backend.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=backend,
        bos_token="<s>",
        eos_token="</s>",
        pad_token="<pad>",
        unk_token="<unk>",
        model_max_length=LONGEST,
        clean_up_tokenization_spaces=False,
    )
