"""What is said about an operation when it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

from database import StatementLog, statements
from transport.operations.results import Result


@dataclass(slots=True)
class Observation:
    """What is said about one operation when it is over."""

    transport: str
    started: float = field(default_factory=perf_counter)
    statements: StatementLog = field(default_factory=StatementLog)
    name: str | None = None
    type: str = "none"
    viewer_id: Any = None
    outcome: str = "ok"
    items: int = 0
    is_over: bool = True
    """False where the operation goes on after `observing`: who goes on with it reports."""
    cost: int = 0
    """As estimated before."""
    actual: int | None = None
    """As counted while it ran; null where nothing was executed."""
    payer: str = ""
    remaining: int | None = None
    document: str = ""
    refusal: str = ""

    def refused(self, error: dict[str, Any]) -> None:
        """Nothing was executed; `error` says why, as the client is told."""
        self.outcome = "refused"
        extensions = error.get("extensions", {})
        self.refusal = extensions.get("reason") or extensions.get("code", "")

    def record(self, result: Result) -> None:
        if "errors" in result.body:
            self.outcome = "internal_error" if "INTERNAL" in result.codes else "error"


class OperationObserver:
    """Counts the statements of one operation, and reports when it is over."""

    __slots__ = ("_report", "_seen", "_token")

    def __init__(self, transport: str, report: Callable[[Observation], None]) -> None:
        self._report = report
        self._seen = Observation(transport)

    def __enter__(self) -> Observation:
        self._token = statements.set(self._seen.statements)
        return self._seen

    def __exit__(self, kind: type[BaseException] | None, _error: object, _traceback: object) -> None:
        statements.reset(self._token)
        if kind is not None and issubclass(kind, asyncio.CancelledError):
            self._seen.outcome = "cancelled"
        if self._seen.is_over:
            self._report(self._seen)
