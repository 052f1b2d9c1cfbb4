"""Demo data, written by COPY in one transaction: all of it or nothing."""

from __future__ import annotations

import asyncio
import time
from argparse import Namespace
from datetime import date

import asyncpg
from argon2 import PasswordHasher

from commands import demo_texts as texts
from commands.demo_world import World
from commands.local import reachable
from commands.migrations import migrate
from database import dsn_of
from models import utcnow
from settings import Settings

ORDER = (
    "event_categories", "interests", "service_types", "users", "passwords", "user_interests", "clubs", "club_interests",
    "club_memberships", "venues", "events", "event_hosts", "event_interests", "services", "registrations", "bookings",
    "reviews", "chats", "chat_members", "messages", "inboxes", "notifications", "event_revisions", "moderation_items",
)  # fmt: skip
COUNTED = {"registrations": ("events", "event_id"), "bookings": ("services", "service_id")}
SEARCHED = {"event": ("events", "event_interests", "services"), "club": ("clubs", "club_interests")}
"""Whose rows triggers write the words of events and clubs from."""


def main(settings: Settings, arguments: Namespace) -> int:
    with reachable(settings, start=True) as found:
        asyncio.run(migrate(found.database_url))
        print(asyncio.run(seed(found.database_url, scale=arguments.scale)))
    return 0


async def seed(database_url: str, *, scale: int = 1, today: date | None = None) -> str:
    """Load the demo world if it is not there. A plain sentence about what was done."""
    began = time.monotonic()
    connection = await asyncpg.connect(dsn_of(database_url))
    try:
        if await connection.fetchval("SELECT EXISTS (SELECT FROM users WHERE lower(handle) = 'ada')"):
            return "demo data is there already"
        world = World(
            today=today or utcnow().date(),
            scale=scale,
            password_hash=PasswordHasher(time_cost=2, memory_cost=64 * 1024, parallelism=1).hash(texts.PASSWORD),
        )
        async with connection.transaction():
            await _write(connection, world)
        await connection.execute("ANALYZE")
    finally:
        await connection.close()
    rows = sum(len(rows) for rows in world.tables.values())
    return f"loaded {len(world.tables['events'])} events, {rows} rows in all, in {time.monotonic() - began:.1f} s"


async def _write(connection: asyncpg.Connection, world: World) -> None:
    """The triggers that count and that write words rest meanwhile; single statements do that instead."""
    resting = [(table, f"{table}_count_taken") for table in COUNTED]
    resting += [(table, f"{table}_write_{kind}_words_insert") for kind, tables in SEARCHED.items() for table in tables]
    for table, trigger in resting:
        await connection.execute(f"ALTER TABLE {table} DISABLE TRIGGER {trigger}")
    for table in ORDER:
        rows = world.tables[table]
        if rows:
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
