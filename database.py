"""PostgreSQL: one tuned pool, short reads, and the unit of work that every write goes through."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import asyncpg
import orjson
import structlog
from sqlalchemy import ARRAY, URL, Insert, bindparam, column, event, func, insert, make_url, select
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, create_async_engine

from errors import UserError
from models import DomainEvent, OutboxDelivery, OutboxEvent, StreamEvent, utcnow, uuid7
from settings import Settings

log = structlog.get_logger()


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


def _count_statement(_c: Any, _cursor: Any, statement: str, _p: Any, _context: Any, _many: bool) -> None:
    if (recorder := statements.get()) is not None:
        recorder.saw(statement)


@contextmanager
def _noted() -> Iterator[StatementLog | None]:
    """This task reads for its operation now, so the operation's end is its end."""
    recorder, task = statements.get(), asyncio.current_task()
    if recorder is not None and task is not None:
        recorder.tasks.add(task)
    try:
        yield recorder
    finally:
        if recorder is not None and task is not None:
            recorder.tasks.discard(task)


@dataclass(eq=False)
class UnitOfWork:
    """One transaction. Rules flush through `session` and `record` what happened; only `writing()` commits."""

    session: AsyncSession
    has_sink: bool = False
    events: list[DomainEvent] = field(default_factory=list)

    def record(self, happened: DomainEvent) -> None:
        """Leave a domain event in the outbox, in this very transaction."""
        self.events.append(happened)

    def _consumers(self, happened: DomainEvent) -> list[str]:
        """Who is owed the event: live streams, a job, the outside sink."""
        wanted = {"live": isinstance(happened, StreamEvent), "jobs": happened.has_job, "sink": self.has_sink}
        return [consumer for consumer, owed in wanted.items() if owed]

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
            owed += [(written[-1]["id"], consumer) for consumer in self._consumers(happened)]
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


LOST = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    OSError,
)
"""How asyncpg says that a connection is gone."""


UNAVAILABLE = (SQLAlchemyError, asyncpg.PostgresError, asyncpg.InterfaceError, OSError)
"""How a read fails that PostgreSQL could not answer, through SQLAlchemy and past it."""


class Readers:
    """Connections for compiled SELECTs, beside SQLAlchemy's pool and without its layers. They hold no transaction.

    The connection used last is used next, so that few of them keep their prepared statements warm.
    """

    def __init__(self, url: URL, size: int, server_settings: dict[str, str]) -> None:
        self._url = url.set(drivername="postgresql").render_as_string(hide_password=False)
        self._server_settings = server_settings
        self._turns = asyncio.Semaphore(size)
        self._idle: list[asyncpg.Connection] = []
        self._recovering: set[asyncio.Task[None]] = set()

    async def fetch(
        self, sql: str, arguments: Sequence[Any], row_class: type[asyncpg.Record], *, plans_anew: bool = False
    ) -> list[Any]:
        async with self._turns:
            kept = self._take()
            try:
                return await self._run(kept or await self._connect(), sql, arguments, row_class, plans_anew)
            except asyncpg.DataError:
                raise
            except LOST:
                if kept is None:
                    raise
            # PostgreSQL has been away since the connection was used last. What reads may be asked again.
            return await self._run(await self._connect(), sql, arguments, row_class, plans_anew)

    async def _run(
        self,
        connection: asyncpg.Connection,
        sql: str,
        arguments: Sequence[Any],
        row_class: type[asyncpg.Record],
        plans_anew: bool,
    ) -> list[Any]:
        try:
            rows: list[Any]
            if plans_anew:
                rows = await (await connection.prepare(sql, name="", record_class=row_class)).fetch(*arguments)
            else:
                rows = await connection.fetch(sql, *arguments, record_class=row_class)
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
            self._url, timeout=5, statement_cache_size=500, server_settings=self._server_settings
        )
        for name in ("json", "jsonb"):
            await connection.set_type_codec(
                name, schema="pg_catalog", encoder=lambda text: text, decoder=orjson.loads, format="text"
            )
        return connection

    async def _recover(self, connection: asyncpg.Connection) -> None:
        try:
            async with asyncio.timeout(5):
                await connection.fetchval("SELECT 1")
        except (TimeoutError, OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            connection.terminate()
        else:
            self._idle.append(connection)

    async def close(self) -> None:
        for task in list(self._recovering):
            await task
        for connection in self._idle:
            connection.terminate()
        self._idle.clear()


class Database:
    """Made once by each entry point and passed down. `after_commit` is called after each committed unit of work."""

    def __init__(self, settings: Settings) -> None:
        self.engine = make_engine(settings)
        self.outer_turns = asyncio.Semaphore(max(1, settings.database_pool_size // 2))
        """For transactions within which others are opened: if they held all connections, each would wait for one."""
        self._readers = Readers(make_url(settings.database_url), settings.database_pool_size, server_settings(settings))
        self._reader = self.engine.execution_options(isolation_level="AUTOCOMMIT")
        self._has_sink = bool(settings.sink_stream)
        self.after_commit: Callable[[], None] = lambda: None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[AsyncSession]:
        """A short session for one read. One round trip a statement: there is no transaction around it."""
        with _noted():
            async with AsyncSession(self._reader, expire_on_commit=False, autoflush=False) as session:
                yield session

    async def fetch(
        self, sql: str, arguments: Sequence[Any], row_class: type[asyncpg.Record], *, plans_anew: bool = False
    ) -> list[Any]:
        """The rows of one compiled SELECT, as `dataloaders.compiled` makes them.

        PostgreSQL keeps one plan for all values of a statement that comes often. `plans_anew` lets it plan for these.
        """
        with _noted() as recorder:
            if recorder is not None:
                recorder.saw(sql)
            noting = reads.get()
            if noting is None:
                return await self._readers.fetch(sql, arguments, row_class, plans_anew=plans_anew)
            began = perf_counter()
            rows = await self._readers.fetch(sql, arguments, row_class, plans_anew=plans_anew)
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

    async def dispose(self) -> None:
        await self._readers.close()
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


def make_engine(settings: Settings) -> AsyncEngine:
    url = make_url(settings.database_url).set(drivername="postgresql+asyncpg")
    engine = create_async_engine(
        url,
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
            "prepared_statement_cache_size": 500,
            "timeout": 5,
            "server_settings": server_settings(settings),
        },
    )
    event.listen(engine.sync_engine, "before_cursor_execute", _count_statement)
    return engine


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


def violated_constraint(error: IntegrityError) -> str | None:
    """Name of the constraint that refused, as PostgreSQL reports it."""
    cause = getattr(error.orig, "__cause__", None)
    return getattr(cause, "constraint_name", None)
