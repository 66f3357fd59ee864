"""Our own reading of a tokenizer's settings, before transformers acts on them.

transformers gives every key of `tokenizer_config.json` and of `special_tokens_map.json` to the tokenizer's class as an
argument. Among those are `vocab` and `merges`, which may be the path of a file anywhere on this machine: its lines
would become the tokens that a caller is shown. So: a tokenizer is read from a copy of its folder, in which these files
hold the settings known to be harmless and nothing else, and what would be wrong without the others is refused.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from app.errors import ModelRefused
from app.models.strict_json import read_object

CONFIG, SPECIAL, ADDED = "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"

VOCABULARIES = frozenset(
    {
        "tokenizer.json", "vocab.json", "vocab.txt", "tokenizer.model", "spiece.model", "sentencepiece.model",
        "sentencepiece.bpe.model", "spm.model", "tiktoken.model", "vocab-src.json", "prophetnet.tokenizer",
        "byte_maps.json",
    }
)  # fmt: skip
"""Files that hold the tokens; a model has at least one."""

BESIDE = frozenset({"merges.txt", "bpe.codes", "dict.txt", "source.spm", "target.spm", "target_vocab.json",
                    "vocab-tgt.json", "emoji.json"})  # fmt: skip
"""Files that some tokenizers read beside those."""

WITHOUT_FILES = ("ByT5Tokenizer",)
"""Classes whose tokens are bytes, and in no file."""

LARGEST = 128 * 1024 * 1024
"""Bytes of one tokenizer file; the largest known is 33 MB (Gemma's tokenizer.json)."""

LARGEST_SETTINGS = 16 * 1024 * 1024

LARGEST_NUMBER = 2**21
"""No tokenizer has as many tokens: some classes make one for each number up to what a setting or an id says."""

LENGTHS = frozenset({"model_max_length", "max_len"})
"""Say how long a text may be. Often astronomically large, and nothing is made of them."""

KEPT = frozenset(
    {
        "add_bos_token", "add_eos_token", "add_prefix_space", "additional_special_tokens",
        "clean_text", "clean_up_tokenization_spaces", "do_basic_tokenize", "do_clean_text", "do_lower_case",
        "do_lowercase", "do_lowercase_and_remove_accent", "do_subword_tokenize", "do_word_tokenize", "errors",
        "extra_ids", "extra_special_tokens", "fix_mistral_regex", "id2lang", "keep_accents", "lang2id",
        "lang_codes", "langs", "language", "language_codes", "legacy", "legacy_behaviour", "max_len",
        "model_input_names", "model_max_length", "model_specific_special_tokens", "never_split", "normalization",
        "num_madeup_words", "offset", "padding_side", "remove_space", "separate_vocabs", "source_lang",
        "spaces_between_special_tokens", "special_tokens_pattern", "split_by_punct", "split_special_tokens",
        "src_lang", "strip_accents", "subword_tokenizer_type", "target_lang", "tgt_lang",
        "token_type_ids_include_special_tokens", "token_type_ids_pattern", "tokenize_chinese_chars",
        "trim_offsets", "truncation_side", "unk_id", "word_tokenizer_type", "wordpieces_prefix",
    }
)  # fmt: skip
"""Settings that say how a text is split, and name neither code nor files. So do all that end in `_token`."""

STEERING = re.compile(r"(entity_)?vocab|merges|init_inputs|post_processor|gguf_file|tokenizer(_object)?|\w+_kwargs")
"""Settings that name or replace what the tokens are made of. Others are left out: they are of old saves, or unused."""

ID = re.compile(r"[0-9]{1,9}")
CLASS = re.compile(r"(?!Auto)[A-Za-z][A-Za-z0-9_]*(Tokenizer|TokenizerFast|Backend)")


def has_vocabulary(folder: Path) -> bool:
    """Are a tokenizer's files there? Without any, transformers makes a tokenizer that knows no word, and is silent."""
    if any((folder / name).is_file() for name in VOCABULARIES):
        return True
    places = (folder / name for name in (CONFIG, "config.json"))
    return any(read_object(place).get("tokenizer_class") in WITHOUT_FILES for place in places if place.is_file())


def check_tokenizer(folder: Path) -> dict[str, dict[str, Any]]:
    """The settings that transformers may see, by file. Raises ModelRefused for those that no tokenizer here needs.

    Refused as well: a folder without a tokenizer, files beyond any real size, and one that needs its own code.
    """
    if not has_vocabulary(folder):
        raise ModelRefused(
            "This model has no tokenizer files, so no text can be given to it.",
            "Add the tokenizer.json that it was trained with, or take another model.",
        )
    for name in VOCABULARIES | BESIDE:
        if (folder / name).is_file() and (folder / name).stat().st_size > LARGEST:
            raise ModelRefused(f"{name} of this model is larger than {LARGEST} bytes.")
    config = read_object(folder / "config.json")
    _check_class(config.get("tokenizer_class"), "config.json")
    clean = {"config.json": config}
    if (folder / CONFIG).is_file():
        found = read_object(folder / CONFIG, LARGEST_SETTINGS)
        kind = found.get("tokenizer_class")
        _check_class(kind, CONFIG)
        if found.get("auto_map") and kind is not None and not _is_known(kind):
            raise ModelRefused("The tokenizer of this model needs its own code, which is never run here.")
        clean[CONFIG] = _settings(found, CONFIG) | ({} if kind is None else {"tokenizer_class": kind})
        tokens = found.get("added_tokens_decoder")
        if tokens is not None:
            clean[CONFIG]["added_tokens_decoder"] = _by_number(tokens)
    if (folder / SPECIAL).is_file():
        clean[SPECIAL] = _settings(read_object(folder / SPECIAL), SPECIAL)
    if (folder / ADDED).is_file():
        clean[ADDED] = read_object(folder / ADDED, LARGEST_SETTINGS)
        if not all(_is_id(number) for number in clean[ADDED].values()):
            raise ModelRefused(f"{ADDED} of this model holds something other than tokens and their ids.")
    return clean


@contextmanager
def safe_folder(folder: Path) -> Iterator[Path]:
    """A folder to read the tokenizer from: its files, the settings that passed, and nothing else. Gone afterwards."""
    clean = check_tokenizer(folder)
    with TemporaryDirectory(prefix="headlight-tokenizer-") as made:
        place = Path(made)
        for name in VOCABULARIES | BESIDE:
            if (folder / name).is_file():
                (place / name).symlink_to((folder / name).resolve())
        for name, settings in clean.items():
            (place / name).write_text(json.dumps(settings), encoding="utf-8")
        yield place


def _settings(found: dict[str, Any], file: str) -> dict[str, Any]:
    """Those of the settings that are kept. Raises ModelRefused where one steers, or has a value of no use."""
    kept = {}
    for key, value in found.items():
        if STEERING.fullmatch(key) and value:
            raise ModelRefused(f"{file} of this model sets where its tokens come from, which is not allowed here.")
        if key in KEPT or key.endswith("_token"):
            if key not in LENGTHS and not _is_small(value):
                raise ModelRefused(f"{file} of this model holds a number beyond that of any tokenizer.")
            kept[key] = value
    return kept


def _by_number(tokens: Any) -> dict[str, Any]:
    """`added_tokens_decoder`: tokens by their ids."""
    if not isinstance(tokens, dict) or not all(ID.fullmatch(key) and _is_id(int(key)) for key in tokens):
        raise ModelRefused(f"{CONFIG} of this model holds something other than tokens by their ids.")
    return tokens


def _check_class(name: Any, file: str) -> None:
    """transformers takes a class of any name that it has itself; only tokenizers may be named."""
    if name is not None and not (isinstance(name, str) and CLASS.fullmatch(name)):
        raise ModelRefused(f"{file} of this model names no kind of tokenizer.")


def _is_known(name: str) -> bool:
    from transformers.models.auto.tokenization_auto import tokenizer_class_from_name

    return tokenizer_class_from_name(name) is not None


def _is_id(number: Any) -> bool:
    return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < LARGEST_NUMBER


def _is_small(value: Any) -> bool:
    """Is every number in it one that may be counted up to?"""
    if isinstance(value, dict):
        return all(map(_is_small, value.values()))
    if isinstance(value, list):
        return all(map(_is_small, value))
    return not isinstance(value, (int, float)) or abs(value) < LARGEST_NUMBER
