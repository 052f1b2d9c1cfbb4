"""What Prometheus reads at /metrics. One registry for each application, so that tests may make several."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)

COUNTED_AT_ONCE = 256
"""Operations."""
MAX_NAMES = 200
"""Operation names that are told apart. Clients choose the names, and every name is a set of time series for ever."""
OTHER = "other"
UNNAMED = "unnamed"
SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
STATEMENTS = (0, 1, 2, 3, 5, 8, 13, 21, 34)
COSTS = (1, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)


class OperationReport(NamedTuple):
    """An operation that is over. Empty texts and a cost of 0 are not counted."""

    operation: str | None
    type: str
    transport: str
    outcome: str
    document: str
    refusal: str
    cost: int
    seconds: float
    statements: int


class Metrics:
    def __init__(self) -> None:
        # Of the process: a second series for each, which says when it began.
        disable_created_metrics()  # type: ignore[no-untyped-call]  # prometheus_client leaves it untyped
        registry = self._registry = CollectorRegistry()
        labels = ["operation", "type"]
        self.operations = Counter(
            "wingding_operations", "Operations.", [*labels, "transport", "outcome"], registry=registry
        )
        self.duration = Histogram(
            "wingding_operation_seconds",
            "Duration of queries and mutations.",
            labels,
            buckets=SECONDS,
            registry=registry,
        )
        self.statements = Histogram(
            "wingding_operation_statements",
            "SQL statements of queries and mutations.",
            labels,
            buckets=STATEMENTS,
            registry=registry,
        )
        self.cost = Histogram(
            "wingding_operation_cost",
            "What operations cost: counted while they ran, or estimated where they did not.",
            ["type"],
            buckets=COSTS,
            registry=registry,
        )
        self.refusals = Counter(
            "wingding_refusals", "Operations of which nothing was executed.", ["reason"], registry=registry
        )
        self.fallbacks = Counter(
            "wingding_engine_fallbacks",
            "Operations that the engine left to graphql-core.",
            ["reason"],
            registry=registry,
        )
        self.per_parent = Counter(
            "wingding_engine_per_parent_fields",
            "Operations with a field whose code runs for each parent.",
            ["field"],
            registry=registry,
        )
        self.documents = Counter(
            "wingding_documents", "Operations by how their text was found.", ["source"], registry=registry
        )
        self.sockets = Gauge("wingding_sockets", "Open WebSockets.", registry=registry)
        self.streams = Gauge("wingding_subscriptions", "Running subscriptions.", ["transport"], registry=registry)
        self.outbox_rows = Gauge(
            "wingding_outbox_deliveries", "Events not yet delivered.", ["consumer"], registry=registry
        )
        self.outbox_age = Gauge(
            "wingding_outbox_oldest_seconds",
            "Age of the oldest event not yet delivered.",
            ["consumer"],
            registry=registry,
        )
        self.redis = Gauge("wingding_redis_connected", "Whether live messages can arrive.", registry=registry)
        self._running = Gauge("wingding_operations_running", "Operations that run right now.", registry=registry)
        self._waiting = Gauge("wingding_operations_waiting", "Operations that wait for their turn.", registry=registry)
        self._names: set[str] = set()
        self._seen: list[OperationReport] = []

    def watch(self, *, running: Callable[[], float], waiting: Callable[[], float]) -> None:
        """Tell how many operations run and wait, whenever somebody asks."""
        self._running.set_function(running)
        self._waiting.set_function(waiting)

    def record(self, one: OperationReport) -> None:
        """Keep a report until there are many: counting them in one go takes a third of what it takes between other
        things.
        """
        self._seen.append(one)
        if len(self._seen) >= COUNTED_AT_ONCE:
            self._count()

    def _count(self) -> None:
        seen, self._seen = self._seen, []
        for one in seen:
            name = self.name(one.operation, learn=one.outcome == "ok")
            self.operations.labels(name, one.type, one.transport, one.outcome).inc()
            if one.document:
                self.documents.labels(one.document).inc()
            if one.refusal:
                self.refusals.labels(one.refusal).inc()
            if one.cost:
                self.cost.labels(one.type).observe(one.cost)
            if one.type in ("query", "mutation"):
                self.duration.labels(name, one.type).observe(one.seconds)
                self.statements.labels(name, one.type).observe(one.statements)

    def name(self, operation: str | None, *, learn: bool) -> str:
        """Return the operation's name as a label. Only an operation that worked may add its name to those told
        apart.
        """
        if not operation:
            return UNNAMED
        if operation in self._names:
            return operation
        if learn and len(self._names) < MAX_NAMES:
            self._names.add(operation)
            return operation
        return OTHER

    def text(self) -> bytes:
        self._count()
        return generate_latest(self._registry)
