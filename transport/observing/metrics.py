"""What Prometheus reads at /metrics. One registry for each application, so that tests may make several."""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import NamedTuple

from prometheus_client import CollectorRegistry, Gauge, generate_latest
from prometheus_client.metrics_core import CounterMetricFamily, HistogramMetricFamily, Metric

COUNTED_AT_ONCE = 256
"""Operations."""
MAX_NAMES = 200
"""Operation names that are told apart. Clients choose the names, and every name is a set of time series for ever."""
OTHER = "other"
UNNAMED = "unnamed"
SECONDS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0)
STATEMENTS = (0, 1, 2, 3, 5, 8, 13, 21, 34)
COSTS = (1, 10, 30, 100, 300, 1_000, 3_000, 10_000, 30_000, 100_000)


class LabelledCounter:
    """A counter. Prometheus' own locks and checks its labels each time, which took longer than what was counted."""

    def __init__(self, name: str, about: str, labels: Sequence[str], registry: CollectorRegistry) -> None:
        self._family = (name, about, labels)
        self._found: defaultdict[tuple[str, ...], int] = defaultdict(int)
        registry.register(self)

    def add(self, *labels: str) -> None:
        self._found[labels] += 1

    def collect(self) -> Iterator[Metric]:
        name, about, labels = self._family
        family = CounterMetricFamily(name, about, labels=labels)
        for values, count in self._found.items():
            family.add_metric(values, count)
        yield family


class LabelledHistogram:
    """A histogram, likewise; `bounds` belong to the part below them."""

    def __init__(
        self, name: str, about: str, labels: Sequence[str], bounds: Sequence[float], registry: CollectorRegistry
    ) -> None:
        self._family = (name, about, labels)
        self._bounds = bounds
        self._found: dict[tuple[str, ...], tuple[list[int], list[float]]] = {}
        registry.register(self)

    def add(self, value: float, *labels: str) -> None:
        found = self._found.get(labels)
        if found is None:
            found = self._found[labels] = ([0] * (len(self._bounds) + 1), [0.0])
        counts, total = found
        counts[bisect_left(self._bounds, value)] += 1
        total[0] += value

    def collect(self) -> Iterator[Metric]:
        name, about, labels = self._family
        family = HistogramMetricFamily(name, about, labels=labels)
        bounds = [*(str(float(bound)) for bound in self._bounds), "+Inf"]
        for values, (counts, total) in self._found.items():
            family.add_metric(values, list(zip(bounds, accumulate(counts), strict=True)), total[0])
        yield family


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
        registry = self._registry = CollectorRegistry()
        labels = ["operation", "type"]
        self.operations = LabelledCounter(
            "wingding_operations", "Operations.", [*labels, "transport", "outcome"], registry
        )
        self.duration = LabelledHistogram(
            "wingding_operation_seconds", "Duration of queries and mutations.", labels, SECONDS, registry
        )
        self.statements = LabelledHistogram(
            "wingding_operation_statements", "SQL statements of queries and mutations.", labels, STATEMENTS, registry
        )
        self.cost = LabelledHistogram(
            "wingding_operation_cost",
            "What operations cost: counted while they ran, or estimated where they did not.",
            ["type"],
            COSTS,
            registry,
        )
        self.refusals = LabelledCounter(
            "wingding_refusals", "Operations of which nothing was executed.", ["reason"], registry
        )
        self.fallbacks = LabelledCounter(
            "wingding_engine_fallbacks", "Operations that the engine left to graphql-core.", ["reason"], registry
        )
        self.per_parent = LabelledCounter(
            "wingding_engine_per_parent_fields",
            "Operations with a field whose code runs for each parent.",
            ["field"],
            registry,
        )
        self.documents = LabelledCounter(
            "wingding_documents", "Operations by how their text was found.", ["source"], registry
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
        """Counting waits until there are many: in one go it takes a third of what it takes between other things."""
        self._seen.append(one)
        if len(self._seen) >= COUNTED_AT_ONCE:
            self._count()

    def _count(self) -> None:
        seen, self._seen = self._seen, []
        for one in seen:
            name = self.name(one.operation, learn=one.outcome == "ok")
            self.operations.add(name, one.type, one.transport, one.outcome)
            if one.document:
                self.documents.add(one.document)
            if one.refusal:
                self.refusals.add(one.refusal)
            if one.cost:
                self.cost.add(one.cost, one.type)
            if one.type in ("query", "mutation"):
                self.duration.add(one.seconds, name, one.type)
                self.statements.add(one.statements, name, one.type)

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
        self._count()
        return generate_latest(self._registry)
