"""Which statements an operation ran: counted always, told on request, stopped at its end."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass
class StatementLog:
    """Statements of one operation: counted always, kept only where `texts` is a list.

    `tasks` are those that read for it right now. A loader's batch runs in a task of its own, which nobody who waits
    for it would cancel.
    """

    count: int = 0
    texts: list[str] | None = None
    tasks: set[asyncio.Task[Any]] = field(default_factory=set)

    def saw(self, text: str) -> None:
        self.count += 1
        if self.texts is not None:
            self.texts.append(text)

    def cancel(self) -> None:
        """Stop what still runs for the operation. PostgreSQL is told, too."""
        for task in self.tasks - {asyncio.current_task()}:
            task.cancel()


@dataclass(frozen=True)
class Read:
    """One compiled SELECT that was run."""

    sql: str
    rows: int
    milliseconds: float


reads: ContextVar[list[Read] | None] = ContextVar("reads", default=None)
"""Where someone wants to know of each."""

statements: ContextVar[StatementLog | None] = ContextVar("statements", default=None)


def count_statement(_c: Any, _cursor: Any, statement: str, _p: Any, _context: Any, _many: bool) -> None:
    if (recorder := statements.get()) is not None:
        recorder.saw(statement)


@contextmanager
def noted() -> Iterator[StatementLog | None]:
    """Note that this task reads for its operation now, so the operation's end is its end."""
    recorder, task = statements.get(), asyncio.current_task()
    if recorder is not None and task is not None:
        recorder.tasks.add(task)
    try:
        yield recorder
    finally:
        if recorder is not None and task is not None:
            recorder.tasks.discard(task)
