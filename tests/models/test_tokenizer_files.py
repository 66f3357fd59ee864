"""A model's tokenizer files can neither name a file of this machine, nor code, nor ask for endless memory."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import sentencepiece
import transformers
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import AutoTokenizer

from app.errors import ModelFailed, ModelRefused
from app.models.build import read_tokenizer
from app.models.checkpoint import Checkpoint
from app.models.config_check import check_config
from app.models.tokenizer_files import BESIDE, KEPT, STEERING, VOCABULARIES, check_tokenizer, safe_folder
from app.settings import Settings
from tests.models.checkpoints import save_bert

SECRET = "API_KEY=hunter2"
LINES = "\n".join(["[UNK]", "[CLS]", "[SEP]", "[PAD]", "[MASK]", SECRET])
SENTENCES = ("The cat sat on the mat.", "Was it warm?", "the sea,  the SEA")

IRRELEVANT = frozenset(
    {
        "additional_special_tokens", "tokenizer_file", "name_or_path", "chat_template", "max_length", "padding",
        "add_blank", "cell_trim_length", "cls_token_box", "do_phonemize", "do_upper_case", "drop_rows_to_fit",
        "empty_strategy", "is_uroman", "max_column_id", "max_depth", "max_entity_length", "max_mention_length",
        "max_question_length", "max_row_id", "max_width", "mask_token_sent", "default_velocity", "num_bars",
        "min_question_length", "normalize",
        "only_label_first_subword", "pad_token_box", "pad_token_label", "pad_width", "phonemize",
        "phonemizer_backend", "phonemizer_lang", "predict_timestamps", "replace_word_delimiter_char",
        "return_token_type_ids", "sep_token_box", "should_strip_spaces", "strip_column_names", "tags_dict", "task",
        "update_answer_coordinates", "use_default_system_prompt",
    }
)  # fmt: skip
"""Arguments that a text model's tokens do not depend on: of speech, tables, pages, chats."""


@pytest.fixture
def bert(tmp_path: Path) -> Path:
    """A BERT of whom the tokenizer is vocab.txt."""
    folder = save_bert(tmp_path / "bert")
    for name in ("tokenizer.json", "tokenizer_config.json"):
        (folder / name).unlink()
    (folder / "vocab.txt").write_text("[PAD]\n[UNK]\n[CLS]\n[SEP]\n[MASK]\nthe\nsea\ncat\nsat\non\nmat\n.", "utf-8")
    return folder


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    path = tmp_path / "secret.txt"
    path.write_text(LINES, "utf-8")
    return path


def write(folder: Path, name: str = "tokenizer_config.json", **settings: Any) -> Path:
    (folder / name).write_text(json.dumps(settings), "utf-8")
    return folder


def words(folder: Path) -> dict[str, int]:
    found: dict[str, int] = read_tokenizer(Checkpoint("made", folder, "made for tests", "0", None, 0)).get_vocab()
    return found


def refused(folder: Path) -> str:
    with pytest.raises(ModelRefused) as caught:
        check_config(folder, Settings())
    with pytest.raises(ModelRefused):
        words(folder)  # nor is it read, whoever asks
    return caught.value.detail


def test_what_transformers_would_have_done(bert: Path, secret: Path) -> None:
    """The reason for all this: transformers 5 opens whatever file the model names."""
    write(bert, tokenizer_class="BertTokenizer", vocab=str(secret))
    assert SECRET in AutoTokenizer.from_pretrained(bert, local_files_only=True, trust_remote_code=False).get_vocab()


@pytest.mark.parametrize("name", ["tokenizer_config.json", "special_tokens_map.json"])
@pytest.mark.parametrize(
    "key", ["vocab", "merges", "entity_vocab", "tokenizer_object", "gguf_file", "sp_model_kwargs", "mecab_kwargs"]
)
def test_what_names_the_tokens_is_refused(bert: Path, secret: Path, key: str, name: str) -> None:
    reason = refused(write(bert, name, **{key: {"model_file": str(secret)} if "kwargs" in key else str(secret)}))
    assert "tokens come from" in reason
    assert str(secret) not in reason


def test_arguments_by_place_are_refused(bert: Path, secret: Path) -> None:
    refused(write(bert, tokenizer_class="BertTokenizer", init_inputs=[str(secret)]))


@pytest.mark.parametrize(
    "key", ["vocab_file", "merges_file", "tokenizer_file", "special_tokens_map_file", "entity_vocab_file", "emoji_file",
            "source_spm", "name_or_path", "fast_tokenizer_files", "cache_dir", "subfolder", "anything"]
)  # fmt: skip
def test_paths_of_old_saves_are_left_out(bert: Path, secret: Path, key: str) -> None:
    write(bert, tokenizer_class="BertTokenizer", **{key: str(secret)})
    check_config(bert, Settings())
    found = words(bert)
    assert "cat" in found
    assert SECRET not in found
    with safe_folder(bert) as folder:
        assert str(secret) not in (folder / "tokenizer_config.json").read_text("utf-8")


@pytest.mark.parametrize(
    "name", ["AutoTokenizer", "AutoModel", "pipeline", "Trainer", "../x", "", 3, ["BertTokenizer"]]
)
@pytest.mark.parametrize("file", ["tokenizer_config.json", "config.json"])
def test_only_tokenizers_are_named(bert: Path, name: Any, file: str) -> None:
    config = json.loads((bert / "config.json").read_text("utf-8")) if file == "config.json" else {}
    assert "no kind of tokenizer" in refused(write(bert, file, **{**config, "tokenizer_class": name}))


def test_code_of_the_model_is_never_needed(bert: Path) -> None:
    auto_map = {"AutoTokenizer": ["tokenization_x.XTokenizer", None]}
    assert "own code" in refused(write(bert, tokenizer_class="XTokenizer", auto_map=auto_map))
    check_config(write(bert, tokenizer_class="BertTokenizer", auto_map=auto_map), Settings())
    assert "cat" in words(bert)


@pytest.mark.parametrize(
    "settings",
    [
        {"extra_ids": 10**12}, {"offset": 10**12}, {"num_madeup_words": 2**40}, {"unk_id": 1e300},
        {"added_tokens_decoder": {"1000000000": {"content": "x"}}}, {"added_tokens_decoder": {"9" * 5000: {}}},
        {"added_tokens_decoder": {"-1": {}}}, {"added_tokens_decoder": []},
    ],
)  # fmt: skip
def test_numbers_that_would_be_counted_up_to(bert: Path, settings: dict[str, Any]) -> None:
    refused(write(bert, **settings))


@pytest.mark.parametrize("tokens", [{"x": "y"}, {"x": -1}, {"x": 10**12}, {"x": True}, {"x": [1]}])
def test_added_tokens_have_ids(bert: Path, tokens: dict[str, Any]) -> None:
    refused(write(bert, "added_tokens.json", **tokens))


@pytest.mark.parametrize("name", ["tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"])
@pytest.mark.parametrize("text", ["", "[]", '{"a": NaN}', '{"vocab": null, "vocab": "x"}', "[" * 100_000, "\xff"])
def test_files_that_are_not_plain_json(bert: Path, name: str, text: str) -> None:
    (bert / name).write_text(text, "latin-1")
    assert name in refused(bert)


def test_a_file_beyond_any_real_size(bert: Path) -> None:
    with (bert / "tokenizer.json").open("wb") as file:
        file.truncate(200 * 1024 * 1024)
    assert "larger" in refused(bert)


def test_a_model_without_a_tokenizer(bert: Path) -> None:
    (bert / "vocab.txt").unlink()
    assert "no tokenizer" in refused(bert)
    write(bert, tokenizer_class="ByT5Tokenizer", extra_ids=125)  # whose tokens are bytes
    assert len(words(bert)) >= 256


@pytest.mark.parametrize(
    "name", ["BertTokenizer", "GPT2Tokenizer", "LlamaTokenizer", "T5Tokenizer", "RobertaTokenizer", "GemmaTokenizer"]
)
def test_a_tokenizer_whose_files_are_not_there_knows_no_words(bert: Path, name: str) -> None:
    (bert / "vocab.txt").rename(bert / "byte_maps.json")
    with pytest.raises((ModelFailed, OSError, ValueError)):
        words(write(bert, tokenizer_class=name))


PUBLISHED: dict[str, dict[str, Any]] = {
    "bert": {"do_lower_case": True, "model_max_length": 512},
    "gpt2": {"model_max_length": 1024},
    "electra": {"do_lower_case": True, "never_split": None, "special_tokens_map_file": None, "strip_accents": None,
                "name_or_path": "google/electra", "tokenize_chinese_chars": True, "do_basic_tokenize": True},
    "neox": {"name_or_path": "EleutherAI/gpt-neox-20b", "tokenizer_class": "GPTNeoXTokenizer",
             "add_prefix_space": False, "special_tokens_map_file": "/admin/.cache/x.json",
             "unk_token": "<|endoftext|>"},
    "opt": {"errors": "replace", "add_bos_token": True, "tokenizer_class": "GPT2Tokenizer",
            "unk_token": {"__type": "AddedToken", "content": "</s>", "lstrip": False, "normalized": True}},
    "marian": {"source_lang": "en", "target_lang": "de", "sp_model_kwargs": {}, "tokenizer_class": "MarianTokenizer"},
    "t5": {"extra_ids": 100, "additional_special_tokens": [f"<extra_id_{i}>" for i in range(100)],
           "model_max_length": 512, "tokenizer_class": "T5Tokenizer"},
    "bart": {"add_prefix_space": False, "trim_offsets": True, "tokenizer_file": "/root/x/tokenizer.json"},
    "llama": {"add_bos_token": True, "legacy": False, "chat_template": "{% for m in messages %}{% endfor %}",
              "model_max_length": 1000000000000000019884624838656, "sp_model_kwargs": {}, "init_inputs": [],
              "added_tokens_decoder": {"0": {"content": "<unk>", "special": True}},
              "spaces_between_special_tokens": False},
    "qwen": {"added_tokens_decoder": {"151643": {"content": "<|endoftext|>", "special": True}},
             "split_special_tokens": False, "errors": "replace", "bos_token": None,
             "auto_map": {"AutoTokenizer": ["x.QwenTokenizer", None]},
             "tokenizer_class": "Qwen2Tokenizer", "additional_special_tokens": ["<|im_start|>"]},
    "gemma": {"image_token": "<image>", "extra_special_tokens": {"boi_token": "<boi>"},
              "processor_class": "Gemma3Processor",
              "tokenizer_class": "GemmaTokenizerFast", "use_default_system_prompt": False},
    "mistral": {"legacy": True, "tokenizer_class": "LlamaTokenizerFast", "use_default_system_prompt": False,
                "chat_template": [{"name": "default", "template": "{{ x }}"}], "tokenizer_file": None},
}  # fmt: skip


@pytest.mark.parametrize("name", PUBLISHED)
def test_settings_as_they_are_published_pass(bert: Path, name: str) -> None:
    settings = PUBLISHED[name]
    clean = check_tokenizer(write(bert, **settings))["tokenizer_config.json"]
    left_out = {"name_or_path", "special_tokens_map_file", "tokenizer_file", "sp_model_kwargs", "chat_template",
                "init_inputs", "auto_map", "processor_class", "use_default_system_prompt"}  # fmt: skip
    assert clean == {key: value for key, value in settings.items() if key not in left_out}


def save_sentencepiece(folder: Path, *names: str) -> None:
    """A sentencepiece model of a few pieces, under each of the names."""
    text = folder / "text"
    text.write_text("\n".join(SENTENCES * 20), "utf-8")
    sentencepiece.SentencePieceTrainer.Train(
        input=str(text), model_prefix=str(folder / "made"), vocab_size=26, minloglevel=2, pad_id=3
    )
    text.unlink()
    (folder / "made.vocab").unlink()
    for name in names:
        (folder / name).write_bytes((folder / "made.model").read_bytes())
    (folder / "made.model").unlink()


def same(folder: Path) -> Any:
    """The tokenizer reads as transformers alone reads it, also after its folder is gone. Answers with ours."""
    plain = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    ours = read_tokenizer(Checkpoint("made", folder, "made for tests", "0", None, 0))
    assert type(ours) is type(plain)
    assert ours.get_vocab() == plain.get_vocab()
    assert ours.special_tokens_map == plain.special_tokens_map
    for sentence in SENTENCES:
        assert ours(sentence, text_target=sentence) == plain(sentence, text_target=sentence)
    return ours


@pytest.mark.parametrize("lower", [True, False])
def test_wordpiece_reads_the_same(bert: Path, lower: bool) -> None:
    tokenizer = same(write(bert, tokenizer_class="BertTokenizer", do_lower_case=lower, model_max_length=512))
    assert tokenizer.tokenize("THE sea") == (["the", "sea"] if lower else ["[UNK]", "sea"])
    tokenizer.save_pretrained(bert)  # as transformers writes it today
    same(bert)


def test_byte_level_reads_the_same(bert: Path) -> None:
    letters = {letter: number for number, letter in enumerate("<>|endoftxTcaswrmuihq.,?Ġ")}
    write(bert, "vocab.json", **letters, **{"<|endoftext|>": len(letters)}, at=len(letters) + 1)
    (bert / "merges.txt").write_text("#version: 0.2\na t\n", "utf-8")
    (bert / "vocab.txt").unlink()
    write(bert, "special_tokens_map.json", eos_token="<|endoftext|>", unk_token="<|endoftext|>")
    write(bert, "added_tokens.json", **{"<mark>": 99})
    assert "at" in same(write(bert, tokenizer_class="GPT2Tokenizer", add_prefix_space=True)).tokenize("cat")


@pytest.mark.parametrize("name", ["T5Tokenizer", "AlbertTokenizer", "LlamaTokenizer"])
def test_pieces_read_the_same(bert: Path, name: str) -> None:
    (bert / "vocab.txt").unlink()
    pieces = ["<pad>", "</s>", "<unk>", "[CLS]", "[SEP]", "[MASK]", "▁", *"Thecatsonm.W?rwi,SEA", "▁the", "▁cat"]
    model = models.Unigram([(piece, -float(number)) for number, piece in enumerate(pieces)], unk_id=2)
    if name == "LlamaTokenizer":
        model = models.BPE({piece: number for number, piece in enumerate(pieces)}, [], unk_token="<unk>")
    made = Tokenizer(model)
    made.pre_tokenizer = pre_tokenizers.Metaspace()
    made.save(str(bert / "tokenizer.json"))
    write(bert, tokenizer_class=name, eos_token="</s>", unk_token="<unk>", pad_token="<pad>", model_max_length=10**30)
    assert len(same(bert).tokenize("the cat")) > 1


@pytest.mark.filterwarnings("ignore:Recommended. pip install sacremoses")
def test_two_vocabularies_read_the_same(bert: Path) -> None:
    (bert / "vocab.txt").unlink()
    save_sentencepiece(bert, "source.spm", "target.spm")
    pieces = sentencepiece.SentencePieceProcessor(model_file=str(bert / "source.spm"))
    names = [pieces.IdToPiece(number) for number in range(pieces.GetPieceSize())]
    write(bert, "vocab.json", **{name: number for number, name in enumerate([*names, "<pad>"])})
    same(write(bert, tokenizer_class="MarianTokenizer", source_lang="en", target_lang="de"))


def test_nothing_else_of_the_folder_is_there(bert: Path) -> None:
    (bert / "evil.py").write_text("raise SystemExit", "utf-8")
    (bert / "question_encoder_tokenizer").mkdir()
    with safe_folder(bert) as folder:
        assert {path.name for path in folder.iterdir()} == {"config.json", "vocab.txt"}
    assert not folder.exists()


def tokenizer_sources() -> Iterator[ast.Module]:
    for path in sorted((Path(transformers.__file__).parent / "models").glob("*/tokenization_*.py")):
        yield ast.parse(path.read_text("utf-8"))


def test_every_argument_of_every_tokenizer_is_decided_on() -> None:
    """With a new transformers this list may grow: a new argument is either harmless, or must never be set."""
    found = {
        argument.arg
        for module in tokenizer_sources()
        for parent in module.body
        if isinstance(parent, ast.ClassDef)
        and any(isinstance(base, ast.Name) and base.id.endswith(("Tokenizer", "Backend")) for base in parent.bases)
        for function in parent.body
        if isinstance(function, ast.FunctionDef) and function.name == "__init__"
        for argument in (*function.args.args, *function.args.kwonlyargs)
    } - {"self"}
    assert {"vocab", "merges", "vocab_file", "do_lower_case"} <= found
    undecided = {
        name
        for name in found - KEPT - IRRELEVANT
        if not name.endswith(("_token", "_file", "_spm")) and not name.startswith("_") and not STEERING.fullmatch(name)
    }
    assert undecided == set()
    assert not {name for name in KEPT if STEERING.fullmatch(name) or name.endswith(("_file", "_path", "_spm", "_dir"))}


def test_every_file_that_a_text_tokenizer_reads_is_known() -> None:
    named = {
        value.value
        for module in tokenizer_sources()
        for statement in module.body
        if isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", "") == "VOCAB_FILES_NAMES"
        and isinstance(statement.value, ast.Dict)
        for value in statement.value.values
        if isinstance(value, ast.Constant) and isinstance(value.value, str)
    }  # fmt: skip
    other = {"tokenizer_config.json", "entity_vocab.json", "word_shape.json", "word_pronunciation.json",
             "spm_char.model", "normalizer.json", "vocab"}  # fmt: skip
    assert {"spiece.model", "vocab.txt"} <= named
    assert named - VOCABULARIES - BESIDE - other == set()


def test_the_checkpoint_stays_as_it_is(bert: Path) -> None:
    checkpoint = Checkpoint("made", bert, "made for tests", "0", None, 0)
    before = {path.name: path.read_bytes() for path in bert.iterdir()}
    read_tokenizer(replace(checkpoint, id="other"))
    assert {path.name: path.read_bytes() for path in bert.iterdir()} == before
