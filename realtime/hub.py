"""Messages between processes: Redis pub/sub behind broadcaster's interface, with a subscribe path of our own.

Why not broadcaster's: it loses the first messages, falls silent when Redis restarts, and queues without bound
(`docs/adr/0004`). Nothing here is a source of truth: a message only says "look into PostgreSQL", and wherever a
message may have been missed, listeners get a `Gap` and look by themselves.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import structlog
from broadcaster import Broadcast, Event
from broadcaster._backends.base import BroadcastBackend
from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

log = structlog.get_logger()

PREFIX = "wingding:"
HEARTBEAT = "heartbeat"
"""A channel that is always subscribed, so that the connection always has something to read."""
QUEUE_SIZE = 256
PATIENCE = 2.0
"""Seconds to wait for Redis to confirm a subscription. Without it, the reconnection's gap covers the listener."""


class Gap(Event):
    """Messages of any channel may have been missed up to here."""

    def __init__(self) -> None:
        super().__init__("", "")


class Listener:
    """Messages of some channels for one consumer. A consumer too slow for its queue gets one gap instead."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Event] = asyncio.Queue(QUEUE_SIZE)

    def put(self, event: Event) -> None:
        if self._queue.full():
            while not self._queue.empty():
                self._queue.get_nowait()
            event = Gap()
        self._queue.put_nowait(event)

    async def get(self) -> Event:
        return await self._queue.get()

    def get_all(self) -> list[Event]:
        """What has arrived and not been taken yet."""
        taken = []
        while not self._queue.empty():
            taken.append(self._queue.get_nowait())
        return taken


class RedisBackend(BroadcastBackend):
    """One publishing client and one subscribing connection. Every failure is the caller's to handle."""

    def __init__(self, url: str) -> None:
        options: dict[str, Any] = {"retry": Retry(NoBackoff(), 0), "socket_connect_timeout": 2.0}
        self._publisher = Redis.from_url(url, socket_timeout=2.0, **options)
        self._subscriber = Redis.from_url(url, **options)
        self._pubsub: PubSub | None = None

    async def connect(self) -> None:
        self._pubsub = self._subscriber.pubsub()
        await self._pubsub.subscribe(PREFIX + HEARTBEAT)

    async def drop(self) -> None:
        """Forget the subscribing connection; `connect` makes a new one."""
        if self._pubsub is not None:
            with suppress(RedisError, OSError):
                await self._pubsub.aclose()  # type: ignore[no-untyped-call]
        self._pubsub = None

    async def disconnect(self) -> None:
        await self.drop()
        await self._publisher.aclose()
        await self._subscriber.aclose()

    async def subscribe(self, group: str) -> None:
        if self._pubsub is not None:
            await self._pubsub.subscribe(PREFIX + group)

    async def unsubscribe(self, group: str) -> None:
        if self._pubsub is not None:
            await self._pubsub.unsubscribe(PREFIX + group)

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

    async def next_frame(self, seconds: float) -> dict[str, Any] | None:
        """The next thing Redis says, confirmations included; null after a silence."""
        assert self._pubsub is not None
        return await self._pubsub.get_message(timeout=seconds)  # type: ignore[no-any-return]

    async def probe(self) -> None:
        assert self._pubsub is not None
        await self._pubsub.ping()

    async def next_published(self) -> Event:
        while True:
            frame = await self.next_frame(3600.0)
            if frame is not None and frame["type"] == "message":
                return Event(_name(frame), frame["data"].decode("utf-8", "replace"))


def _name(frame: dict[str, Any]) -> str:
    return str(frame["channel"].decode("utf-8", "replace")).removeprefix(PREFIX)


class Hub(Broadcast):
    """`subscribe` is race-free, reconnects by itself, and says where something may have been missed."""

    SILENCE = 10.0

    def __init__(self, url: str) -> None:
        self._redis = RedisBackend(url)
        super().__init__(backend=self._redis)
        self._listeners: dict[str, set[Listener]] = defaultdict(set)
        self._confirmed: dict[str, asyncio.Event] = {}
        self._is_connected = False
        self.on_reconnect: Callable[[], None] = lambda: None

    @property
    def is_connected(self) -> bool:
        return self._is_connected

    async def connect(self) -> None:
        """Start listening. Redis may be down: then it is waited for in the background."""
        self._listener_task = asyncio.create_task(self._listener(), name="hub")

    async def disconnect(self) -> None:
        self._listener_task.cancel()
        with suppress(asyncio.CancelledError):
            await self._listener_task
        await self._redis.disconnect()

    async def publish_all(self, messages: Sequence[tuple[str, str]]) -> None:
        await self._redis.publish_all(messages)

    async def ping(self) -> None:
        await self._redis.ping()

    @asynccontextmanager
    async def listen(self, *channels: str) -> AsyncIterator[Listener]:
        """Listen from now on: whatever is published after this block is entered is heard, or covered by a gap."""
        listener = Listener()
        try:
            for channel in channels:
                await self._join(channel, listener)
            yield listener
        finally:
            for channel in channels:
                await self._leave(channel, listener)

    @asynccontextmanager
    async def subscribe(self, channel: str) -> AsyncIterator[Listener]:  # type: ignore[override]
        """broadcaster's own entrance."""
        async with self.listen(channel) as listener:
            yield listener

    async def _join(self, channel: str, listener: Listener) -> None:
        self._listeners[channel].add(listener)
        if channel not in self._confirmed:
            self._confirmed[channel] = asyncio.Event()
            with suppress(RedisError, OSError):
                await self._redis.subscribe(channel)
        if self._is_connected:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._confirmed[channel].wait(), PATIENCE)

    async def _leave(self, channel: str, listener: Listener) -> None:
        listeners = self._listeners.get(channel)
        if listeners is None:
            return
        listeners.discard(listener)
        if not listeners:
            del self._listeners[channel]
            self._confirmed.pop(channel, None)
            with suppress(RedisError, OSError):
                await self._redis.unsubscribe(channel)
            # Someone may have joined while the line above waited: Redis has heard them in the other order.
            if channel in self._listeners:
                with suppress(RedisError, OSError):
                    await self._redis.subscribe(channel)

    async def _listener(self) -> None:
        delay = 0.05
        while True:
            try:
                await self._redis.connect()
                for channel in list(self._confirmed):
                    await self._redis.subscribe(channel)
                self._is_connected = True
                self._tell_gap()
                self.on_reconnect()
                delay = 0.05
                await self._read()
            except (RedisError, OSError, TimeoutError) as error:
                if self._is_connected:
                    log.warning("redis.lost", error=type(error).__name__)
                self._is_connected = False
                for confirmed in self._confirmed.values():
                    confirmed.clear()
                await self._redis.drop()
                await asyncio.sleep(delay)
                delay = min(delay * 2, 1.0)

    async def _read(self) -> None:
        silences = 0
        while True:
            frame = await self._redis.next_frame(self.SILENCE)
            if frame is None:
                silences += 1
                if silences > 1:
                    raise TimeoutError("Redis is silent")
                await self._redis.probe()
                continue
            silences = 0
            if frame["type"] == "message":
                self._dispatch(Event(_name(frame), frame["data"].decode("utf-8", "replace")))
            elif frame["type"] == "subscribe" and (confirmed := self._confirmed.get(_name(frame))):
                confirmed.set()

    def _dispatch(self, event: Event) -> None:
        for listener in self._listeners.get(event.channel, ()):
            listener.put(event)

    def _tell_gap(self) -> None:
        for listener in {one for listeners in self._listeners.values() for one in listeners}:
            listener.put(Gap())
