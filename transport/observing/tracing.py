"""Traces: W3C trace context (https://www.w3.org/TR/trace-context/), and spans where a collector is configured."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

TRACEPARENT = re.compile(r"00-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")

traceparent: ContextVar[str] = ContextVar("traceparent", default="")
"""The caller's trace context, as it came."""
marks: ContextVar[Mapping[str, str] | None] = ContextVar("marks", default=None)
"""`request_id` and `trace_id`, which stand in every line that is logged for a request."""


class Tracing(Protocol):
    """What sends spans somewhere. None where no collector is configured: then nothing is spent on it."""

    @contextmanager
    def span(self, name: str | None, kind: str) -> Iterator[None]: ...

    def shutdown(self) -> None: ...


def trace_id_of(header: str) -> str | None:
    """Return the trace id in a `traceparent` header; null for one that is not valid."""
    found = TRACEPARENT.fullmatch(header)
    if found is None or not int(found[1], 16) or not int(found[2], 16):
        return None
    return found[1]
