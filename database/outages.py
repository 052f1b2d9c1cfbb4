"""How PostgreSQL shows that it cannot serve right now, through SQLAlchemy and past it."""

from __future__ import annotations

from collections.abc import Iterator

import asyncpg
from sqlalchemy import exc


class Contended(Exception):
    """What a rule had looked at changed again and again before it could write."""


class Busy(Exception):
    """More is asked for than can be done in time."""


LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""How asyncpg says that a connection is gone. `OSError` has refused connections, missing sockets, unknown hosts and
time-outs among its subclasses."""

TRIED_AGAIN = (exc.TimeoutError, exc.PendingRollbackError, asyncpg.InvalidCachedStatementError, Contended, Busy)
"""What else passes: no free connection, a transaction whose connection was lost, a table that was migrated."""
AWAY_CLASSES = ("08", "53", "57P", "58")
"""SQLSTATEs by their beginning: connections, resources that ran out (connections too), shutting down and starting up,
faults of the machine."""
CANCELLED = "57014"
"""A statement that took longer than STATEMENT_TIMEOUT."""
AWAY_STATES = frozenset({"25006", "25P03", "25P04", "40001", "40P01", "55P03", CANCELLED})
"""Others after which the same may be tried again: a server that only reads since another took over, a transaction ended
for its age, lost races for locks."""


def is_outage(error: BaseException | None) -> bool:
    """Whether an exception says that the database cannot serve right now, so that the same may be tried again."""
    return any(_is_away(one) for one in _chain(error))


def is_cancelled_statement(error: BaseException | None) -> bool:
    """Whether PostgreSQL gave up a statement that took too long."""
    return any(_state(one) == CANCELLED for one in _chain(error))


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    """Return the exception and those that it wraps. SQLAlchemy's have the driver's own as `orig`, which has asyncpg's
    as its cause."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        yield error
        orig = getattr(error, "orig", None)
        error = orig if isinstance(orig, BaseException) else error.__cause__


def _is_away(error: BaseException) -> bool:
    if isinstance(error, exc.DBAPIError):
        return error.connection_invalidated
    if isinstance(error, (*LOST, *TRIED_AGAIN)):
        return True
    state = _state(error)
    return state is not None and (state in AWAY_STATES or state.startswith(AWAY_CLASSES))


def _state(error: BaseException) -> str | None:
    return getattr(error, "sqlstate", None)
