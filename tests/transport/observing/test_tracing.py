"""Spans where a collector is configured."""

from __future__ import annotations

from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from schema.core.context import Caller, Context
from transport.observing.metrics import Metrics
from transport.observing.otel import OpenTelemetry
from transport.observing.tracing import traceparent
from transport.operations.operations import Operations
from transport.operations.requests import Parameters

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"


async def test_an_operation_is_a_span_of_the_callers_trace(schema, ports):
    exporter = InMemorySpanExporter()
    tracing = OpenTelemetry("http://127.0.0.1:1", exporter=exporter)
    operations = Operations(schema, Metrics(), tracing, timeout=5)
    traceparent.set(f"00-{TRACE}-{PARENT}-01")

    with operations.observing("http") as seen:
        operation = await operations.prepare(Parameters("query Named { __typename }", None, None), seen, "")
        await operations.run(operation, Context(ports=ports, caller=Caller()), seen)
    tracing.shutdown()

    (span,) = exporter.get_finished_spans()
    assert span.name == "query Named"
    assert f"{span.context.trace_id:032x}" == TRACE
    assert span.parent is not None and f"{span.parent.span_id:016x}" == PARENT
    assert span.attributes["graphql.operation.type"] == "query"
