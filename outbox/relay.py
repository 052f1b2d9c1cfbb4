"""The relay: hands committed domain events to their consumers, at least once each.

Every API process and the worker run one. A process is woken by its own commits and looks every so often for what
another left behind, so an event is delivered even if its process died between commit and delivery. Two relays
never hold the same delivery (SKIP LOCKED); one that dies gives its rows back with its transaction.
"""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from contextlib import suppress
from datetime import timedelta
from typing import Any

import structlog
from redis.exceptions import RedisError
from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    Select,
    Uuid,
    any_,
    bindparam,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession

from database import Database, is_outage
from database.rows import attributes, row_class, text_of
from models import OutboxDelivery, OutboxEvent
from outbox.sinks import UNREACHABLE, Consumer
from realtime.tasks import end

log = structlog.get_logger()

BATCH = 200
LONGEST_DELAY = timedelta(minutes=10)
LONGEST_PAUSE = 10.0
"""Seconds between looks while a consumer's server cannot be reached. Live streams look as often as ever."""
ORDERED = frozenset({"sink"})
"""Consumers that get events in the order of writing: only one relay at a time delivers to them."""


OWED = (
    select(OutboxEvent)
    .join(OutboxDelivery, OutboxDelivery.event_id == OutboxEvent.id)
    .where(OutboxDelivery.consumer == bindparam("owed_to"), OutboxDelivery.due_at <= func.now())
    .order_by(OutboxDelivery.due_at, OutboxDelivery.event_id)
    .limit(BATCH)
    .with_for_update(skip_locked=True, of=OutboxDelivery)
)
DELIVERED = delete(OutboxDelivery.__table__).where(  # type: ignore[arg-type]  # typed as FromClause, is a Table
    OutboxDelivery.consumer == bindparam("owed_to"),
    OutboxDelivery.event_id == any_(bindparam("ids", type_=ARRAY(Uuid))),
)


def _taking() -> Select[Any]:
    """Take a batch away from those who are owed it, and read it."""
    owed = (
        select(OutboxDelivery.event_id)
        .where(OutboxDelivery.consumer == bindparam("owed_to"), OutboxDelivery.due_at <= func.now())
        .order_by(OutboxDelivery.due_at, OutboxDelivery.event_id)
        .limit(literal_column(str(BATCH)))
        .with_for_update(skip_locked=True)
        .cte("owed")
    )
    taken = (
        delete(OutboxDelivery.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(OutboxDelivery.consumer == bindparam("owed_to"), _is_among(OutboxDelivery.event_id, owed))
        .returning(OutboxDelivery.event_id, OutboxDelivery.due_at)
        .cte("taken")
    )
    own = [getattr(OutboxEvent, name).label(name) for name in attributes(OutboxEvent)]
    events = select(*own).join(taken, taken.c.event_id == OutboxEvent.id).where(_is_among(OutboxEvent.id, taken))
    return events.order_by(taken.c.due_at, taken.c.event_id)


def _is_among(key: Any, rows: CTE) -> ColumnElement[bool]:
    """By an array, for which an index is used even by a plan that was made when the table was empty."""
    found: ColumnElement[bool] = key == any_(func.array(select(rows.c.event_id).scalar_subquery(), type_=ARRAY(Uuid)))
    return found


TAKE, _ = text_of(_taking())
TRY_LOCK = "SELECT pg_try_advisory_xact_lock($1)"


class Relay:
    def __init__(self, database: Database, consumers: Mapping[str, Consumer], *, interval: float) -> None:
        self._database = database
        self._consumers = consumers
        self._interval = interval
        self._wakers = {name: asyncio.Event() for name in consumers}
        self._tasks: list[asyncio.Task[None]] = []

    def wake(self) -> None:
        for waker in self._wakers.values():
            waker.set()

    def start(self) -> None:
        self._tasks = [asyncio.create_task(self._run(name), name=f"relay {name}") for name in self._consumers]

    async def stop(self) -> None:
        await end(self._tasks)

    async def _run(self, name: str) -> None:
        failures = 0
        while True:
            self._wakers[name].clear()
            try:
                # Fewer than a batch were all there were, or some were put off. A commit wakes this relay again, and
                # what is left is looked for after a pause.
                while await self.deliver(name) >= BATCH:
                    pass
                failures = 0
            except Exception as error:
                failures += 1
                if isinstance(error, RedisError) or is_outage(error):
                    log.warning("relay.lost", consumer=name, error=type(error).__name__, failures=failures)
                else:
                    log.exception("relay.failed", consumer=name)
            await self._pause(name, failures)

    async def _pause(self, name: str, failures: int) -> None:
        """Until woken, or a while. A server that is away is not asked at every commit."""
        if failures and name != "live":
            await asyncio.sleep(min(self._interval * 2 ** min(failures, 10), LONGEST_PAUSE))
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(self._interval):
                await self._wakers[name].wait()

    async def deliver(self, name: str) -> int:
        """Deliver one batch to one consumer; how many events it took.

        Where the consumer's server cannot be reached the error is raised and nothing changes: the events keep their
        places, and with them their order.
        """
        try:
            return await self._deliver_together(name)
        except UNREACHABLE:
            raise
        except Exception:
            return await self._deliver_singly(name)

    async def _deliver_together(self, name: str) -> int:
        async with self._database.delivering() as connection:
            if name in ORDERED and not await connection.fetchval(TRY_LOCK, _lock_key(name)):
                return 0
            events = await connection.fetch(TAKE, name, record_class=row_class(OutboxEvent))
            if events:
                await self._consumers[name](connection, events)
            return len(events)

    async def _deliver_singly(self, name: str) -> int:
        """As `deliver`, after a refusal: one bad event holds up no other."""
        async with AsyncSession(self._database.engine, expire_on_commit=False) as session:
            if name in ORDERED and not await session.scalar(select(func.pg_try_advisory_xact_lock(_lock_key(name)))):
                return 0
            events = (await session.scalars(OWED, {"owed_to": name})).all()
            taken = sum([await self._hand_over(session, name, event) for event in events])
            await session.commit()
            return taken

    async def _hand_over(self, session: AsyncSession, name: str, event: OutboxEvent) -> bool:
        raw = await (await session.connection()).get_raw_connection()
        try:
            async with session.begin_nested():
                await self._consumers[name](raw.driver_connection, [event])
        except UNREACHABLE:
            raise
        except Exception as error:
            await self._put_off(session, name, event, error)
            return False
        await session.execute(DELIVERED, {"owed_to": name, "ids": [event.id]})
        return True

    async def _put_off(self, session: AsyncSession, name: str, event: OutboxEvent, error: Exception) -> None:
        log.warning("relay.put_off", consumer=name, event_id=str(event.id), error=type(error).__name__)
        seconds = func.power(2, OutboxDelivery.attempts) / 4
        delay = func.least(func.make_interval(0, 0, 0, 0, 0, 0, seconds), LONGEST_DELAY)
        await session.execute(
            update(OutboxDelivery)
            .where(OutboxDelivery.event_id == event.id, OutboxDelivery.consumer == name)
            .values(
                attempts=func.least(OutboxDelivery.attempts + 1, 20),
                due_at=func.now() + delay,
                last_error=type(error).__name__,
            )
        )


async def lag(session: AsyncSession) -> dict[str, tuple[int, float]]:
    """How many events each consumer is still owed, and the seconds that the oldest has waited."""
    waited = func.extract("epoch", func.now() - func.min(OutboxEvent.occurred_at))
    found = await session.execute(
        select(OutboxDelivery.consumer, func.count(), waited)
        .join(OutboxEvent, OutboxEvent.id == OutboxDelivery.event_id)
        .group_by(OutboxDelivery.consumer)
    )
    return {consumer: (rows, max(float(seconds), 0.0)) for consumer, rows, seconds in found}


def _lock_key(name: str) -> int:
    return zlib.crc32(f"relay {name}".encode())
