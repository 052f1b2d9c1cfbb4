"""Databases of the benchmarks: made once under a home of their own, and put back after every write."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

import asyncpg

from benchmarks import rows
from benchmarks.rows import WRITTEN, World
from commands.migrations import migrate

PEERS = Path(__file__).with_name("peers")
MIGRATIONS = Path(__file__).parent.parent / "alembic" / "versions"
Connection = asyncpg.Connection

TABLES: list[tuple[str, str, Callable[[World], Iterator[rows.Row]]]] = [
    ("event_categories", "id slug name_ru name_en", rows.categories),
    ("interests", "id slug name_ru name_en", rows.interests),
    ("service_types", "id slug name_ru name_en default_capacity", rows.service_types),
    (
        "users",
        "id handle email email_verified_at role is_active is_trusted locale time_zone display_name bio location "
        "privacy created_at updated_at",
        rows.users,
    ),
    ("sessions", "id user_id created_at last_used_at expires_at", rows.sessions),
    (
        "clubs",
        "id name description kind visibility join_policy version created_at updated_at",
        rows.clubs,
    ),
    ("club_memberships", "id club_id user_id role state joined_at created_at updated_at", rows.memberships),
    (
        "venues",
        "id name address time_zone latitude longitude created_at last_used_at",
        rows.venues,
    ),
    (
        "events",
        "id title description status visibility category_id club_id venue_id time_zone starts_at ends_at capacity "
        "taken price_amount price_currency availability_sequence version created_by_id created_at updated_at "
        "published_at completed_at archived_at",
        rows.events,
    ),
    ("event_interests", "event_id interest_id", rows.event_interests),
    ("event_hosts", "event_id user_id role created_at", rows.event_hosts),
    (
        "services",
        "id event_id service_type_id starts_at ends_at capacity taken version created_at updated_at",
        rows.services,
    ),
    (
        "registrations",
        "id event_id user_id admission attendance recorded_by_id created_at updated_at",
        rows.registrations,
    ),
    ("reviews", "id event_id author_id rating text status created_at updated_at", rows.reviews),
    ("chats", "id kind event_id last_sequence last_message_at created_at", rows.chats),
    ("chat_members", "chat_id user_id joined_at joined_sequence read_sequence", rows.chat_members),
    ("messages", "id chat_id sequence author_id body client_message_id sent_at", rows.messages),
    (
        "notifications",
        "id user_id sequence type subject_type subject_id actor_id params created_at",
        rows.notifications,
    ),
]

INBOXES = """
INSERT INTO inboxes (user_id, last_sequence)
SELECT users.id, coalesce(max(notifications.sequence), 0)
FROM users LEFT JOIN notifications ON notifications.user_id = users.id GROUP BY users.id
"""

KEPT = [
    "UPDATE registrations SET shown_to = audience_of(privacy, 'registrations') FROM users WHERE users.id = user_id",
    "UPDATE club_memberships SET shown_to = audience_of(privacy, 'clubs') FROM users WHERE users.id = user_id",
    "UPDATE clubs SET member_count = "
    "(SELECT count(*) FROM club_memberships WHERE club_id = clubs.id AND state = 'ACTIVE')",
    "INSERT INTO rating_counts SELECT event_id, rating, count(*) FROM reviews WHERE status = 'PUBLISHED' "
    "GROUP BY event_id, rating",
]
"""What triggers keep."""

UNDO = f"""
SET session_replication_role = replica;
CREATE TEMP TABLE touched ON COMMIT DROP AS SELECT DISTINCT event_id FROM registrations WHERE created_at > '{WRITTEN}';
DELETE FROM registrations WHERE created_at > '{WRITTEN}';
DELETE FROM chat_members WHERE joined_at > '{WRITTEN}';
DELETE FROM availability_changes;
UPDATE events SET availability_sequence = 0,
    taken = (SELECT count(*) FROM registrations WHERE registrations.event_id = events.id)
WHERE availability_sequence > 0 OR id IN (SELECT event_id FROM touched);
DELETE FROM messages WHERE sent_at > '{WRITTEN}';
UPDATE chats SET last_message_at = '{WRITTEN}',
    last_sequence = (SELECT coalesce(max(sequence), 0) FROM messages WHERE messages.chat_id = chats.id)
WHERE last_message_at > '{WRITTEN}';
UPDATE chat_members SET read_sequence = 0, watching_until = NULL, is_told = false
WHERE read_sequence > 0 OR watching_until IS NOT NULL OR is_told;
CREATE TEMP TABLE told ON COMMIT DROP AS SELECT DISTINCT user_id FROM notifications WHERE created_at > '{WRITTEN}';
DELETE FROM notifications WHERE created_at > '{WRITTEN}';
UPDATE notifications SET read_at = NULL WHERE read_at IS NOT NULL;
UPDATE inboxes SET read_sequence = 0 WHERE read_sequence > 0;
DELETE FROM read_marks;
UPDATE inboxes SET last_sequence =
    (SELECT coalesce(max(sequence), 0) FROM notifications WHERE notifications.user_id = inboxes.user_id)
WHERE user_id IN (SELECT user_id FROM told);
TRUNCATE outbox, outbox_deliveries, handled_events, mail_deliveries, idempotency_keys, pgqueuer, pgqueuer_log;
"""
"""What a benchmark wrote is younger than the dataset, so that it can be told apart and taken away."""

WRITTEN_TABLES = "registrations, chat_members, events, messages, chats, notifications, inboxes, availability_changes"


@dataclass(frozen=True)
class Dataset:
    """One database full of rows. `url` is for asyncpg, psql and Node alike; its socket stands in `host`."""

    name: str
    world: World
    url: str

    async def undo(self) -> None:
        """Take away what was written since the dataset was made, and leave no dead rows to the next server."""
        connection = await asyncpg.connect(self.url)
        try:
            async with connection.transaction():
                await connection.execute(UNDO)
            await connection.execute("SET session_replication_role = DEFAULT")
            await connection.execute(f"VACUUM {WRITTEN_TABLES}")
        finally:
            await connection.close()


def version(*files: Path) -> str:
    """Return a text that changes with the files that make rows, and with the tables: then a dataset is made anew."""
    return sha256(b"".join(file.read_bytes() for file in (*files, *sorted(MIGRATIONS.glob("*.py"))))).hexdigest()[:16]


async def ready(server_url: str, name: str, scale: float) -> Dataset:
    """Return the dataset of that scale, made if it is not there. `server_url` names the database `postgres`."""
    dataset = Dataset(name, World(scale), url_of(server_url, name))

    async def fill(_url: str) -> None:
        connection = await asyncpg.connect(dataset.url)
        try:
            await _fill(connection, dataset.world)
        finally:
            await connection.close()

    wanted = version(Path(rows.__file__), Path(__file__), *sorted(PEERS.glob("*.sql")))
    if not await kept(server_url, name, wanted, fill):
        await dataset.undo()
    return dataset


def url_of(server_url: str, name: str) -> str:
    return server_url.replace("/postgres?", f"/{name}?")


async def kept(server_url: str, name: str, wanted: str, fill: Callable[[str], Awaitable[None]]) -> bool:
    """Make a database unless there is one of the wanted version. Returns whether it was made."""
    url = url_of(server_url, name)
    if await _found(server_url, name) == wanted:
        return False
    started = time.monotonic()
    print(f"benchmarks: making the dataset {name} …", flush=True)
    await create(server_url, name)
    await migrate(url)
    await fill(url)
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("CREATE SCHEMA IF NOT EXISTS bench")
        await connection.execute(f"CREATE TABLE bench.made AS SELECT '{wanted}' AS version")
    finally:
        await connection.close()
    print(f"benchmarks: made in {time.monotonic() - started:.0f} s", flush=True)
    return True


async def _found(server_url: str, name: str) -> str | None:
    connection = await asyncpg.connect(server_url)
    try:
        if not await connection.fetchval("SELECT EXISTS (SELECT FROM pg_database WHERE datname = $1)", name):
            return None
    finally:
        await connection.close()
    connection = await asyncpg.connect(url_of(server_url, name))
    try:
        if await connection.fetchval("SELECT to_regclass('bench.made')") is None:
            return None
        found: str | None = await connection.fetchval("SELECT version FROM bench.made")
        return found
    finally:
        await connection.close()


async def create(server_url: str, name: str, template: str = "") -> None:
    """Create a database, or a copy of another one to which nobody is connected."""
    connection = await asyncpg.connect(server_url)
    try:
        await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
        await connection.execute(f"CREATE DATABASE {name}{f' TEMPLATE {template} STRATEGY FILE_COPY' * bool(template)}")
    finally:
        await connection.close()


async def _fill(connection: Any, world: World) -> None:
    """All rows, by COPY, without triggers: `taken` and the sequences are counted beforehand."""
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        format="binary",
        encoder=lambda text: b"\x01" + text.encode(),
        decoder=bytes.decode,
    )
    await connection.execute("SET session_replication_role = replica")
    async with connection.transaction():
        for table, columns, made in TABLES:
            await connection.copy_records_to_table(table, records=made(world), columns=columns.split())
        for statement in (INBOXES, *KEPT):
            await connection.execute(statement)
        for kind in ("event", "club"):
            await connection.execute(f"SELECT write_{kind}_words(ARRAY(SELECT id FROM {kind}s))")
    await connection.execute("SET session_replication_role = DEFAULT")
    await connection.execute("CREATE SCHEMA bench")
    for file in sorted(PEERS.glob("*.sql")):
        await connection.execute(file.read_text())
    await connection.execute("VACUUM ANALYZE")


async def both(server_url: str, *, small: bool) -> tuple[Dataset, Dataset | None]:
    """Return the full dataset, and the one with ten times fewer rows."""
    full = await ready(server_url, "bench_full", 1.0)
    return full, await ready(server_url, "bench_small", 0.1) if small else None


def prepare(server_url: str, *, small: bool) -> tuple[Dataset, Dataset | None]:
    return asyncio.run(both(server_url, small=small))
