"""What `GET /metrics` tells Prometheus: requests by route and status, how long they took, and the engine's own counts.

Everything hangs on one registry per application; there is no process-wide one.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SECONDS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
UNMATCHED = "(none)"


class Metrics:
    """The metrics of one application. `engine_counts` gives the engine's numbers by name, when asked."""

    def __init__(self, engine_counts: Callable[[], Mapping[str, float]]) -> None:
        self.registry = CollectorRegistry()
        self.requests = Counter(
            "headlight_requests", "Requests answered.", ("route", "method", "status"), registry=self.registry
        )
        self.seconds = Histogram(
            "headlight_request_seconds", "Time to answer.", ("route",), buckets=SECONDS, registry=self.registry
        )
        self.registry.register(EngineCounts(engine_counts))

    def text(self) -> bytes:
        """The exposition format of Prometheus."""
        return generate_latest(self.registry)


class EngineCounts(Collector):
    """The engine's numbers, read at each scrape, as `headlight_<name>`."""

    def __init__(self, counts: Callable[[], Mapping[str, float]]) -> None:
        self.counts = counts

    def collect(self) -> Iterable[Metric]:
        for name, value in self.counts().items():
            yield GaugeMetricFamily(f"headlight_{name}", name.replace("_", " "), value)


class MetricsMiddleware:
    """Counts each answer under the pattern of its route, never under the address itself."""

    def __init__(self, app: ASGIApp, metrics: Metrics) -> None:
        self.app, self.metrics = app, metrics

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        begun, status = time.perf_counter(), 499

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self.app(scope, receive, watch)
        finally:
            route = route_of(scope)
            method = scope["method"] if route != UNMATCHED else UNMATCHED
            self.metrics.requests.labels(route, method, str(status)).inc()
            self.metrics.seconds.labels(route).observe(time.perf_counter() - begun)


def route_of(scope: Scope) -> str:
    """The pattern that matched, such as `/api/runs/{run}`: a bounded number of labels, whatever is asked."""
    return str(getattr(scope.get("route"), "path", UNMATCHED))
