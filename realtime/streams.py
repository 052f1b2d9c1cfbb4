"""Durable streams: what an entry's number means, and how to follow a stream without gap or repeat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import orjson

from errors import ErrorCode, UserError, _
from models import utcnow
from realtime import cursors
from realtime.hub import Event, Gap, Hub, Listener

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


def access_stream(user_id: UUID) -> str:
    """Carries no entries: it says that what a user may do has changed, so that open streams look again."""
    return f"access:{user_id}"


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
    """When a stream must end: `is_allowed` is asked again whenever the user's access stream says so."""

    user_id: UUID | None
    expires_at: datetime | None
    is_allowed: Callable[[], Awaitable[bool]]

    @property
    def channels(self) -> tuple[str, ...]:
        return (access_stream(self.user_id),) if self.user_id else ()

    @property
    def seconds_left(self) -> float | None:
        return (self.expires_at - utcnow()).total_seconds() if self.expires_at else None

    async def check(self) -> None:
        if not await self.is_allowed():
            raise StreamEnded


async def replay(
    hub: Hub,
    stream: str,
    guard: Guard,
    *,
    owner_id: UUID,
    after: str | None,
    bounds: Callable[[], Awaitable[Bounds]],
    fetch: Callable[[int], Awaitable[Sequence[E]]],
) -> AsyncGenerator[E | Resync, None]:
    """Every entry after a client's cursor, or from now on without one; `fetch` and the end as in `follow`.

    `bounds` raises `NotFound` where the stream is hidden from the viewer. A cursor outside of them yields one
    `Resync`, and the stream goes on from now. Raises `InvalidCursor` for a cursor of another stream.
    """
    start = cursors.decode(after, owner_id) if after is not None else None
    limits = await bounds()
    if start is None:
        start = limits.head
    elif not limits.floor <= start <= limits.head:
        start = limits.head
        yield Resync(owner_id, start)
    async with aclosing(follow(hub, stream, guard, after=start, fetch=fetch)) as entries:
        async for entry in entries:
            yield entry


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
            if any(event.channel not in streams for event in heard):
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
        """What has been heard in the meantime, without waiting."""
        left = self.guard.seconds_left
        if left is not None and left <= 0:
            raise TokenExpired
        await self._consider(self.listener.get_all())

    async def _consider(self, heard: Sequence[Event]) -> None:
        missed = any(isinstance(event, Gap) for event in heard)
        if missed or any(event.channel != self.stream for event in heard):
            await self.guard.check()
        if missed or any(_sequence(event.message) > self.reached for event in heard if event.channel == self.stream):
            self.has_growth = True


def _sequence(message: str) -> int:
    """The number in a live message; one that is not ours counts as nothing."""
    try:
        found = orjson.loads(message)
        return int(found["sequence"])
    except (ValueError, TypeError, KeyError):
        return 0
