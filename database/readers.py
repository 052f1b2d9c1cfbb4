"""Connections for compiled statements, past SQLAlchemy."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import asyncpg
import orjson

from database.outages import LOST

KEPT = "force_generic_plan"
"""One plan of a statement for all values."""
ANEW = "force_custom_plan"
READ_ONLY = "SET default_transaction_read_only = on"
"""Said to a connection once it is there. Said on connecting, asyncpg would take the server for one that only reads, and
refuse it where DATABASE_URL has `target_session_attrs=read-write`.
"""
PREPARED = 100
"""Statements that one connection keeps prepared. PostgreSQL holds each with its plan in memory of its own, and clients
choose how many shapes there are: with 500 for each connection, 2,400 shapes made it 1.2 GB. A hundred are more than
what clients' screens ask for again and again; any other is prepared once more.
"""


class Readers:
    """Connections for compiled SELECTs, beside SQLAlchemy's pool and without its layers. They hold no transaction, and
    PostgreSQL lets them write nothing.

    Not `asyncpg.create_pool`: on the feed that takes 28 % more CPU, and 7 % where nothing is reset (ADR 6).
    The connection used last is used next, so that few of them keep their prepared statements warm. `plan_cache_mode` is
    PostgreSQL's: left to itself, it plans statements with many joins each time, which takes longer than running them.
    Where plans are made for the values, many rows of few are expected by an index, and in memory: reading whole tables,
    as `random_page_cost` of 4 suggests, takes three times as long. No statement has parallel workers: to start them
    takes more than 10 ms, and a page of services that is found in 1 ms was given two.
    """

    is_read_only = True

    def __init__(self, dsn: str, size: int, server_settings: dict[str, str], *, plan_cache_mode: str = KEPT) -> None:
        self._dsn = dsn
        own = {"plan_cache_mode": plan_cache_mode, "max_parallel_workers_per_gather": "0"}
        self._server_settings = {**server_settings, **own}
        if plan_cache_mode == ANEW:
            self._server_settings["random_page_cost"] = "1.1"
        self._turns = asyncio.Semaphore(size)
        self._idle: list[asyncpg.Connection] = []
        self._recovering: set[asyncio.Task[None]] = set()

    async def fetch(self, sql: str, arguments: Sequence[Any], row_class: type[asyncpg.Record]) -> list[Any]:
        async with self._turns:
            kept = self._take()
            try:
                return await self._run(kept or await self._connect(), sql, arguments, row_class)
            except asyncpg.DataError:
                raise
            except LOST:
                if kept is None:
                    raise
            # PostgreSQL has been away since the connection was used last. What reads may be asked again.
            return await self._run(await self._connect(), sql, arguments, row_class)

    async def _run(
        self, connection: asyncpg.Connection, sql: str, arguments: Sequence[Any], row_class: type[asyncpg.Record]
    ) -> list[Any]:
        try:
            rows: list[Any] = await connection.fetch(sql, *arguments, record_class=row_class)
        except (asyncio.CancelledError, asyncpg.DataError):
            # PostgreSQL is being told to stop, or still waits for values of which one did not fit its type. Until that
            # is over the connection is of no use to anyone.
            recovery = asyncio.create_task(self._recover(connection))
            self._recovering.add(recovery)
            recovery.add_done_callback(self._recovering.discard)
            raise
        except LOST:
            connection.terminate()
            raise
        except BaseException:
            self._idle.append(connection)
            raise
        self._idle.append(connection)
        return rows

    def _take(self) -> asyncpg.Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    async def _connect(self) -> asyncpg.Connection:
        connection = await asyncpg.connect(
            self._dsn, timeout=5, statement_cache_size=PREPARED, server_settings=self._server_settings
        )
        if self.is_read_only:
            await connection.execute(READ_ONLY)
        for name in ("json", "jsonb"):
            await connection.set_type_codec(
                name, schema="pg_catalog", encoder=lambda text: text, decoder=orjson.loads, format="text"
            )
        return connection

    async def _recover(self, connection: asyncpg.Connection) -> None:
        try:
            async with asyncio.timeout(5):
                await connection.fetchval("SELECT 1")
        except Exception:
            connection.terminate()
        else:
            self._idle.append(connection)

    async def close(self) -> None:
        for task in list(self._recovering):
            await task
        for connection in self._idle:
            connection.terminate()
        self._idle.clear()
