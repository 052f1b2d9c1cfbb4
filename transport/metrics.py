"""What Prometheus reads at /metrics. One registry for each application, so that tests may make several."""

from __future__ import annotations

from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

MAX_NAMES = 200
"""Operation names that are told apart. Clients choose the names, and every name is a set of time series for ever."""
OTHER = "other"
UNNAMED = "unnamed"
SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
STATEMENTS = (0, 1, 2, 3, 5, 8, 13, 21, 34)
COSTS = (1, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)


class Metrics:
    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        labels = ["operation", "type"]
        self.operations = Counter(
            "wingding_operations", "Operations.", [*labels, "transport", "outcome"], registry=self._registry
        )
        self.duration = Histogram(
            "wingding_operation_seconds",
            "Duration of queries and mutations.",
            labels,
            buckets=SECONDS,
            registry=self._registry,
        )
        self.statements = Histogram(
            "wingding_operation_statements",
            "SQL statements of queries and mutations.",
            labels,
            buckets=STATEMENTS,
            registry=self._registry,
        )
        self.cost = Histogram(
            "wingding_operation_cost",
            "Cost counted before an operation runs, or is refused.",
            ["type"],
            buckets=COSTS,
            registry=self._registry,
        )
        self.refusals = Counter(
            "wingding_refusals", "Operations of which nothing was executed.", ["reason"], registry=self._registry
        )
        self.fallbacks = Counter(
            "wingding_engine_fallbacks",
            "Operations that the engine left to graphql-core.",
            ["reason"],
            registry=self._registry,
        )
        self.documents = Counter(
            "wingding_documents", "Operations by how their text was found.", ["source"], registry=self._registry
        )
        self.sockets = Gauge("wingding_sockets", "Open WebSockets.", registry=self._registry)
        self.streams = Gauge("wingding_subscriptions", "Running subscriptions.", ["transport"], registry=self._registry)
        self.outbox_rows = Gauge(
            "wingding_outbox_deliveries", "Events not yet delivered.", ["consumer"], registry=self._registry
        )
        self.outbox_age = Gauge(
            "wingding_outbox_oldest_seconds",
            "Age of the oldest event not yet delivered.",
            ["consumer"],
            registry=self._registry,
        )
        self.redis = Gauge("wingding_redis_connected", "Whether live messages can arrive.", registry=self._registry)
        self._names: set[str] = set()
        self._series: dict[Any, Any] = {}

    def _of(self, metric: Any, *labels: str) -> Any:
        """One time series. Prometheus' own way to it checks every label again."""
        found = self._series.get((metric, labels))
        if found is None:
            found = self._series[metric, labels] = metric.labels(*labels)
        return found

    def count(self, metric: Counter, *labels: str) -> None:
        self._of(metric, *labels).inc()

    def observe(self, metric: Histogram, value: float, *labels: str) -> None:
        self._of(metric, *labels).observe(value)

    def name(self, operation: str | None, *, learn: bool) -> str:
        """The operation's name as a label. Only an operation that worked may add its name to those told apart."""
        if not operation:
            return UNNAMED
        if operation in self._names:
            return operation
        if learn and len(self._names) < MAX_NAMES:
            self._names.add(operation)
            return operation
        return OTHER

    def text(self) -> bytes:
        return generate_latest(self._registry)
