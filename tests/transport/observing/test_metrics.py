"""Our counters and histograms tell what Prometheus' own would."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from transport.observing.metrics import COUNTED_AT_ONCE, LabelledCounter, LabelledHistogram, Metrics, OperationReport

BOUNDS = (0.5, 1, 2.5, 10)


def told(registry: CollectorRegistry) -> list[str]:
    lines = generate_latest(registry).decode().splitlines()
    return sorted(line for line in lines if "_created" not in line)


def test_a_counter_is_told_as_prometheus_tells_it():
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    counts = LabelledCounter("things", "Things.", ["kind", "size"], ours)
    counter = Counter("things", "Things.", ["kind", "size"], registry=theirs)

    for kind, size in [("a", "big"), ("b", 'odd "\\\n'), ("a", "big"), ("a", "small")]:
        counts.add(kind, size)
        counter.labels(kind, size).inc()

    assert told(ours) == told(theirs)


def test_a_histogram_is_told_as_prometheus_tells_it():
    ours, theirs = CollectorRegistry(), CollectorRegistry()
    spread = LabelledHistogram("seconds", "Time.", ["kind"], BOUNDS, ours)
    histogram = Histogram("seconds", "Time.", ["kind"], buckets=BOUNDS, registry=theirs)

    for value in (0, 0.5, 0.5000001, 1, 1.5, 2.5, 10, 11, 1e9):
        for kind in ("a", "b") if value < 5 else ("b",):
            spread.add(value, kind)
            histogram.labels(kind).observe(value)

    assert told(ours) == told(theirs)


def test_operations_are_counted_at_the_latest_when_somebody_asks():
    metrics = Metrics()
    one = OperationReport("Q", "query", "http", "ok", "sent", "", cost=3, seconds=0.004, statements=2)

    for _ in range(COUNTED_AT_ONCE + 5):
        metrics.record(one)
    metrics.record(one._replace(operation=None, outcome="refused", refusal="BODY_TOO_LARGE", type="none", cost=0))

    text = metrics.text().decode()
    many = COUNTED_AT_ONCE + 5
    assert f'wingding_operations_total{{operation="Q",outcome="ok",transport="http",type="query"}} {many}.0' in text
    assert f'wingding_operation_seconds_bucket{{le="0.005",operation="Q",type="query"}} {many}.0' in text
    assert f'wingding_operation_statements_sum{{operation="Q",type="query"}} {2 * many}.0' in text
    assert 'wingding_refusals_total{reason="BODY_TOO_LARGE"} 1.0' in text
    assert f'wingding_documents_total{{source="sent"}} {many + 1}.0' in text
    assert 'wingding_operation_cost_count{type="none"}' not in text
