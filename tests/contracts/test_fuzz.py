"""Requests made up from /openapi.json, right ones and wrong ones: never a 500, always a problem, and it goes on."""

from __future__ import annotations

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from starlette.testclient import TestClient

from app.server import create_app
from app.settings import Settings
from app.web.openapi import PROBLEM_SCHEMA
from tests.contracts.conftest import HOME
from tests.web.conftest import resolved

pytestmark = pytest.mark.real

MODELS = ("minilm", "nobody", "org/name", "../x", "")
QUIET = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.filter_too_much]

described = create_app(Settings(warm=False), resolved(None)).openapi()
config = schemathesis.Config.from_dict({"generation": {"mode": "all"}})
schema = schemathesis.openapi.from_dict(described, config=config)


def check_answer(answer: Any) -> None:
    """Not a server's mistake; what is refused is a problem document of the same status."""
    assert answer.status_code != 500
    assert answer.headers["content-security-policy"]
    if answer.status_code >= 400:
        assert answer.headers["content-type"] == "application/problem+json"
        problem = answer.json()
        assert set(PROBLEM_SCHEMA["required"]) <= set(problem)
        assert problem["status"] == answer.status_code
        assert all(isinstance(problem[name], str) for name in ("code", "title", "detail", "hint"))


@schema.parametrize()
@settings(max_examples=20, deadline=None, suppress_health_check=QUIET, derandomize=True)
def test_made_up_requests(case: Case, api: TestClient, run: dict[str, Any]) -> None:
    if isinstance(case.body, dict) and isinstance(case.body.get("model"), str):
        case.body["model"] = MODELS[len(case.body["model"]) % len(MODELS)]
    path = case.path_parameters
    if path and isinstance(path.get("run"), str) and len(path["run"]) % 2:
        path["run"] = run["run"]
    sent = case.as_transport_kwargs(base_url=HOME)
    names = {
        "method": "method",
        "url": "url",
        "params": "params",
        "headers": "headers",
        "json": "json",
        "data": "content",
    }
    kept = {names[name]: value for name, value in sent.items() if name in names and value is not None}
    answer = api.request(**kept)
    check_answer(answer)
    if case.meta is not None and case.meta.generation.mode is GenerationMode.NEGATIVE and answer.status_code < 400:
        assert case.method != "POST", "a wrong body was taken"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
fields = st.fixed_dictionaries(
    {"model": st.sampled_from(MODELS) | json_values, "text": st.text(max_size=60) | json_values},
    optional=dict.fromkeys(("pair", "target", "layer", "head", "stack", "lens", "trace", "more"), json_values),
)


@given(path=st.sampled_from(["/api/runs", "/api/tokenize", "/api/attention"]), body=fields)
@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
def test_any_json(api: TestClient, path: str, body: dict[str, Any]) -> None:
    check_answer(api.post(path, json=body))


@given(path=st.sampled_from(["/api/runs", "/api/models/load", "/login", "/"]), body=st.binary(max_size=300))
@settings(max_examples=100, deadline=None, suppress_health_check=QUIET)
def test_any_bytes(api: TestClient, path: str, body: bytes) -> None:
    check_answer(api.post(path, content=body, headers={"content-type": "application/json"}, follow_redirects=False))


@given(text=st.text(min_size=1, max_size=80), pair=st.none() | st.text(min_size=1, max_size=20))
@settings(max_examples=100, deadline=None, suppress_health_check=QUIET)
def test_any_text_is_run_and_every_check_holds(api: TestClient, text: str, pair: str | None) -> None:
    answer = api.post("/api/runs", json={"model": "minilm", "text": text, "pair": pair})
    check_answer(answer)
    if answer.status_code < 400:
        assert all(check["ok"] for check in answer.json()["checks"])


words = st.sampled_from(["0:4", "3:1", "max", "mean", "raw", "rollout", "word", "u8", "encoder", "a:b"])
names = st.sampled_from(["layer", "head", "rows", "cols", "size", "pool", "lens", "group", "dtype", "stack", "x"])
values = st.integers(-3, 20).map(str) | words | st.text(max_size=8)


@given(query=st.dictionaries(names, values, max_size=6))
@settings(max_examples=150, deadline=None, suppress_health_check=QUIET)
def test_any_question(api: TestClient, run: dict[str, Any], query: dict[str, str]) -> None:
    for accept in ("application/json", "application/vnd.safetensors", "text/csv"):
        check_answer(api.get(f"/api/runs/{run['run']}/attention", params=query, headers={"accept": accept}))


def test_it_still_answers(api: TestClient) -> None:
    assert api.get("/api/ready").status_code == 200
    assert api.post("/api/runs", json={"model": "minilm", "text": "still here"}).status_code in (200, 201)
