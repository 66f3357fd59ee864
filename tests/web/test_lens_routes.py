"""The lenses over HTTP: what an answer says of itself, what streams, and what is refused."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import get_args

import numpy as np
import pytest
from starlette.testclient import TestClient

from app.analyses.lenses import LENSES
from app.models.run import Run
from app.web.forms import Lens
from tests.made import made_run
from tests.web.stored import checked, events, serving


def runs() -> dict[str, Run]:
    found = {name: made_run(name) for name in ("bert", "llama", "gptj", "gemma2")}
    return found | {"bart": made_run("bart", target="w20 w21 w22")}


@pytest.fixture(scope="module")
def api() -> Iterator[TestClient]:
    with serving(runs(), look_budget=60) as (client, _):
        yield client


@pytest.mark.parametrize("lens", ["raw", "no-sink", "norm", "rollout", "alti", "value-zeroing", "gradient"])
def test_an_answer_says_what_it_is(api: TestClient, lens: str) -> None:
    found = checked(api.get(f"/api/runs/llama/attention?layer=1&lens={lens}"))
    assert found["lens"] == lens
    assert found["meaning"]
    assert np.array(found["values"]).shape[2:] == (10, 10)
    assert (found["heads"] == []) == (lens in ("rollout", "alti", "value-zeroing"))
    assert found["signed"] == (lens == "gradient")
    assert (found["sinks"] is not None) == (lens == "no-sink")
    assert (found["prediction"] is not None) == (lens == "gradient")
    if lens == "gradient":
        assert set(found["prediction"]) == {"position", "id", "text", "log_probability"}
        assert found["prediction"]["position"] == 9
        at = checked(api.get("/api/runs/llama/attention?layer=1&lens=gradient&position=4"))
        assert at["prediction"]["position"] == 4


def test_signed_values_come_back_from_bytes(api: TestClient) -> None:
    exact = np.array(checked(api.get("/api/runs/llama/attention?layer=1&lens=gradient"))["values"])
    body = api.get(
        "/api/runs/llama/attention?layer=1&lens=gradient&dtype=u8", headers={"accept": "application/vnd.safetensors"}
    ).content
    size = struct.unpack("<Q", body[:8])[0]
    about = json.loads(body[8 : 8 + size])["__metadata__"]
    kept = np.frombuffer(body[8 + size :], np.uint8).reshape(exact.shape)
    scale = float(about["scale"])
    assert exact.min() < 0 < exact.max()
    assert np.abs(float(about["zero"]) + scale * kept - exact).max() <= 0.51 * scale


REFUSED = {
    "bert/attention?layer=0&lens=gradient": "not-applicable",
    "gptj/attention?layer=0&lens=norm": "not-applicable",
    "gemma2/attention?layer=0&lens=alti": "not-applicable",
    "bart/attention?stack=cross&layer=0&lens=value-zeroing": "not-applicable",
    "bart/attention?stack=cross&layer=0&lens=alti": "not-applicable",
    "llama/attention?layer=0&lens=gradient&position=10": "out-of-range",
    "llama/attention?layer=0&lens=gradient&position=-1": "invalid-request",
    "llama/disagreement?lenses=raw": "invalid-request",
    "llama/disagreement?lenses=raw,rollout": "invalid-request",
    "llama/disagreement?lenses=,,,": "invalid-request",
    "llama/disagreement?layer=3": "out-of-range",
    "llama/disagreement?limit=0": "invalid-request",
    "gptj/disagreement?lenses=raw,norm": "not-applicable",
}


@pytest.mark.parametrize("path", REFUSED)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_is_refused(api: TestClient, method: str, path: str) -> None:
    answer = api.request(method, f"/api/runs/{path}")
    assert (answer.status_code, answer.json()["code"]) == (422, REFUSED[path])
    assert answer.json()["hint"]


@pytest.mark.parametrize(
    "path",
    ["attention?layer=1&lens=value-zeroing", "attention?layer=2&lens=gradient", "disagreement?lenses=raw,gradient"],
)
def test_what_takes_long_streams_and_ends_in_the_same_answer(api: TestClient, path: str) -> None:
    with serving(runs(), look_budget=1e-9) as (client, engine):
        refused = client.get(f"/api/runs/llama/{path}")
        assert (refused.status_code, refused.json()["code"]) == (409, "needs-stream")
        seen = events(client.post(f"/api/runs/llama/{path}").text)
        assert engine.long[-1]
    names = [name for name, _ in seen]
    assert names[-1] == "ready"
    assert set(names[:-1]) == {"progress"}
    assert json.loads(seen[-1][1]) == api.get(f"/api/runs/llama/{path}").json()


def test_bytes_are_not_streamed(api: TestClient) -> None:
    assert api.post("/api/runs/llama/attention?layer=1&lens=raw&dtype=u8").json()["code"] == "out-of-range"


def test_disagreement(api: TestClient) -> None:
    found = checked(api.get("/api/runs/llama/disagreement?layer=1&limit=3&lenses=raw,no-sink,norm"))
    assert [head["head"] for head in found["heads"]] == [0, 1, 2, 3]
    assert len(found["pairs"]) == 3
    assert set(found["pairs"][0]["shares"]) == {"raw", "no-sink", "norm"}
    assert found["meaning"]


def test_the_forms_name_every_lens_there_is() -> None:
    assert set(get_args(Lens)) == set(LENSES), "a lens is listed in app/web/forms.py too: give it its name there"


FOLLOWED = ["attention?layer=1", "disagreement?layer=1", "heads?null=false"]


@pytest.mark.parametrize("path", FOLLOWED)
def test_a_stream_takes_no_body_or_an_empty_object_of_json(api: TestClient, path: str) -> None:
    json_type, address = {"content-type": "application/json"}, f"/api/runs/llama/{path}"
    assert api.post(address).headers["content-type"].startswith("text/event-stream")
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert api.post(address, headers=form).status_code == 200, "a type says nothing where there is no body"
    assert api.post(address, content=" {} ", headers=json_type).status_code == 200
    for kind in ("text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-16", None):
        answer = api.post(address, content="{}", headers={"content-type": kind} if kind else {})
        assert (answer.status_code, answer.json()["code"]) == (415, "unsupported-media-type"), kind
    for content, status in [('{"layer":1}', 422), ("[]", 422), ("null", 422), ("{", 400), (" " * 600_000, 413)]:
        assert api.post(address, content=content, headers=json_type).status_code == status, content[:20]


def test_what_is_hidden_is_null_and_said(api: TestClient) -> None:
    found = checked(api.get("/api/runs/bert/attention?layer=1&hide=special,sink"))
    special = [token["index"] for token in api.get("/api/runs/bert").json()["tokens"]["encoder"] if token["special"]]
    assert found["hide"] == ["sink", "special"]
    assert found["hidden_rows"] == found["hidden_cols"] == special
    assert all(value is None for at in special for row in found["values"][0][0] for value in [row[at]])
    assert found["warnings"]
    refused = api.get("/api/runs/bert/attention?layer=1&hide=everything")
    assert refused.status_code == 422
    assert "special and sink" in refused.json()["hint"]
