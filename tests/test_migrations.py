from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import asyncpg
import pytest
from alembic.script import ScriptDirectory

from commands.migrations import check, configuration, migrate
from commands.revisions import newest_revision
from models import uuid7

Migrating = Callable[[str], Awaitable[None]]


@pytest.fixture
async def url(servers) -> str:
    """Of a database without tables."""
    connection = await asyncpg.connect(servers.urls.database)
    await connection.execute("DROP DATABASE IF EXISTS migrations")
    await connection.execute("CREATE DATABASE migrations")
    await connection.close()
    return str(servers.urls.database.replace("/postgres?", "/migrations?"))


@asynccontextmanager
async def migrating(url: str, revision: str) -> AsyncIterator[asyncpg.Connection]:
    """A connection to the tables as they are before a migration, which runs at the end of the block."""
    before = ScriptDirectory.from_config(configuration()).get_revision(revision).down_revision
    assert isinstance(before, str)
    await migrate(url, before)
    connection = await asyncpg.connect(url)
    try:
        yield connection
    finally:
        await connection.close()
    await migrate(url, revision)


async def test_models_and_migrations_agree_up_and_down(environment, url) -> None:
    await migrate(url)
    await check(url)
    await migrate(url, "base")
    await migrate(url)
    await check(url)


def test_the_newest_revision_is_the_one_that_alembic_finds() -> None:
    assert newest_revision() == ScriptDirectory.from_config(configuration()).get_current_head()


async def test_mail_addresses_are_brought_into_one_spelling(url) -> None:
    users = [
        # handle, email, claimed_email, days since it was proven
        ("same", "Ada@example.org", None, 1),
        ("domain", "eve@faß.de", None, 1),
        ("claimed", None, "eve@пример.рф", None),
        ("first", "bob@пример.рф", None, 2),
        ("second", "Bob@xn--E1AFMKFD.xn--p1ai", None, 1),
        ("unmailable", "почта@пример.рф", "no address", 1),
    ]
    async with migrating(url, "0006_mail_addresses") as connection:
        await connection.executemany(
            "INSERT INTO users (id, handle, email, claimed_email, email_verified_at, role, is_active, is_trusted, "
            "locale, time_zone, display_name) VALUES (gen_random_uuid(), $1, $2, $3, "
            "now() - make_interval(days => $4), 'USER', true, false, 'ru', 'Europe/Moscow', $1)",
            users,
        )
        await connection.execute(
            "INSERT INTO one_time_tokens (token_hash, user_id, purpose, email, expires_at) "
            "SELECT sha256(handle::bytea), id, 'RESET_PASSWORD', email, now() FROM users WHERE email IS NOT NULL"
        )

    connection = await asyncpg.connect(url)
    found = {
        row["handle"]: (row["email"], row["claimed_email"], row["email_verified_at"] is not None)
        for row in await connection.fetch("SELECT * FROM users")
    }
    links = [row["email"] for row in await connection.fetch("SELECT email FROM one_time_tokens")]
    await connection.close()
    assert found == {
        "same": ("Ada@example.org", None, True),
        "domain": ("eve@xn--fa-hia.de", None, True),
        "claimed": (None, "eve@xn--e1afmkfd.xn--p1ai", False),
        "first": ("bob@xn--e1afmkfd.xn--p1ai", None, True),
        "second": (None, None, False),
        "unmailable": (None, None, False),
    }
    assert links == ["Ada@example.org"]


async def test_names_that_turn_out_to_be_one_are_told_apart_by_a_number(environment, url) -> None:
    names = ["Йога", "И\u0306ога", "Йога 2", "йо\u00adга", "Дом\nна Ясной", "\ufdfa" * 200]
    async with migrating(url, "0007_folded_names") as connection:
        await connection.executemany(
            "INSERT INTO venues (id, name, name_key, time_zone) VALUES ($1, $2, $3, 'UTC')",
            [(uuid7(), name, str(number)) for number, name in enumerate(names)],
        )

    connection = await asyncpg.connect(url)
    found = [row["name"] for row in await connection.fetch("SELECT name FROM venues ORDER BY id")]
    await connection.close()
    assert found == ["Йога", "Йога 3", "Йога 2", "йога 4", "Дом на Ясной", "\ufdfa" * 20]


async def test_events_with_services_get_a_capacity(url) -> None:
    events = [
        # title, capacity, taken, services: capacity and whether it is cancelled
        ("sum", None, 2, [(10, False), (5, False), (90, True)]),
        ("limited", 12, 0, [(10, False)]),
        ("taken", None, 40, [(10, False)]),
        ("huge", None, 0, [(900_000, False), (900_000, False)]),
        ("without", None, 3, []),
        ("called off", None, 0, [(10, True)]),
    ]
    async with migrating(url, "0007_capacity_with_services") as connection:
        await connection.execute("SET session_replication_role = replica")
        for title, capacity, taken, services in events:
            event_id = await connection.fetchval(
                "INSERT INTO events (id, title, status, visibility, category_id, venue_id, time_zone, starts_at, "
                "ends_at, capacity, taken, created_by_id) VALUES (gen_random_uuid(), $1, 'PUBLISHED', 'PUBLIC', "
                "gen_random_uuid(), gen_random_uuid(), 'UTC', now(), now(), $2, $3, gen_random_uuid()) RETURNING id",
                title, capacity, taken,
            )  # fmt: skip
            await connection.executemany(
                "INSERT INTO services (id, event_id, service_type_id, starts_at, ends_at, capacity, cancelled_at) "
                "VALUES (gen_random_uuid(), $1, gen_random_uuid(), now(), now(), $2, CASE WHEN $3 THEN now() END)",
                [(event_id, *service) for service in services],
            )

    connection = await asyncpg.connect(url)
    found = dict(await connection.fetch("SELECT title, capacity FROM events"))
    await connection.close()
    assert found == {
        "sum": 15, "limited": 12, "taken": 40, "huge": 1_000_000, "without": None, "called off": None,
    }  # fmt: skip


async def test_roles_of_who_was_put_out_end(url) -> None:
    ids = {name: uuid7() for name in ("club", "event", "chat", "banned", "expired", "heir", "removed")}
    async with migrating(url, "hosts_put_out") as connection:
        await connection.execute("SET session_replication_role = replica")
        people = ("banned", "expired", "heir", "removed")
        await connection.executemany(
            "INSERT INTO users (id, handle, display_name, role, is_active, is_trusted, locale, time_zone) "
            "VALUES ($1, $2, $2, 'USER', true, false, 'en', 'UTC')",
            [(ids[name], name) for name in people],
        )
        await connection.execute(
            "INSERT INTO events (id, title, status, visibility, category_id, venue_id, club_id, time_zone, starts_at, "
            "ends_at, created_by_id) VALUES ($1, 'one', 'PUBLISHED', 'CLUB', gen_random_uuid(), gen_random_uuid(), $2, "
            "'UTC', now(), now(), gen_random_uuid())",
            ids["event"], ids["club"],
        )  # fmt: skip
        await connection.execute(
            "INSERT INTO chats (id, kind, event_id, last_sequence) VALUES ($1, 'EVENT', $2, 0)",
            ids["chat"],
            ids["event"],
        )
        roles = {"banned": "ORGANIZER", "expired": "STAFF", "heir": "CO_ORGANIZER", "removed": "STAFF"}
        for name, role in roles.items():
            await connection.execute("INSERT INTO event_hosts VALUES ($1, $2, $3)", ids["event"], ids[name], role)
            await connection.execute(
                "INSERT INTO chat_members (chat_id, user_id, joined_sequence, read_sequence) VALUES ($1, $2, 0, 0)",
                ids["chat"],
                ids[name],
            )
        for name, until in (("banned", "NULL"), ("expired", "now() - interval '1 day'")):
            await connection.execute(
                "INSERT INTO club_memberships (id, club_id, user_id, role, state, banned_until) "
                f"VALUES (gen_random_uuid(), $1, $2, 'MEMBER', 'BANNED', {until})",
                ids["club"], ids[name],
            )  # fmt: skip
        await connection.execute(
            "INSERT INTO registrations (id, event_id, user_id, admission, attendance, recorded_by_id) "
            "VALUES (gen_random_uuid(), $1, $2, 'REJECTED', 'EXPECTED', $2)",
            ids["event"], ids["removed"],
        )  # fmt: skip

    connection = await asyncpg.connect(url)
    hosts = await connection.fetch("SELECT handle, event_hosts.role FROM event_hosts JOIN users ON users.id = user_id")
    left = await connection.fetch("SELECT user_id FROM chat_members WHERE left_at IS NOT NULL")
    admission = await connection.fetchval("SELECT admission FROM registrations")
    await connection.close()
    assert dict(hosts) == {"expired": "STAFF", "heir": "ORGANIZER", "removed": "STAFF"}
    assert [row["user_id"] for row in left] == [ids["banned"]]
    assert admission == "CANCELLED"


async def test_places_are_shown_and_counted_as_before(url) -> None:
    ids = {name: uuid7() for name in ("club", "event", "default", "open", "gone")}
    async with migrating(url, "open_places") as connection:
        await connection.execute("SET session_replication_role = replica")
        await connection.execute(
            "INSERT INTO events (id, title, status, visibility, category_id, venue_id, time_zone, starts_at, ends_at, "
            "created_by_id) VALUES ($1, 'one', 'PUBLISHED', 'PUBLIC', gen_random_uuid(), gen_random_uuid(), 'UTC', "
            "now(), now(), gen_random_uuid())", ids["event"],
        )  # fmt: skip
        people = {"default": ("{}", True), "open": ('{"registrations": "EVERYONE"}', True), "gone": ("{}", False)}
        await connection.execute("INSERT INTO clubs (id, name, kind, visibility, join_policy, version) "
            "VALUES ($1, 'Club', 'CLUB', 'PUBLIC', 'OPEN', 1)", ids["club"])  # fmt: skip
        for name, (privacy, is_active) in people.items():
            await connection.execute(
                "INSERT INTO users (id, handle, display_name, role, is_active, is_trusted, locale, time_zone, privacy) "
                "VALUES ($1, $2, $2, 'USER', $3, false, 'en', 'UTC', $4)", ids[name], name, is_active, privacy,
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO registrations (id, event_id, user_id, admission, attendance, recorded_by_id) "
                "VALUES (gen_random_uuid(), $1, $2, 'CONFIRMED', 'EXPECTED', $2)", ids["event"], ids[name],
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO club_memberships (id, club_id, user_id, role, state) "
                "VALUES (gen_random_uuid(), $1, $2, 'MEMBER', $3)",
                ids["club"], ids[name], "LEFT" if name == "gone" else "ACTIVE",
            )  # fmt: skip
            await connection.execute(
                "INSERT INTO reviews (id, event_id, author_id, rating, status) "
                "VALUES (gen_random_uuid(), $1, $2, 4, $3)",
                ids["event"], ids[name], "HIDDEN" if name == "open" else "PUBLISHED",
            )  # fmt: skip

    connection = await asyncpg.connect(url)
    shown = await connection.fetch("SELECT handle, shown_to FROM registrations JOIN users ON users.id = user_id")
    clubs = await connection.fetch("SELECT member_count FROM clubs")
    ratings = await connection.fetch("SELECT rating, number FROM rating_counts")
    audiences = await connection.fetch("SELECT DISTINCT shown_to FROM club_memberships")
    await connection.close()
    assert dict(shown) == {"default": "NOBODY", "open": "EVERYONE", "gone": None}
    assert [tuple(row) for row in (*clubs, *ratings, *audiences)] == [(2,), (4, 2), ("MEMBERS",)]
