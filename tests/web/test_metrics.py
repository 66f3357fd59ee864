"""What Prometheus is told."""

from __future__ import annotations

import re

from starlette.testclient import TestClient


def test_requests_are_counted_by_route_and_status(client: TestClient) -> None:
    client.get("/api/runs/one")
    client.get("/api/runs/two")
    client.get("/api/whatever/evil")
    client.request("WEIRD", "/other")
    client.get("/api/health", headers={"host": "evil.example"})
    answer = client.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    text = answer.text
    assert 'headlight_requests_total{method="GET",route="/api/runs/{run}",status="404"} 2.0' in text
    assert 'route="(none)",status="404"' in text
    assert 'status="421"' in text
    assert "evil" not in text
    assert "WEIRD" not in text
    assert re.search(r'headlight_request_seconds_bucket\{le="[0-9.]+",route="/api/runs/\{run\}"\}', text)
    assert "headlight_runs_stored 0.0" in text


def test_each_application_has_metrics_of_its_own(settings, engine) -> None:
    from app.server import create_app
    from tests.web.conftest import resolved

    create_app(settings, resolved(engine))
    create_app(settings, resolved(engine))
