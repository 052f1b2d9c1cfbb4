"""Consumers of committed events: the live streams of all processes, and an outside broker."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Protocol

import asyncpg
import orjson
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from models import OutboxEvent
from realtime.hub import Hub

Consumer = Callable[[asyncpg.Connection, Sequence[OutboxEvent]], Awaitable[None]]
"""Takes events, on a connection with the relay's transaction. It may see one twice. Raising means: again later."""


UNREACHABLE = (RedisConnectionError, RedisTimeoutError, OSError)
"""Errors by which a consumer says that its server is away."""


class Sink(Protocol):
    """An outside broker. `deliver` returns once the broker has the events; a repeat is possible."""

    async def deliver(self, events: Sequence[OutboxEvent]) -> None: ...


class RedisStreamSink:
    """A Redis stream (`SINK_STREAM`). Readers drop repeats by `event_id`; the oldest entries go beyond `length`."""

    def __init__(self, url: str, stream: str, *, length: int) -> None:
        self._redis = Redis.from_url(url, socket_timeout=5.0, socket_connect_timeout=2.0)
        self._stream = stream
        self._length = length

    async def deliver(self, events: Sequence[OutboxEvent]) -> None:
        async with self._redis.pipeline(transaction=True) as pipe:
            for event in events:
                pipe.xadd(self._stream, _entry(event), maxlen=self._length, approximate=True)
            await pipe.execute()

    async def close(self) -> None:
        await self._redis.aclose()


def _entry(event: OutboxEvent) -> dict[Any, Any]:
    """Return the fields for readers of the stream. Entries of a live stream have its name and their number there."""
    place = {"stream": event.stream, "sequence": event.sequence} if event.stream and event.sequence else {}
    return place | {
        "event_id": str(event.id),
        "type": event.name,
        "timestamp": event.occurred_at.isoformat(),
        "subject_type": event.subject_type,
        "subject_id": str(event.subject_id),
        "metadata": orjson.dumps(event.event_metadata),
    }


def to_sink(sink: Sink) -> Consumer:
    async def deliver(_connection: asyncpg.Connection, events: Sequence[OutboxEvent]) -> None:
        await sink.deliver(events)

    return deliver


def to_live_streams(hub: Hub) -> Consumer:
    """Tell every process that a stream has grown."""

    async def deliver(_connection: asyncpg.Connection, events: Sequence[OutboxEvent]) -> None:
        await hub.publish_all(
            [
                (event.stream, orjson.dumps({"sequence": event.sequence, "name": event.name}).decode())
                for event in events
                if event.stream is not None
            ]
        )

    return deliver
