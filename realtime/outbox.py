"""The relay: hands committed domain events to their consumers, at least once each.

Every API process and the worker run one. A process is woken by its own commits and looks every so often for what
another left behind, so an event is delivered even if its process died between commit and delivery. Two relays
never hold the same delivery (SKIP LOCKED); one that dies gives its rows back with its transaction.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import timedelta
from typing import Protocol

import orjson
import structlog
from redis.exceptions import RedisError
from sqlalchemy import delete, func, select, tuple_, update
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from database import Database
from models import OutboxDelivery, OutboxEvent
from realtime.hub import Hub

log = structlog.get_logger()

BATCH = 200
LONGEST_DELAY = timedelta(minutes=10)
LIVE_DELAY = timedelta(seconds=1)

Consumer = Callable[[AsyncSession, Sequence[OutboxEvent]], Awaitable[None]]
"""Takes events inside the relay's transaction. It may see an event twice. Raising means: again later."""


class Sink(Protocol):
    """An outside broker. `deliver` returns once the broker has the events; a repeat is possible."""

    async def deliver(self, events: Sequence[OutboxEvent]) -> None: ...


def to_sink(sink: Sink) -> Consumer:
    async def deliver(_session: AsyncSession, events: Sequence[OutboxEvent]) -> None:
        await sink.deliver(events)

    return deliver


def to_live_streams(hub: Hub) -> Consumer:
    """Tell every process that a stream has grown."""

    async def deliver(_session: AsyncSession, events: Sequence[OutboxEvent]) -> None:
        await hub.publish_all(
            [
                (event.stream, orjson.dumps({"sequence": event.sequence, "name": event.name}).decode())
                for event in events
                if event.stream is not None
            ]
        )

    return deliver


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
        for task in self._tasks:
            task.cancel()
        for task in self._tasks:
            with suppress(asyncio.CancelledError):
                await task

    async def _run(self, name: str) -> None:
        while True:
            self._wakers[name].clear()
            try:
                while await self.deliver(name):
                    pass
            except (DBAPIError, OSError) as error:
                log.warning("relay.database_lost", consumer=name, error=type(error).__name__)
            except Exception:
                log.exception("relay.failed", consumer=name)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._wakers[name].wait(), self._interval)

    async def deliver(self, name: str) -> int:
        """Deliver one batch to one consumer; how many events it took."""
        async with AsyncSession(self._database.engine, expire_on_commit=False) as session:
            events = (
                await session.scalars(
                    select(OutboxEvent)
                    .join(OutboxDelivery, OutboxDelivery.event_id == OutboxEvent.id)
                    .where(OutboxDelivery.consumer == name, OutboxDelivery.due_at <= func.now())
                    .order_by(OutboxDelivery.due_at, OutboxDelivery.event_id)
                    .limit(BATCH)
                    .with_for_update(skip_locked=True, of=OutboxDelivery)
                )
            ).all()
            if not events:
                return 0
            taken = await self._hand_over(session, name, events)
            await session.commit()
            return taken

    async def _hand_over(self, session: AsyncSession, name: str, events: Sequence[OutboxEvent]) -> int:
        """Give a batch to the consumer; if it refuses, one by one, so that one bad event holds up no other."""
        try:
            async with session.begin_nested():
                await self._consumers[name](session, events)
        except Exception as error:
            if len(events) > 1 and not isinstance(error, RedisError | OSError):
                return sum([await self._hand_over(session, name, [event]) for event in events])
            await self._put_off(session, name, events, error)
            return 0
        await session.execute(delete(OutboxDelivery).where(_deliveries(name, events)))
        return len(events)

    async def _put_off(self, session: AsyncSession, name: str, events: Sequence[OutboxEvent], error: Exception) -> None:
        log.warning("relay.put_off", consumer=name, events=len(events), error=type(error).__name__)
        longest = LIVE_DELAY if name == "live" else LONGEST_DELAY
        delay = func.least(func.make_interval(0, 0, 0, 0, 0, 0, func.power(2, OutboxDelivery.attempts) / 4), longest)
        await session.execute(
            update(OutboxDelivery)
            .where(_deliveries(name, events))
            .values(
                attempts=func.least(OutboxDelivery.attempts + 1, 20),
                due_at=func.now() + delay,
                last_error=type(error).__name__,
            )
        )


def _deliveries(name: str, events: Sequence[OutboxEvent]):  # type: ignore[no-untyped-def]
    return tuple_(OutboxDelivery.event_id, OutboxDelivery.consumer).in_([(event.id, name) for event in events])
