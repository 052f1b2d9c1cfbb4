"""PostgreSQL: pools of connections for what a process does, short reads, units of work, and writing by one statement.

Connections for reading refuse to write. Those that write are the engine of units of work, those of `writing_once`, and
those of relays; each kind has a pool of its own, so that whoever waits for a lock or for Redis holds up nobody else.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from time import perf_counter
from typing import Any

import asyncpg
import orjson
from sqlalchemy import Executable, event
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_connection
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from database.addresses import DIALECT, bare_engine, dsn_of
from database.once import OneStatement, Writers
from database.outages import Busy, Contended, is_cancelled_statement, is_outage
from database.readers import ANEW, PREPARED, READ_ONLY, Readers
from database.recording import RECORDING, RecordedEvents, owed_to, recording, recording_values, stream_of
from database.statement_log import Read, StatementLog, count_statement, noted, reads, statements
from database.work import ATTEMPTS, BoundStatement, UnitOfWork, Writing, on_conflict, violated_constraint
from settings import Settings

__all__ = [
    "ATTEMPTS",
    "RECORDING",
    "BoundStatement",
    "Busy",
    "Contended",
    "Database",
    "Read",
    "RecordedEvents",
    "StatementLog",
    "UnitOfWork",
    "Writing",
    "bare_engine",
    "dsn_of",
    "is_cancelled_statement",
    "is_outage",
    "on_conflict",
    "owed_to",
    "reads",
    "recording",
    "recording_values",
    "statements",
    "stream_of",
    "violated_constraint",
]


MOST_DELIVERING = 3
"""One relay for each kind of consumer."""


class Database:
    """Made once by each entry point and passed down. `after_commit` is called after each committed unit of work."""

    def __init__(self, settings: Settings) -> None:
        self.engine = make_engine(settings)
        """For units of work. `reading()` has another one."""
        self.outer_turns = asyncio.Semaphore(max(1, settings.database_pool_size // 2))
        """For transactions within which others are opened: if they held all connections, each would wait for one."""
        dsn, size = dsn_of(settings.database_url), settings.database_pool_size
        self._reader = make_engine(settings, is_for_reading=True)
        self._readers = Readers(dsn, size, server_settings(settings))
        self._planners = Readers(dsn, max(1, size // 2), server_settings(settings), plan_cache_mode=ANEW)
        self._writers = Writers(dsn, max(1, size // 2), server_settings(settings))
        self._deliverers = Writers(dsn, MOST_DELIVERING, server_settings(settings))
        self._alone = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._has_sink = bool(settings.sink_stream)
        self.after_commit: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """Open a short session for one read. One round trip a statement: there is no transaction around it.

        PostgreSQL refuses to write or to lock rows for it.
        """
        with noted():
            async with AsyncSession(self._reader, expire_on_commit=False, autoflush=False) as session:
                yield session

    async def fetch(
        self,
        sql: str,
        arguments: Sequence[Any],
        row_class: type[asyncpg.Record],
        *,
        plans_anew: bool = False,
        at_most: int | None = None,
    ) -> list[Any]:
        """Return the rows of one compiled SELECT, as `dataloaders.core.compiled` makes them, or the first `at_most`
        of them.

        PostgreSQL keeps one plan of a statement for all values. `plans_anew` lets it plan for these.
        """
        if at_most is not None:
            sql, arguments = f"SELECT * FROM ({sql}) AS rows LIMIT ${len(arguments) + 1}", [*arguments, at_most]
        with noted() as recorder:
            if recorder is not None:
                recorder.saw(sql)
            noting = reads.get()
            readers = self._planners if plans_anew else self._readers
            if noting is None:
                return await readers.fetch(sql, arguments, row_class)
            began = perf_counter()
            rows = await readers.fetch(sql, arguments, row_class)
            noting.append(Read(sql, len(rows), (perf_counter() - began) * 1000))
            return rows

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[UnitOfWork]:
        """One transaction: commits on leaving, rolls back on any error."""
        async with AsyncSession(self.engine, expire_on_commit=False) as session:
            uow = UnitOfWork(session, has_sink=self._has_sink)
            yield uow
            await uow.flush_events()
            await session.commit()
        self.after_commit()

    async def execute(self, statement: Executable, values: Mapping[str, Any]) -> None:
        """Run one statement that writes and commits by itself, and of which no event tells."""
        with noted():
            async with self._alone.connect() as connection:
                await connection.execute(statement, values)

    @asynccontextmanager
    async def writing_once(self) -> AsyncIterator[OneStatement]:
        """For rules that write by one statement: it commits by itself, in one round trip."""

        async def fetch(asked: BoundStatement) -> list[Any]:
            return await self.fetch(asked.sql, asked.arguments, asked.row_class)

        once = OneStatement(self._writers, fetch, self.reading, has_sink=self._has_sink)
        try:
            yield once
        finally:
            if once.has_written:
                self.after_commit()

    def delivering(self) -> AbstractAsyncContextManager[asyncpg.Connection]:
        """Open a connection with a transaction, for the relay. Who waits for Redis within it keeps nobody from
        writing.
        """
        return self._deliverers.transaction()

    async def dispose(self) -> None:
        await self._readers.close()
        await self._planners.close()
        await self._writers.close()
        await self._deliverers.close()
        await self._reader.dispose()
        await self.engine.dispose()


def server_settings(settings: Settings) -> dict[str, str]:
    milliseconds = str(int(settings.statement_timeout * 1000))
    return {
        "application_name": "wingding",
        "jit": "off",
        "lock_timeout": milliseconds,
        "statement_timeout": milliseconds,
        "idle_in_transaction_session_timeout": "60000",
        "timezone": "UTC",
    }


def make_engine(settings: Settings, *, is_for_reading: bool = False) -> AsyncEngine:
    engine = create_async_engine(
        DIALECT,
        isolation_level="AUTOCOMMIT" if is_for_reading else None,
        pool_size=settings.database_pool_size,
        max_overflow=0,
        pool_timeout=settings.operation_timeout,
        pool_use_lifo=True,
        pool_pre_ping=False,
        # The log keeps tracebacks, and parameters hold hashes of passwords and tokens.
        hide_parameters=settings.is_production,
        json_serializer=lambda value: orjson.dumps(value).decode(),
        json_deserializer=orjson.loads,
        connect_args={
            "dsn": dsn_of(settings.database_url),
            "prepared_statement_cache_size": PREPARED,
            "timeout": 5,
            "server_settings": server_settings(settings),
        },
    )
    event.listen(engine.sync_engine, "before_cursor_execute", count_statement)
    event.listen(engine.sync_engine, "checkout", refuse_closed)
    if is_for_reading:
        event.listen(engine.sync_engine, "connect", let_only_read)
    return engine


def let_only_read(connection: AsyncAdapt_asyncpg_connection, _record: Any) -> None:
    connection.run_async(lambda driver: driver.execute(READ_ONLY))


def refuse_closed(connection: DBAPIConnection, _record: Any, _proxy: Any) -> None:
    """Let the pool throw away a connection that PostgreSQL has closed since it was used last, and take another one."""
    if connection.driver_connection.is_closed():
        raise DisconnectionError
