"""Limits on attempts, by account and by address. Counted in PostgreSQL, so that all processes share them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from math import ceil
from typing import Any

from sqlalchemy import case, delete, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from database import Database
from database.operation_slots import slot_released
from errors import RateLimited
from models import AttemptCount, utcnow

QUARTER = timedelta(minutes=15)
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class AttemptLimit:
    """A limit of `most` attempts of a kind for one subject, such as a login or an address, within a window."""

    kind: str
    subject: str
    most: int
    window: timedelta

    @property
    def key(self) -> str:
        """A hash: the table tells nobody who tried to sign in, or from where."""
        return f"{self.kind}:{sha256(self.subject.encode('utf-8', 'surrogatepass')).hexdigest()[:48]}"


async def spend(database: Database, *limits: AttemptLimit) -> None:
    """Count one attempt against every limit. Raises `RateLimited` once one of them is exceeded.

    It commits by itself and before the attempt is made: a failed attempt stays counted though its transaction is
    rolled back, and many at once cannot slip through together.
    """
    async with database.writing() as uow:
        refusal = await try_spend(uow.session, *limits)
    if refusal is not None:
        raise refusal


async def try_spend(session: AsyncSession, *limits: AttemptLimit) -> RateLimited | None:
    """Count within the caller's own transaction; the refusal, if a limit is exceeded."""
    return refusal_of(await count(session, *limits))


async def count(session: AsyncSession, *limits: AttemptLimit) -> dict[AttemptLimit, int]:
    """Count within the caller's own transaction: the limits that are exceeded, and for how many seconds yet."""
    now = utcnow()
    rows = [
        {"key": limit.key, "count": 1, "window_ends_at": now + limit.window}
        for limit in sorted(limits, key=lambda limit: limit.key)
    ]
    statement = insert(AttemptCount).values(rows)
    is_over = AttemptCount.window_ends_at <= now
    counted = statement.on_conflict_do_update(
        index_elements=["key"],
        set_={
            "count": case((is_over, 1), else_=AttemptCount.count + 1),
            "window_ends_at": case((is_over, statement.excluded.window_ends_at), else_=AttemptCount.window_ends_at),
        },
    ).returning(AttemptCount.key, AttemptCount.count, AttemptCount.window_ends_at)
    found: dict[str, Any] = {row.key: row for row in await session.execute(counted)}
    return {
        limit: _seconds_until(found[limit.key].window_ends_at, now)
        for limit in limits
        if found[limit.key].count > limit.most
    }


def refusal_of(exceeded: Mapping[AttemptLimit, int]) -> RateLimited | None:
    return RateLimited(retry_after=max(exceeded.values())) if exceeded else None


def _seconds_until(moment: datetime, now: datetime) -> int:
    return max(1, ceil((moment - now).total_seconds()))


async def forgive(
    session: AsyncSession, *, all_of: Iterable[AttemptLimit], one_of: Iterable[AttemptLimit] = ()
) -> None:
    """After a success: what was counted for the account starts anew, and a network gets its one attempt back.

    Otherwise whoever knows one password could try those of others without end.
    """
    gone = [limit.key for limit in all_of]
    for key in sorted([*gone, *(limit.key for limit in one_of)]):
        if key in gone:
            await session.execute(delete(AttemptCount).where(AttemptCount.key == key))
        else:
            await session.execute(
                update(AttemptCount)
                .where(AttemptCount.key == key, AttemptCount.count > 0)
                .values(count=AttemptCount.count - 1)
            )


@asynccontextmanager
async def level_time(seconds: float) -> AsyncIterator[None]:
    """Leave the block no sooner than this, so that its length does not tell what was found in it."""
    loop = asyncio.get_running_loop()
    until = loop.time() + seconds
    try:
        yield
    finally:
        async with slot_released():
            await asyncio.sleep(max(0.0, until - loop.time()))
