"""Writing by one statement, which is a transaction of its own: PostgreSQL is asked once and holds locks no longer."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from database.readers import Readers
from database.statement_log import noted
from database.work import BoundStatement, nothing_if

Reading = Callable[[], AbstractAsyncContextManager[AsyncSession]]
Fetching = Callable[[BoundStatement], Any]


class Writers(Readers):
    """Connections for statements that write. They wait for locks, so that those who read do not wait behind them."""

    is_read_only = False

    async def write(self, asked: BoundStatement) -> list[Any]:
        """Never asked again: a connection that is lost tells nothing about the commit."""
        async with self._turns:
            connection = self._take() or await self._connect()
            return await self._run(connection, asked.sql, asked.arguments, asked.row_class)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[asyncpg.Connection]:
        """Open a connection with a transaction, which commits on leaving and rolls back on any error."""
        async with self._turns:
            connection = self._take() or await self._connect()
            transaction = connection.transaction()
            try:
                await transaction.start()
                try:
                    yield connection
                except Exception:
                    await transaction.rollback()
                    raise
                await transaction.commit()
            except Exception:
                self._keep(connection)
                raise
            except BaseException:
                # Stopped amid anything: PostgreSQL rolls back when the connection is gone. Nothing is asked of it any
                # more, since its refusal would take the place of the cancellation.
                connection.terminate()
                raise
            self._keep(connection)

    def _keep(self, connection: asyncpg.Connection) -> None:
        if connection.is_closed() or connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)


class OneStatement:
    """A unit of work of one statement that writes (`Writing`). What is read before it is read on its own."""

    def __init__(self, writers: Writers, fetch: Fetching, reading: Reading, *, has_sink: bool) -> None:
        self.has_sink = has_sink
        self.has_written = False
        self._writers = writers
        self._fetch = fetch
        self._reading = reading

    async def read(self, asked: BoundStatement) -> list[Any]:
        rows: list[Any] = await self._fetch(asked)
        return rows

    async def write(self, asked: BoundStatement, *, unless: str | Collection[str] | None = None) -> list[Any]:
        """Run the statement. Raises `RuntimeError` after one that has written: they would not be one transaction."""
        if self.has_written:
            raise RuntimeError("one statement was to be written, and this would be another")
        with noted() as recorder:
            if recorder is not None:
                recorder.saw(asked.sql)
            try:
                rows = await self._writers.write(asked)
            except asyncpg.IntegrityConstraintViolationError as error:
                rows = nothing_if(error, unless)
        self.has_written = bool(rows)
        return rows

    @asynccontextmanager
    async def locked(self, asked: BoundStatement) -> AsyncIterator[LockedRows]:
        """Take a transaction after all, for what was not to be written without one."""
        if self.has_written:
            raise RuntimeError("one statement was to be written, and this would be another")
        async with self._writers.transaction() as connection:
            held = LockedRows(connection, self._reading, has_sink=self.has_sink)
            await held.read(asked)
            yield held
        self.has_written = held.has_written

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        async with self._reading() as session:
            yield session


class LockedRows:
    """A transaction without a session that holds some locks (`Writing`)."""

    def __init__(self, connection: asyncpg.Connection, reading: Reading, *, has_sink: bool) -> None:
        self.has_sink = has_sink
        self.has_written = False
        self._connection = connection
        self.reading = reading

    async def read(self, asked: BoundStatement) -> list[Any]:
        with noted() as recorder:
            if recorder is not None:
                recorder.saw(asked.sql)
            rows: list[Any] = await self._connection.fetch(asked.sql, *asked.arguments, record_class=asked.row_class)
        return rows

    async def write(self, asked: BoundStatement, *, unless: str | Collection[str] | None = None) -> list[Any]:
        # Refused or not, there is no more to come in this transaction.
        try:
            rows = await self.read(asked)
        except asyncpg.IntegrityConstraintViolationError as error:
            return nothing_if(error, unless)
        self.has_written = self.has_written or bool(rows)
        return rows

    @asynccontextmanager
    async def locked(self, asked: BoundStatement) -> AsyncIterator[LockedRows]:
        await self.read(asked)
        yield self
