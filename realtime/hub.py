"""Messages between processes: Redis pub/sub by a backend of broadcaster's kind, with a listening side of our own.

Why not `broadcaster.Broadcast`: it loses the first messages, falls silent when Redis restarts, and queues without bound
(`docs/adr/0004`). Nothing here is a source of truth: a message only says "look into PostgreSQL", and wherever a
message may have been missed, listeners get a `Gap` and look by themselves.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine, Hashable, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any, Protocol, TypeVar

import structlog
from broadcaster import Event as Event
from redis.exceptions import RedisError

from realtime.redis_backend import CONFIRMED, MESSAGE, RedisBackend, channel_of, event_of
from realtime.single_flight import SingleFlight
from realtime.tasks import end

log = structlog.get_logger()
T = TypeVar("T")

QUEUE_SIZE = 256
SLICE = 100
"""Channels that are told of a gap in one turn of the event loop."""
ACCESS = "access:"
"""What channels begin with that say that what somebody may read has changed."""
MOST_SHARED = 16
"""Readings kept for one channel."""
PATIENCE = 2.0
"""Seconds to wait for Redis to confirm a subscription. Without it, the reconnection's gap covers the listener."""


class Gap(Event):
    """Messages may have been missed up to here: of one channel, or of any where it names none."""

    def __init__(self, channel: str = "") -> None:
        super().__init__(channel, "")


class ChannelSubscriber(Protocol):
    """Whoever hears channels. `put` is called for each message and gap, and must be quick."""

    def put(self, event: Event) -> None: ...


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
        """Return what has arrived and not been taken yet."""
        taken = []
        while not self._queue.empty():
            taken.append(self._queue.get_nowait())
        return taken


class Hub:
    """`listen` is race-free, reconnects by itself, and says where something may have been missed.

    One task reads the connection, one writes to it, one watches for silence. Listeners come and go without touching it:
    they only leave a note that a channel is to be looked at, so that a cancelled listener leaves nothing behind, and a
    thousand who come at once cost a few commands.
    """

    LOOK = 2.0
    """Seconds between gaps in access streams while Redis is away: whoever hears them looks into PostgreSQL."""
    SILENCE = 10.0
    """Seconds without a word from Redis after which it is asked whether it lives; after two of them it does not."""

    def __init__(self, url: str) -> None:
        self._redis = RedisBackend(url)
        self._listeners: dict[str, set[ChannelSubscriber]] = {}
        self._asked: set[str] = set()
        """Channels that Redis has been asked for on this connection."""
        self._confirmed: set[str] = set()
        """Channels whose subscription Redis has confirmed."""
        self._changed: set[str] = set()
        self._has_changes = asyncio.Event()
        self._shared: dict[str, SingleFlight[Hashable, Any]] = {}
        self._is_connected = False
        self._has_heard = False
        """Anything from Redis since it was last looked."""
        self.on_reconnect: Callable[[], None] = lambda: None

    @property
    def is_connected(self) -> bool:
        return self._is_connected

    async def connect(self) -> None:
        """Start listening. Redis may be down: then it is waited for in the background."""
        self._tasks = [
            asyncio.create_task(self._listener(), name="hub"),
            asyncio.create_task(self._look(), name="hub without Redis"),
        ]

    async def disconnect(self) -> None:
        await end(self._tasks)
        await self._redis.disconnect()

    async def publish(self, channel: str, message: str) -> None:
        await self._redis.publish(channel, message)

    async def publish_all(self, messages: Sequence[tuple[str, str]]) -> None:
        await self._redis.publish_all(messages)

    async def ping(self) -> None:
        await self._redis.ping()

    @asynccontextmanager
    async def listen(self, *channels: str) -> AsyncIterator[Listener]:
        """Listen from now on: whatever is published after this block is entered is heard, or covered by a gap."""
        listener = Listener()
        for channel in channels:
            self.join(listener, channel)
        try:
            await self._confirmation(channels, listener)
            listener.get_all()
            yield listener
        finally:
            for channel in channels:
                self.leave(listener, channel)

    def join(self, hearer: ChannelSubscriber, channel: str) -> None:
        """Hear a channel from now on, without waiting: until Redis has confirmed it nothing comes, and then a gap."""
        self._listeners.setdefault(channel, set()).add(hearer)
        self._note(channel)

    def leave(self, hearer: ChannelSubscriber, channel: str) -> None:
        hearers = self._listeners[channel]
        hearers.discard(hearer)
        if not hearers:
            del self._listeners[channel]
            self._shared.pop(channel, None)
        self._note(channel)

    async def once(self, channel: str, key: Hashable, read: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Return what `read` gives, read once for all who ask on behalf of a channel until its next message or gap.

        Whoever heard that message or gap only now finds the reading gone, so nobody is given what is older than
        what they have heard.
        """
        readings = self._shared.get(channel)
        if readings is None:
            readings = self._shared[channel] = SingleFlight(kept=MOST_SHARED)
        found: T = await readings.get(key, read)
        return found

    def _note(self, channel: str) -> None:
        """See to it that Redis knows whether anyone listens to the channel."""
        if (channel in self._listeners) != (channel in self._asked):
            self._changed.add(channel)
            self._has_changes.set()

    async def _confirmation(self, channels: Sequence[str], listener: Listener) -> None:
        """Wait until Redis has confirmed the channels, but neither long nor while it is away: a gap follows then."""
        missing = set(channels) - self._confirmed
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while missing and self._is_connected:
                    event = await listener.get()
                    if isinstance(event, Gap):
                        missing.discard(event.channel)

    async def _listener(self) -> None:
        delay = 0.05
        while True:
            try:
                await self._redis.connect()
                self._changed = set(self._listeners)
                self._has_changes.set()
                self._is_connected = True
                self.on_reconnect()
                delay = 0.05
                await _first_failure(self._read(), self._write(), self._watch_silence())
            except (RedisError, OSError, TimeoutError) as error:
                if self._is_connected:
                    log.warning("redis.lost", error=type(error).__name__)
            except Exception:
                log.exception("redis.listener_failed")
            self._is_connected = False
            self._asked.clear()
            self._confirmed.clear()
            await self._redis.drop()
            await asyncio.sleep(delay)
            delay = min(delay * 2, 1.0)

    async def _look(self) -> None:
        while True:
            await asyncio.sleep(self.LOOK)
            urgent = [] if self._is_connected else [one for one in self._listeners if one.startswith(ACCESS)]
            for number, channel in enumerate(urgent):
                self._dispatch(Gap(channel))
                if number % SLICE == SLICE - 1:
                    await asyncio.sleep(0)

    async def _write(self) -> None:
        """Ask Redis for the channels that have listeners, and no others."""
        while True:
            await self._has_changes.wait()
            self._has_changes.clear()
            changed, self._changed = self._changed, set()
            if gone := [one for one in changed if one not in self._listeners and one in self._asked]:
                self._asked.difference_update(gone)
                self._confirmed.difference_update(gone)
                await self._redis.unsubscribe(*gone)
            # Looked at after the line above, which may have waited while someone joined.
            if wanted := [one for one in changed if one in self._listeners and one not in self._asked]:
                self._asked.update(wanted)
                await self._redis.subscribe(*wanted)

    async def _read(self) -> None:
        while True:
            frame = await self._redis.next_frame()
            self._has_heard = True
            if frame[0] == MESSAGE:
                self._dispatch(event_of(frame))
            elif frame[0] == CONFIRMED:
                self._confirm(channel_of(frame))

    async def _watch_silence(self) -> None:
        silences = 0
        while True:
            self._has_heard = False
            await asyncio.sleep(self.SILENCE)
            silences = 0 if self._has_heard else silences + 1
            if silences > 1:
                raise TimeoutError("Redis is silent")
            if silences:
                await self._redis.probe()

    def _confirm(self, channel: str) -> None:
        """Redis sends the channel from here on. What was published before it may have been missed."""
        if channel in self._asked:
            self._confirmed.add(channel)
        self._dispatch(Gap(channel))

    def _dispatch(self, event: Event) -> None:
        self._shared.pop(event.channel, None)
        for hearer in tuple(self._listeners.get(event.channel, ())):
            hearer.put(event)


async def _first_failure(*works: Coroutine[Any, Any, None]) -> None:
    """Run endless works side by side until one fails; end the others and raise its error."""
    tasks = [asyncio.create_task(work) for work in works]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        await end(tasks)
    for task in tasks:
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error
