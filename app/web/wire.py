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

from app.checks import Check
from app.errors import NotAcceptable, OutOfRange, Unprocessable
from app.limits import MOST_WRITTEN

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

AT_ONCE = 1024 * 1024
"""Numbers that are made bytes at once, in float64."""

NOT_FINITE = "Some numbers are not finite; they are given as null."
NOT_FINITE_U8 = "Some numbers are not finite; they are given as 0."


def json_bytes(value: Any) -> bytes:
    """JSON of dataclasses, numpy arrays, tensors and plain values. What is not finite becomes null."""
    return orjson.dumps(value, default=_default, option=orjson.OPT_SERIALIZE_NUMPY)


def json_response(value: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """A JSON answer whose numbers are known to be finite (counts, names), or that says where they are not."""
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
    if isinstance(value, Check):
        return value.value is not None and math.isfinite(value.value)  # None: it was not finite when it was made
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
    if math.prod(value.values.shape) > MOST_WRITTEN:
        raise Unprocessable(
            f"That is more than {MOST_WRITTEN:,} numbers, too many to write out.",
            f"Send Accept: {SAFETENSORS}, name one head, or add size=256.",
        )
    if form == "csv":
        return csv_response(array(value.values), labels)
    return answer(value, **more)


def safetensors_response(document: dict[str, Any], dtype: Dtype) -> Response:
    """`values` as the one tensor; each other field as JSON in the metadata."""
    from safetensors.numpy import save

    values = array(document.pop("values")).astype(np.float32, copy=False)
    document = with_warnings(document)
    kept, warnings = values, list(document.get("warnings", ()))
    if dtype == "f16":
        with np.errstate(over="ignore"):  # what is too large becomes infinite, and is said below
            kept = values.astype(np.float16)
    elif dtype == "u8":
        zero, scale = (0.0, 1 / 255) if document.get("bounded", True) else affine(values)
        kept = as_bytes(values, zero, scale)
        document |= {"zero": zero, "scale": scale}
    if not np.isfinite(values if dtype == "u8" else kept).all():
        said = NOT_FINITE_U8 if dtype == "u8" else NOT_FINITE
        warnings += [said] if said not in warnings else []
    if warnings:
        document["warnings"] = warnings
    metadata = {name: json_bytes(part).decode() for name, part in document.items()}
    return Response(save({"values": kept}, metadata), media_type=SAFETENSORS)


def affine(values: np.ndarray[Any, Any]) -> tuple[float, float]:
    """`zero` and `scale` such that 255 steps hold all finite values as `zero + scale * u8`, and 0 is held exactly.

    >>> affine(np.float32([0, 51])), affine(np.float32([-127, 3]))
    ((0.0, 0.2), (-127.0, 1.0))
    """
    finite = values[np.isfinite(values)].astype(np.float64)
    low, high = (float(finite.min()), float(finite.max())) if finite.size else (0.0, 0.0)
    if low >= 0:
        return 0.0, high / 255 or 1.0
    scale = max(-low, high) / 127
    return -127 * scale, scale


def as_bytes(values: np.ndarray[Any, Any], zero: float, scale: float) -> np.ndarray[Any, Any]:
    """round((values - zero) / scale), for probabilities round(255 p); what is not finite is given as a 0."""
    flat = values.reshape(-1)
    kept = np.empty(flat.shape, dtype=np.uint8)
    for start in range(0, len(flat), AT_ONCE):
        part = flat[start : start + AT_ONCE]
        steps = (np.nan_to_num(part, nan=0.0, posinf=0.0, neginf=0.0).astype(np.float64) - zero) / scale
        kept[start : start + AT_ONCE] = np.clip(np.rint(steps), 0, 255)
    return kept.reshape(values.shape)


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


def unit_labels(tokens: Tokens, units: Sequence[tuple[int, int, int, int]], edges: Sequence[int] | None) -> list[str]:
    """Names of paired tokens for CSV, by the first run: `3 animal`, or `3:6` where several pairs are pooled."""
    if edges is not None:
        return [f"{first}:{last}" for first, last in pairwise(edges)]
    return [f"{a} {''.join(token.display for token in tokens.items[a:stop])}" for a, stop, _, _ in units]


def tokens(run: Run) -> dict[str, tuple[Token, ...]]:
    """The tokens of a run by input."""
    return {name: tokens.items for name, tokens in run.tokens.items()}


def _default(value: Any) -> Any:
    if hasattr(value, "numpy"):
        return array(value)
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value)
    raise TypeError(f"{type(value).__name__} does not go on the wire")
