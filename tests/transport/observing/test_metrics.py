"""What /metrics tells of operations."""

from __future__ import annotations

from transport.observing.metrics import COUNTED_AT_ONCE, Metrics, OperationReport


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
    assert 'wingding_operation_seconds_bucket{le="0.002",operation="Q",type="query"} 0.0' in text
    assert f'wingding_operation_seconds_count{{operation="Q",type="query"}} {many}.0' in text


def test_a_value_on_a_bound_belongs_to_the_part_below_it():
    metrics = Metrics()
    for statements in (0, 1, 3, 4, 34, 35):
        metrics.record(
            OperationReport("Q", "query", "http", "ok", "sent", "", cost=3, seconds=0.004, statements=statements)
        )

    text = metrics.text().decode()
    counts = {"0.0": 1, "1.0": 2, "2.0": 2, "3.0": 3, "5.0": 4, "34.0": 5, "+Inf": 6}
    for bound, count in counts.items():
        assert f'wingding_operation_statements_bucket{{le="{bound}",operation="Q",type="query"}} {count}.0' in text


def test_no_series_says_when_a_series_began():
    metrics = Metrics()
    metrics.record(OperationReport("Q", "query", "http", "ok", "sent", "", cost=3, seconds=0.004, statements=2))

    assert b"_created" not in metrics.text()
