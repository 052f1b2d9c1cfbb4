"""Durable streams: what an entry's number means, and how to follow a stream without gap or repeat."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from uuid import UUID

import orjson

from errors import ErrorCode, UserError, _
from models import utcnow
from realtime.hub import Gap, Hub, Listener

BATCH = 100
"""Entries read from PostgreSQL at once."""


def chat_stream(chat_id: UUID) -> str:
    return f"chat:{chat_id}"


def inbox_stream(user_id: UUID) -> str:
    return f"inbox:{user_id}"


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


async def follow(
    hub: Hub, stream: str, guard: Guard, *, after: int, fetch: Callable[[int], Awaitable[Sequence[E]]]
) -> AsyncGenerator[E, None]:
    """Every entry after a number, in order, each once: first those in PostgreSQL, then live ones.

    `fetch(sequence)` reads the next entries after a number, at most `BATCH`, as the viewer may see them. Listening
    starts before the first fetch, so nothing falls between; a number that jumps, and every gap, is filled by
    `fetch`; a number already seen is skipped. Raises `StreamEnded` or `TokenExpired`.
    """
    async with hub.listen(stream, *guard.channels) as listener:
        if not await guard.is_allowed():
            raise StreamEnded
        last = after
        while True:
            entries = await fetch(last)
            for entry in entries:
                last = entry.sequence
                yield entry
            if len(entries) < BATCH:
                await _wait_for_more(listener, stream, guard, last)


async def _wait_for_more(listener: Listener, stream: str, guard: Guard, last: int) -> None:
    """Return when there may be an entry after `last`."""
    while True:
        try:
            async with asyncio.timeout(guard.seconds_left):
                heard = [await listener.get(), *listener.get_all()]
        except TimeoutError:
            raise TokenExpired from None
        missed = any(isinstance(event, Gap) for event in heard)
        if (missed or any(event.channel != stream for event in heard)) and not await guard.is_allowed():
            raise StreamEnded
        if missed or any(_sequence(event.message) > last for event in heard if event.channel == stream):
            return


def _sequence(message: str) -> int:
    """The number in a live message; one that is not ours counts as nothing."""
    try:
        found = orjson.loads(message)
        return int(found["sequence"])
    except (ValueError, TypeError, KeyError):
        return 0
