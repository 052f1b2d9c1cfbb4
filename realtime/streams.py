"""Durable streams: what an entry's number means, and how to follow a stream without gap or repeat."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Generic, Protocol, TypeVar
from uuid import UUID

import orjson

from errors import ErrorCode, UserError, _
from models import utcnow
from realtime import cursors
from realtime.hub import ACCESS, Event, Gap, Hub, Listener

BATCH = 100
"""Entries read from PostgreSQL at once."""


def chat_stream(chat_id: UUID) -> str:
    return f"chat:{chat_id}"


def inbox_stream(user_id: UUID) -> str:
    return f"inbox:{user_id}"


def inbox_read_stream(user_id: UUID) -> str:
    """Carries no entries: it says that notifications were read."""
    return f"inbox-read:{user_id}"


def availability_stream(event_id: UUID) -> str:
    return f"availability:{event_id}"


def access_stream(id: UUID) -> str:
    """Carries no entries: it says that what a user may do, or who may see an event or a club, has changed, so that open
    streams look again.

    The database writes to it (migration `access_changes`), whoever changes the row.
    """
    return f"{ACCESS}{id}"


class Entry(Protocol):
    @property
    def sequence(self) -> Any: ...


E = TypeVar("E", bound=Entry)


class StreamEnded(UserError):
    """The viewer may not follow this stream any longer."""

    code = ErrorCode.FORBIDDEN
    message = _("You no longer have access to this stream.")


class TokenExpired(UserError):
    code = ErrorCode.UNAUTHENTICATED
    message = _("Your access token has expired. Connect again with a new one.")


@dataclass(frozen=True)
class Resync:
    """The cursor points to what is no longer kept (or to another history): read the state anew, then go on."""

    owner_id: UUID
    sequence: int
    """The entry after which the stream goes on."""


@dataclass(frozen=True)
class Bounds:
    """What a viewer may read of a stream: the entries after `floor`, up to `head`."""

    floor: int
    head: int


@dataclass(frozen=True)
class Guard:
    """When a stream must end: `is_allowed` is asked again whenever one of the access streams says so."""

    channels: tuple[str, ...]
    expires_at: datetime | None
    is_allowed: Callable[[], Awaitable[bool]]

    @property
    def seconds_left(self) -> float | None:
        return (self.expires_at - utcnow()).total_seconds() if self.expires_at else None

    async def check(self) -> None:
        if not await self.is_allowed():
            raise StreamEnded


@dataclass(frozen=True)
class Reading(Generic[E]):
    """What one reading found for all who follow a stream from this process.

    `since` is null where everyone who may follow sees every entry. Else it has each user who was asked for: the number
    after which they see entries, or null where they see none any more. Whoever is missing has to read alone.

    Where it is not `is_open`, nobody is given anything before everybody was looked at.
    """

    entries: Sequence[E]
    since: Mapping[UUID, int | None] | None = None
    is_open: bool = True
    """Whether nobody but those whom `since` names was kept from the entries when they were read."""


class Stream(ABC, Generic[E]):
    """A durable stream as one viewer may follow it: what `replay` and a group (`realtime.groups`) work with."""

    __slots__ = ("after", "channel", "expires_at", "owner_id", "seen_by", "user_id")

    shares_readings: ClassVar[bool] = True
    """Whether what was read is good for all who follow the stream, until there is news of it."""
    batches_readings: ClassVar[bool] = False
    """Whether readings of many streams go together anyway: then groups do not share them, which would cost a task."""

    def __init__(
        self,
        channel: str,
        owner_id: UUID,
        *,
        user_id: UUID | None,
        expires_at: datetime | None,
        after: str | None,
        seen_by: tuple[UUID, ...] = (),
    ) -> None:
        """`seen_by` are the things that decide who may read, beside the viewer's own standing."""
        self.channel = channel
        self.seen_by = seen_by
        self.owner_id = owner_id
        self.user_id = user_id
        self.expires_at = expires_at
        self.after = after

    @abstractmethod
    async def bounds(self) -> Bounds:
        """Return the first and last number. Raises `NotFound` where the stream is hidden from the viewer,
        `StreamEnded` where their session is over.

        All of `seen_by` is known afterwards.
        """

    @abstractmethod
    async def read(self, sequence: int) -> Reading[E]:
        """Return the next entries after a number, at most `BATCH`, for all who follow the stream from this process."""

    async def sees_after(self, reading: Reading[E]) -> int | None:
        """Return the number after which the viewer sees the entries of a reading; null where they see none any more.

        Raises `StreamEnded` where the viewer may not follow the stream any longer.
        """
        return 0

    @abstractmethod
    async def which_allowed(self, streams: Sequence[Stream[E]]) -> Sequence[bool]:
        """Which viewers may go on; all streams have one owner and are of this class. Asked together."""

    async def begin(self) -> None:
        """Begin, once, before the first entry. `end` follows in any case."""

    def end(self) -> None:
        """Nothing may be awaited here: whoever leaves may be in the middle of being cancelled."""

    @property
    def objects(self) -> tuple[str, ...]:
        """The access streams of what decides who may read."""
        return tuple(access_stream(id) for id in self.seen_by)

    @property
    def guard(self) -> Guard:
        own = (access_stream(self.user_id),) if self.user_id else ()
        return Guard((*own, *self.objects), self.expires_at, self.is_allowed)

    async def is_allowed(self) -> bool:
        return (await self.which_allowed([self]))[0]

    async def start(self) -> tuple[int, Resync | None]:
        """Return the number after which to begin, and what to say first where the client's cursor is of no use any
        more.

        Without a cursor one begins now. Raises `InvalidCursor` for a cursor of another stream, and as `bounds`.
        """
        start = cursors.decode(self.after, self.owner_id) if self.after is not None else None
        limits = await self.bounds()
        if start is None:
            return limits.head, None
        if limits.floor <= start <= limits.head:
            return start, None
        return limits.head, Resync(self.owner_id, limits.head)


async def read(hub: Hub, stream: Stream[E], sequence: int) -> Reading[E]:
    """Return what a stream's `read` gives, read once for all who ask until there is news of the stream."""
    if not stream.shares_readings:
        return await stream.read(sequence)
    return await hub.once(stream.channel, sequence, lambda: stream.read(sequence))


async def fetch(hub: Hub, stream: Stream[E], sequence: int) -> Sequence[E]:
    """Return the next entries after a number, at most `BATCH`, as the stream's viewer may see them."""
    while True:
        reading = await read(hub, stream, sequence)
        first = await stream.sees_after(reading)
        if first is None:
            return ()
        if first <= sequence:
            return reading.entries
        sequence = first


async def replay(hub: Hub, stream: Stream[E]) -> AsyncGenerator[E | Resync, None]:
    """Every entry after a client's cursor, or from now on without one, for one viewer alone; the end as in `follow`."""
    try:
        await stream.begin()
        start, resync = await stream.start()
        if resync is not None:
            yield resync
        own = partial(fetch, hub, stream)
        async with aclosing(follow(hub, stream.channel, stream.guard, after=start, fetch=own)) as entries:
            async for entry in entries:
                yield entry
    finally:
        stream.end()


async def follow(
    hub: Hub, stream: str, guard: Guard, *, after: int, fetch: Callable[[int], Awaitable[Sequence[E]]]
) -> AsyncGenerator[E, None]:
    """Every entry after a number, in order, each once: first those in PostgreSQL, then live ones.

    `fetch(sequence)` reads the next entries after a number, at most `BATCH`, as the viewer may see them. Listening
    starts before the first fetch, so nothing falls between; a number that jumps, and every gap, is filled by
    `fetch`; a number already seen is skipped. Raises `StreamEnded` or `TokenExpired`, also amid a long replay and
    after a pause of the reader: access is looked at before each entry.
    """
    async with hub.listen(stream, *guard.channels) as listener:
        await guard.check()
        news = _News(listener, stream, guard, reached=after)
        while True:
            news.has_growth = False
            entries = await fetch(news.reached)
            if entries:
                news.reached = entries[-1].sequence
                if not hub.is_connected:
                    # Nobody would have told.
                    await guard.check()
            for entry in entries:
                await news.take()
                yield entry
            while len(entries) < BATCH and not news.has_growth:
                await news.wait()


async def pulse(hub: Hub, guard: Guard, *streams: str) -> AsyncGenerator[None, None]:
    """Once at the start, and again after each time that something may have happened in one of the streams.

    For what has no history: whoever hears it reads the state anew. Raises `StreamEnded` or `TokenExpired`.
    """
    async with hub.listen(*streams, *guard.channels) as listener:
        await guard.check()
        while True:
            yield
            try:
                async with asyncio.timeout(guard.seconds_left):
                    heard = [await listener.get(), *listener.get_all()]
            except TimeoutError:
                raise TokenExpired from None
            if any(isinstance(event, Gap) or event.channel not in streams for event in heard):
                await guard.check()


@dataclass(eq=False)
class _News:
    """What the listener of one stream has heard and what follows from it."""

    listener: Listener
    stream: str
    guard: Guard
    reached: int
    """The last entry read from PostgreSQL."""
    has_growth: bool = False
    """There may be entries after it."""

    async def wait(self) -> None:
        """Until something is heard, or the token expires."""
        try:
            async with asyncio.timeout(self.guard.seconds_left):
                heard = [await self.listener.get(), *self.listener.get_all()]
        except TimeoutError:
            raise TokenExpired from None
        await self._consider(heard)

    async def take(self) -> None:
        """Return what has been heard in the meantime, without waiting."""
        left = self.guard.seconds_left
        if left is not None and left <= 0:
            raise TokenExpired
        await self._consider(self.listener.get_all())

    async def _consider(self, heard: Sequence[Event]) -> None:
        missed = any(isinstance(event, Gap) for event in heard)
        if missed or any(event.channel != self.stream for event in heard):
            await self.guard.check()
        if missed or any(sequence_in(event.message) > self.reached for event in heard if event.channel == self.stream):
            self.has_growth = True


def sequence_in(message: str) -> int:
    """Return the number in a live message; one that is not ours counts as nothing."""
    try:
        found = orjson.loads(message)
        return int(found["sequence"])
    except (ValueError, TypeError, KeyError):
        return 0
