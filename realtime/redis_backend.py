"""The hub's connections to Redis: one client that publishes, one connection that hears.

The hearing one is redis-py's connection without its `PubSub` above it, which spent half of what a small chat cost: a
timer, a retry and a dispatcher for each message, all of which the hub has once (`docs/adr/0019`).
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from broadcaster import BroadcastBackend, Event
from redis.asyncio import Connection, ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

PREFIX = "wingding:"
HEARTBEAT = "heartbeat"
"""A channel that is always subscribed, so that the connection always has something to read."""
MESSAGE = b"message"
CONFIRMED = b"subscribe"


class RedisBackend(BroadcastBackend):
    """One publishing client and one subscribing connection. Every failure is the caller's to handle."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), "socket_connect_timeout": 2.0}
        self._publisher = Redis.from_url(url, socket_timeout=2.0, **options)
        # RESP2: what is heard comes as plain lists. Without a timeout: the hub sees to silences.
        self._connections: Any = ConnectionPool.from_url(url, protocol=2, socket_timeout=None, **options)
        self._subscriber: Connection | None = None

    async def connect(self) -> None:
        self._subscriber = self._connections.make_connection()
        await self._command("SUBSCRIBE", PREFIX + HEARTBEAT)

    async def drop(self) -> None:
        """Forget the subscribing connection; `connect` makes a new one."""
        if self._subscriber is not None:
            with suppress(RedisError, OSError):
                await self._subscriber.disconnect(nowait=True)
        self._subscriber = None

    async def disconnect(self) -> None:
        await self.drop()
        await self._publisher.aclose()

    async def subscribe(self, *groups: str) -> None:
        await self._command("SUBSCRIBE", *(PREFIX + group for group in groups))

    async def unsubscribe(self, *groups: str) -> None:
        await self._command("UNSUBSCRIBE", *(PREFIX + group for group in groups))

    async def probe(self) -> None:
        """Ask for a sign of life, which is heard as everything else."""
        await self._command("PING")

    async def _command(self, *words: str) -> None:
        assert self._subscriber is not None
        await self._subscriber.send_command(*words, check_health=False)

    async def publish(self, channel: str, message: Any) -> None:
        await self._publisher.publish(PREFIX + channel, message)

    async def publish_all(self, messages: Sequence[tuple[str, str]]) -> None:
        """Several messages in one round trip, in order."""
        async with self._publisher.pipeline(transaction=False) as pipe:
            for channel, message in messages:
                pipe.publish(PREFIX + channel, message)
            await pipe.execute()

    async def ping(self) -> None:
        await self._publisher.ping()

    async def next_frame(self) -> Sequence[bytes]:
        """Return the next thing that Redis says: its kind first; for a message or confirmation, then the channel;
        then the rest.
        """
        assert self._subscriber is not None
        frame: Sequence[bytes] = await self._subscriber.read_response(disconnect_on_error=False)
        return frame

    async def next_published(self) -> Event:
        while True:
            frame = await self.next_frame()
            if frame[0] == MESSAGE:
                return event_of(frame)


def channel_of(frame: Sequence[bytes]) -> str:
    return frame[1].decode("utf-8", "replace").removeprefix(PREFIX)


def event_of(frame: Sequence[bytes]) -> Event:
    return Event(channel_of(frame), frame[2].decode("utf-8", "replace"))
