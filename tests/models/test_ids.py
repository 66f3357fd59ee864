"""What a model may be called, and that nothing else is: an id ends up in folder names and addresses."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from app.errors import ModelIdInvalid
from app.models.ids import ModelId, parse_id
from app.settings import Settings, is_model_name

COMMIT = "0123456789abcdef0123456789abcdef01234567"

GOOD = {
    "minilm": ModelId("minilm"),
    "my.model_2-b": ModelId("my.model_2-b"),
    "openai-community/gpt2": ModelId("gpt2", "openai-community"),
    "google-t5/t5-small@main": ModelId("t5-small", "google-t5", "main"),
    "a/b@v1.0": ModelId("b", "a", "v1.0"),
    "a/b@refs/pr/12": ModelId("b", "a", "refs/pr/12"),
    f"a/b@{COMMIT}": ModelId("b", "a", COMMIT),
}

BAD = [
    "", " ", ".", "..", "/", "//", "a/", "/a", "a//b", "a/b/c", "../a", "a/..", "a/../b", "./a", "~/a", "~",
    "/etc/passwd", "a\\b", "\\\\host\\share", "C:\\models", "C:/models", "c:a", "file:///etc", "https://huggingface.co/a/b",
    "http://[::1]/a", "a/b?x=1", "a/b#x", "a b", "a/b\n", "a\x00b", "a/b@", "a@main", "@main", "a/b@../x", "a/b@a/b",
    "a/b@main@main", "a/b@x..y", "a/b@-x", "a--b/c", "a..b/c", ".git/x", "a/b.git", "-a/b", "a/-b", "a/b-", "a/b.",
    "ä/b", "a/b＠main", "%2e%2e/a", "a/%00", "<img src=x>", "a/b@refs/pr/x", "a/b@refs/heads/main", "модель",
    "x" * 97, "a/" + "b" * 95, "a/b@" + "c" * 65, "a" * 10_000,
]  # fmt: skip


@pytest.mark.parametrize("text", GOOD)
def test_ids(text: str) -> None:
    assert parse_id(text) == GOOD[text]
    assert str(parse_id(text)) == text


@pytest.mark.parametrize("text", BAD)
def test_what_is_no_id(text: str) -> None:
    with pytest.raises(ModelIdInvalid) as caught:
        parse_id(text)
    said = caught.value.detail + caught.value.hint
    assert len(text) < 4 or text not in said


@given(st.text())
def test_an_id_is_made_of_harmless_characters(text: str) -> None:
    try:
        parsed = parse_id(text)
    except ModelIdInvalid:
        return
    assert str(parsed) == text
    assert text.isascii()
    assert ".." not in text
    assert not set(text) - set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/@")


def test_the_longest_that_the_hub_allows() -> None:
    assert parse_id("a/" + "b" * 94).name == "b" * 94
    assert parse_id("x" * 96).name == "x" * 96


def test_only_a_commit_is_pinned() -> None:
    assert [parse_id(text).pinned for text in ("a/b", "a/b@main", f"a/b@{COMMIT}")] == [False, False, True]


def test_names_of_folders() -> None:
    assert is_model_name("my-model")
    assert not any(is_model_name(name) for name in ("a/b", "..", "", "a b", "a@b"))


@pytest.mark.parametrize("name", ["a/b", "..", "", "a b", "a@b", "-x", "x.git", "a--b", "x" * 97, "C:", "a\n"])
def test_an_operators_folder_has_a_name_that_can_be_asked_for(name: str, tmp_path: Path) -> None:
    with pytest.raises(ValidationError):
        Settings(models={"fine": tmp_path, name: tmp_path})
    assert set(Settings(models={"fine": tmp_path, "my-model_2.0": tmp_path}).models) == {"fine", "my-model_2.0"}
