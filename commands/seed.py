"""Demo data, written by COPY in one transaction: all of it or nothing."""

from __future__ import annotations

import asyncio
import time
from argparse import Namespace
from datetime import date

import asyncpg
from argon2 import PasswordHasher

import models
from commands.demo import demo_world
from commands.demo.people import ACCOUNTS, PASSWORD
from commands.demo.world import DemoSize, DemoWorld
from commands.local import reachable, telling_why
from commands.migrations import migrate
from database import dsn_of
from errors import StartError
from models import utcnow
from settings import Settings

COUNTED = {"registrations": ("events", "event_id"), "bookings": ("services", "service_id")}
SEARCHED = {"event": ("events", "event_interests", "services"), "club": ("clubs", "club_interests")}
"""Tables from whose rows triggers write the words of events and clubs."""


def main(settings: Settings, arguments: Namespace) -> int:
    if settings.is_production:
        raise StartError("demo accounts have a password that everybody knows: none are made in production")
    with reachable(settings, start=True) as found:
        if not arguments.among_people:
            asyncio.run(need_no_people(found.database_url))
        asyncio.run(migrate(found.database_url))
        print(asyncio.run(seed(found.database_url, scale=arguments.scale)))
    return 0


async def need_no_people(database_url: str) -> None:
    """Raise `StartError` where demo accounts would come among other people."""
    with telling_why():
        connection = await asyncpg.connect(dsn_of(database_url))
    try:
        if await connection.fetchval("SELECT to_regclass('users')") is None or await _is_there(connection):
            return
        if count := await connection.fetchval("SELECT count(*) FROM users"):
            raise StartError(
                f"{count} users of the database are not the demo's: accounts with a password that everybody knows do "
                "not belong among them; --among-people loads demo data all the same"
            )
    finally:
        await connection.close()


async def _is_there(connection: asyncpg.Connection) -> bool:
    handle = ACCOUNTS[0][0]
    found = "SELECT EXISTS (SELECT FROM users WHERE lower(handle) = $1 AND email = $1 || '@example.org')"
    return bool(await connection.fetchval(found, handle))


async def seed(database_url: str, *, scale: int = 1, today: date | None = None, size: DemoSize = DemoSize()) -> str:
    """Load the demo world if it is not there. A plain sentence about what was done."""
    began = time.monotonic()
    connection = await asyncpg.connect(dsn_of(database_url))
    try:
        if await _is_there(connection):
            return "demo data is there already"
        world = demo_world(
            today=today or utcnow().date(),
            scale=scale,
            size=size,
            password_hash=PasswordHasher(time_cost=2, memory_cost=64 * 1024, parallelism=1).hash(PASSWORD),
        )
        try:
            async with connection.transaction():
                await _write(connection, world)
        except asyncpg.UniqueViolationError as error:
            raise StartError(f"demo data do not fit beside what is there, nothing was loaded: {error}") from error
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    rows = sum(len(rows) for rows in world.tables.values())
    return f"loaded {len(world.tables['events'])} events, {rows} rows in all, in {time.monotonic() - began:.1f} s"


async def _write(connection: asyncpg.Connection, world: DemoWorld) -> None:
    """Write the rows while the triggers that count and that write words are off. Single statements do that instead."""
    resting = [(table, f"{table}_count_taken_insert") for table in COUNTED]
    resting += [(table, f"{table}_write_{kind}_words_insert") for kind, tables in SEARCHED.items() for table in tables]
    for table, trigger in resting:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    for table in map(str, models.Base.metadata.sorted_tables):
        if rows := world.tables.get(table):
            columns = list(rows[0])
            records = [tuple(row[column] for column in columns) for row in rows]
            await connection.copy_records_to_table(table, records=records, columns=columns)
    for kind in SEARCHED:
        await connection.execute(f"SELECT write_{kind}_words(ARRAY(SELECT id FROM {kind}s))")
    for table, (owner, key) in COUNTED.items():
        await connection.execute(
            f"UPDATE {owner} SET taken = held.count "
            f"FROM (SELECT {key} AS id, count(*) FROM {table} WHERE admission = 'CONFIRMED' GROUP BY 1) held "
            f"WHERE held.id = {owner}.id"
        )
    for table, trigger in resting:
        await connection.execute(f"ALTER TABLE {table} ENABLE TRIGGER {trigger}")
