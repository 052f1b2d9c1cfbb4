"""The unit of work (a transaction), and the races that constraints decide. `once.py` is the other way to write."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

import asyncpg
from sqlalchemy import ARRAY, Insert, bindparam, column, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncSession

from database.recording import SINK, consumers_of
from database.statement_log import noted
from errors import UserError
from models import DomainEvent, OutboxDelivery, OutboxEvent, StreamEvent, utcnow, uuid7


@dataclass(frozen=True)
class BoundStatement:
    """A compiled statement and its values. One that writes answers a row or more where it has written anything."""

    sql: str
    arguments: Sequence[Any]
    row_class: type[asyncpg.Record]


ATTEMPTS = 10
"""How often a rule looks and writes, if each time something has changed in between."""


class Writing(Protocol):
    """What a rule takes whose writing is one compiled statement: that statement alone, or a whole `UnitOfWork`."""

    has_sink: bool

    async def read(self, asked: BoundStatement) -> list[Any]: ...

    async def write(self, asked: BoundStatement, *, unless: str | Collection[str] | None = None) -> list[Any]:
        """Rows of a statement, empty where it wrote nothing: also where a constraint refused that is in `unless`."""
        ...

    def locked(self, asked: BoundStatement) -> AbstractAsyncContextManager[Writing]:
        """Return the transaction in which `asked`, a statement that locks rows, has been run. It ends with the block,
        unless it began before.
        """
        ...

    def reading(self) -> AbstractAsyncContextManager[AsyncSession]: ...


@dataclass(eq=False)
class UnitOfWork:
    """One transaction. Rules flush through `session` and `record` what happened; only `writing()` commits."""

    session: AsyncSession
    has_sink: bool = False
    events: list[DomainEvent] = field(default_factory=list)

    def record(self, happened: DomainEvent) -> None:
        """Leave a domain event in the outbox, in this very transaction."""
        self.events.append(happened)

    async def read(self, asked: BoundStatement) -> list[Any]:
        """Rows of a compiled statement, as this transaction sees them."""
        await self.session.flush()
        connection = await (await self.session.connection()).get_raw_connection()
        driver: Any = connection.driver_connection
        with noted() as recorder:
            if recorder is not None:
                recorder.saw(asked.sql)
            rows: list[Any] = await driver.fetch(asked.sql, *asked.arguments, record_class=asked.row_class)
        return rows

    async def write(self, asked: BoundStatement, *, unless: str | Collection[str] | None = None) -> list[Any]:
        if unless is None:
            return await self.read(asked)
        try:
            async with self.session.begin_nested():
                return await self.read(asked)
        except asyncpg.IntegrityConstraintViolationError as error:
            return nothing_if(error, unless)

    @asynccontextmanager
    async def locked(self, asked: BoundStatement) -> AsyncIterator[UnitOfWork]:
        await self.read(asked)
        yield self

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        yield self.session

    async def flush_events(self) -> None:
        """Write the recorded events. Called by `writing()` right before the commit."""
        await self.session.flush()
        if not self.events:
            return
        now, written, owed = utcnow(), [], []
        for happened in self.events:
            live = happened if isinstance(happened, StreamEvent) else None
            written.append(
                {
                    "id": uuid7(),
                    "name": happened.name,
                    "subject_type": happened.subject_type,
                    "subject_id": happened.subject_id,
                    "occurred_at": now,
                    "metadata": happened.metadata,
                    "stream": live and live.stream,
                    "sequence": live and live.sequence,
                }
            )
            consumers = consumers_of(type(happened)) + ([SINK] if self.has_sink else [])
            owed += [(written[-1]["id"], consumer) for consumer in consumers]
        self.events.clear()
        values: dict[str, Any] = {name: [row[name] for row in written] for name in OUTBOX_COLUMNS}
        values |= {"event_id": [id for id, _ in owed], "consumer": [consumer for _, consumer in owed]}
        await self.session.execute(WRITE_EVENTS, values)


def _write_events() -> Insert:
    """Events and who is owed them, in one statement: an array for each column of the two tables."""
    events = _unnested(OutboxEvent.__table__, OUTBOX_COLUMNS)
    deliveries = _unnested(OutboxDelivery.__table__, ("event_id", "consumer"))
    return deliveries.add_cte(events.cte("written"))


def _unnested(table: Any, names: Sequence[str]) -> Insert:
    """Insert rows that are given as an array for each of some columns, in the order of the arrays."""
    types = {name: table.c[name].type for name in names}
    given = func.unnest(*(bindparam(name, type_=ARRAY(type_)) for name, type_ in types.items()))
    rows = given.table_valued(*(column(name, type_) for name, type_ in types.items())).render_derived()
    return insert(table).from_select(list(names), select(*rows.c), include_defaults=False)


OUTBOX_COLUMNS = tuple(OutboxEvent.__table__.c.keys())
WRITE_EVENTS = _write_events()


@asynccontextmanager
async def on_conflict(session: AsyncSession, **translations: UserError) -> AsyncIterator[None]:
    """Let the database decide a race: a violated constraint named here becomes its error, others stay bugs.

    The body runs in a savepoint and is flushed at its end, so the unit of work can go on afterwards.
    """
    try:
        async with session.begin_nested():
            yield
            await session.flush()
    except IntegrityError as error:
        refusal = translations.get(violated_constraint(error) or "")
        if refusal is None:
            raise
        raise refusal from error


def nothing_if(error: asyncpg.IntegrityConstraintViolationError, unless: str | Collection[str] | None) -> list[Any]:
    """No rows, where that constraint refused, or one of those. Raises the error of any other."""
    if error.constraint_name not in ((unless,) if isinstance(unless, str) else unless or ()):
        raise error
    return []


def violated_constraint(error: IntegrityError) -> str | None:
    """Name of the constraint that refused, as PostgreSQL reports it."""
    cause = getattr(error.orig, "__cause__", None)
    return getattr(cause, "constraint_name", None)
