"""`wingding setup`: entries of the catalogues, without which no event can be created. What is there stays as it is."""

from __future__ import annotations

import asyncio
from argparse import Namespace
from collections.abc import Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert

from commands import catalogues
from commands.local import reachable
from commands.migrations import migrated
from database import UnitOfWork
from models import Base, EventCategory, Interest, ServiceType, Venue, uuid7
from settings import Settings

NAMES = ("slug", "name_ru", "name_en")
SERVICE_TYPE = (*NAMES, "default_capacity", "default_window_days")
LOCK = 0x73657475
VENUE = ("name", "address", "time_zone", "latitude", "longitude")


def main(settings: Settings, arguments: Namespace) -> int:
    with reachable(settings, start=False) as found:
        print(asyncio.run(set_up(found, with_venues=arguments.venues)))
    return 0


async def set_up(settings: Settings, *, with_venues: bool = False) -> str:
    """Add the entries that are not there yet. Returns a sentence about what was done."""
    async with migrated(settings) as database, database.writing() as uow:
        added = {
            "categories": await _entries(uow, EventCategory, NAMES, catalogues.CATEGORIES),
            "interests": await _entries(uow, Interest, NAMES, catalogues.INTERESTS),
            "types of services": await _entries(uow, ServiceType, SERVICE_TYPE, catalogues.SERVICE_TYPES),
        }
        if with_venues:
            added["venues"] = await _venues(uow)
    return "added " + ", ".join(f"{number} {name}" for name, number in added.items())


async def _entries(uow: UnitOfWork, entity: type[Base], names: Sequence[str], entries: Sequence[Sequence[Any]]) -> int:
    """Add entries whose slugs are new. Returns how many."""
    rows = [{"id": uuid7(), **dict(zip(names, entry, strict=True))} for entry in entries]
    writing = insert(entity).values(rows).on_conflict_do_nothing(index_elements=["slug"])
    return len((await uow.session.execute(writing.returning(entity.__table__.c.id))).all())


async def _venues(uow: UnitOfWork) -> int:
    """Add venues whose names are new. Returns how many."""
    # Two at once would both find none.
    await uow.session.execute(select(func.pg_advisory_xact_lock(LOCK)))
    known = set(await uow.session.scalars(select(Venue.name)))
    new = [Venue(**dict(zip(VENUE, one, strict=True))) for one in catalogues.VENUES if one[0] not in known]
    uow.session.add_all(new)
    return len(new)
