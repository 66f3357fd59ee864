"""Answers on the wire: JSON by orjson, tensors as safetensors, one matrix as CSV; the same numbers in all three.

A dataclass answers with its own field names. Numbers are finite or null: what is not is written as
null, and an entry of `warnings` says so. Nothing here imports torch; a tensor is anything with `numpy()`.
"""

from __future__ import annotations

import csv
import dataclasses
import io
import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import orjson
from starlette.responses import Response

from app.errors import NotAcceptable, OutOfRange

if TYPE_CHECKING:
    from app.analyses.attention import AttentionAnswer
    from app.models.run import Run
    from app.tokens.token import Token, Tokens

Format = Literal["json", "safetensors", "csv"]
Dtype = Literal["f32", "f16", "u8"]
Labels = tuple[Sequence[str], Sequence[str]]

JSON = "application/json"
SAFETENSORS = "application/vnd.safetensors"
CSV = "text/csv"
MEDIA_TYPES: dict[str, Format] = {JSON: "json", SAFETENSORS: "safetensors", CSV: "csv"}

NOT_FINITE = "Some numbers are not finite; they are given as null."
NOT_FINITE_U8 = "Some numbers are not finite; they are given as 0."


def json_bytes(value: Any) -> bytes:
    """JSON of dataclasses, numpy arrays, tensors and plain values. What is not finite becomes null."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_SERIALIZE_NUMPY)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer whose numbers are known to be finite (counts, tokens, checks)."""
    return Response(json_bytes(value), status, dict(headers or {}), JSON)


def answer(value: Any, status: int = 200, **more: Any) -> Response:
    """A computed answer (a dataclass of numbers and arrays): it says so when a number is not finite."""
    return json_response(with_warnings(fields(value) | more), status)


def fields(value: Any) -> dict[str, Any]:
    """The fields of a dataclass by name, one level deep: arrays are not copied."""
    return {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}


def with_warnings(document: dict[str, Any]) -> dict[str, Any]:
    """The document, with an entry in its `warnings` where a number in it is not finite."""
    warnings = list(document.get("warnings", ()))
    if not is_finite({name: value for name, value in document.items() if name != "warnings"}):
        warnings.append(NOT_FINITE)
    return document | {"warnings": warnings} if warnings else document


def is_finite(value: Any) -> bool:
    """Is every number in there finite?"""
    if isinstance(value, float):
        return math.isfinite(value)
    if value is None or isinstance(value, str | int):
        return True
    if isinstance(value, Mapping):
        return all(is_finite(part) for part in value.values())
    if isinstance(value, list | tuple):
        return all(is_finite(part) for part in value)
    if dataclasses.is_dataclass(value):
        return is_finite(fields(value))
    return bool(np.isfinite(array(value)).all())


def array(value: Any) -> np.ndarray[Any, Any]:
    """A numpy array of a tensor or an array, contiguous, as orjson and safetensors want it."""
    return np.ascontiguousarray(value.numpy() if hasattr(value, "numpy") else value)


def accepted(accept: str | None, offered: Sequence[str] = tuple(MEDIA_TYPES)) -> Format:
    """The format that an Accept header prefers; JSON where it does not say. Raises NotAcceptable.

    >>> accepted("text/csv;q=0.5, application/json;q=0.4"), accepted("*/*"), accepted(None)
    ('csv', 'json', 'json')
    """
    if not accept or not accept.strip():
        return "json"
    weights = dict.fromkeys(offered, 0.0)
    precise = dict.fromkeys(offered, -1)
    for part in accept.split(","):
        media, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weight = next((_weight(piece[2:]) for piece in parameters if piece.startswith("q=")), 1.0)
        for name in offered:
            rank = (media == "*/*", media == f"{name.split('/')[0]}/*", media == name)
            if any(rank) and rank.index(True) > precise[name]:
                weights[name], precise[name] = weight, rank.index(True)
    best = max(offered, key=lambda name: weights[name])
    if weights[best] <= 0:
        raise NotAcceptable("None of the accepted formats can be given.", f"Accept one of {', '.join(offered)}.")
    return MEDIA_TYPES[best]


def _weight(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0


def matrices(value: Any, form: Format, dtype: Dtype, labels: Labels, **more: Any) -> Response:
    """An answer with `values` [layers, heads, rows, cols] in the format asked for.

    `labels` name the rows and columns in CSV. Raises OutOfRange for a dtype that JSON and CSV do not
    have, NotAcceptable where there is more than one matrix for CSV.
    """
    if form == "safetensors":
        return safetensors_response(fields(value) | more, dtype)
    if dtype != "f32":
        raise OutOfRange("Only safetensors has this dtype.", f"Send Accept: {SAFETENSORS}, or leave dtype out.")
    if form == "csv":
        return csv_response(array(value.values), labels)
    return answer(value, **more)


def safetensors_response(document: dict[str, Any], dtype: Dtype) -> Response:
    """`values` as the one tensor; each other field as JSON in the metadata."""
    from safetensors.numpy import save

    values = array(document.pop("values")).astype(np.float32, copy=False)
    finite = bool(np.isfinite(values).all())
    warnings = list(document.get("warnings", ()))
    if not finite:
        warnings.append(NOT_FINITE_U8 if dtype == "u8" else NOT_FINITE)
    if warnings:
        document["warnings"] = warnings
    if dtype == "u8":
        document |= {"zero": 0.0, "scale": 1 / 255}
    metadata = {name: json_bytes(part).decode() for name, part in document.items()}
    return Response(save({"values": _encoded(values, dtype)}, metadata), media_type=SAFETENSORS)


def _encoded(values: np.ndarray[Any, Any], dtype: Dtype) -> np.ndarray[Any, Any]:
    """f32 as they are; f16 rounded; u8 the probability p as round(255 p), and 0 for what is not finite."""
    if dtype == "u8":
        scaled = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0) * np.float32(255)
        return np.asarray(np.clip(np.rint(scaled), 0, 255), dtype=np.uint8)
    return values.astype(np.float16) if dtype == "f16" else values


def csv_response(values: np.ndarray[Any, Any], labels: Labels) -> Response:
    """One matrix as CSV."""
    return Response(csv_text(values, labels).encode(), media_type=f"{CSV}; charset=utf-8")


def csv_text(values: Any, labels: Labels) -> str:
    """One matrix [.., rows, cols]: a header of keys, a query at the head of each row; null is an empty cell."""
    numbers = array(values)
    if math.prod(numbers.shape[:-2]) != 1:
        raise NotAcceptable("CSV holds one matrix, and this answer has several.", "Name one layer and one head.")
    rows, cols = labels
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\r\n")
    writer.writerow(["query \\ key", *cols])
    for label, row in zip(rows, numbers.reshape(numbers.shape[-2:]), strict=True):
        writer.writerow([label, *json_bytes(row)[1:-1].decode().replace("null", "").split(",")])
    return text.getvalue()


def labels(run: Run, answer: AttentionAnswer) -> Labels:
    """Names of rows and columns for CSV: `3 animal`, or `3:6` where several are pooled.

    A label begins with a digit, so that no spreadsheet takes a token for a formula.
    """
    queries, keys = run.tokens_of(answer.stack)
    return _axis(queries, answer.rows, answer.row_edges), _axis(keys, answer.cols, answer.col_edges)


def _axis(tokens: Tokens, span: tuple[int, int], edges: Sequence[int] | None) -> list[str]:
    if edges is None:
        return [f"{token.index} {token.display}" for token in tokens.items[span[0] : span[1]]]
    return [f"{first}:{last}" for first, last in pairwise(edges)]


def tokens(run: Run) -> dict[str, tuple[Token, ...]]:
    """The tokens of a run by input."""
    return {name: tokens.items for name, tokens in run.tokens.items()}


def _default(value: Any) -> Any:
    if hasattr(value, "numpy"):
        return array(value)
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value)
    raise TypeError(f"{type(value).__name__} does not go on the wire")
