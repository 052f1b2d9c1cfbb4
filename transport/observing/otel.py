"""Spans by OpenTelemetry. Imported only where a collector is configured: the SDK takes a while to load."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExporter
from opentelemetry.trace import SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from transport.observing.tracing import traceparent


class OpenTelemetry:
    """A provider of our own, not the global one: several applications may live in one process."""

    def __init__(self, endpoint: str, *, exporter: SpanExporter | None = None) -> None:
        self._provider = TracerProvider(resource=Resource.create({"service.name": "wingding"}))
        exporter = exporter or OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces")
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("wingding")
        self._propagator = TraceContextTextMapPropagator()

    @contextmanager
    def span(self, name: str | None, kind: str) -> Iterator[None]:
        parent = self._propagator.extract({"traceparent": traceparent.get()})
        attributes = {"graphql.operation.type": kind, "graphql.operation.name": name or ""}
        title = f"{kind} {name}" if name else kind
        with self._tracer.start_as_current_span(title, parent, kind=SpanKind.SERVER, attributes=attributes):
            yield

    def shutdown(self) -> None:
        self._provider.shutdown()
