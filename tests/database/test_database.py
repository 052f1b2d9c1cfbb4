from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from database import BoundStatement, Database
from database.rows import Values
from models import Interest
from schema.core import ids

OTHERS = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query = $1"


async def test_a_connection_that_postgresql_has_closed_is_replaced(ports):
    asked = "SELECT 40 + 2 AS answer"
    assert (await ports.database.fetch(asked, [], Values))[0].answer == 42
    async with ports.database.reading() as session:
        ended = await session.execute(text(OTHERS.replace("$1", ":query")), {"query": asked})
        assert len(ended.all()) >= 1

    # At once, before the loop has heard of it, and later.
    for pause in (0, 0.1):
        assert (await ports.database.fetch(asked, [], Values))[0].answer == 42
        await asyncio.sleep(pause)


async def test_a_cancelled_read_stops_in_postgresql_and_gives_its_connection_back(ports):
    reading = asyncio.create_task(ports.database.fetch("SELECT pg_sleep(60)", [], Values))
    await asyncio.sleep(0.1)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading

    sleeping = "SELECT count(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(60)' AND state = 'active'"
    async with asyncio.timeout(5):
        while (await ports.database.fetch(sleeping, [], Values))[0][0]:
            await asyncio.sleep(0.02)


async def test_a_statement_that_fails_leaves_its_connection_usable(ports):
    with pytest.raises(Exception, match="division by zero"):
        await ports.database.fetch("SELECT 1 / 0", [], Values)

    assert (await ports.database.fetch("SELECT 1 AS one", [], Values))[0].one == 1


async def test_more_readers_than_connections_take_turns(ports):
    found = await asyncio.gather(*(ports.database.fetch("SELECT 1, pg_sleep(0.01)", [], Values) for _ in range(100)))

    assert len(found) == 100


async def test_a_value_that_does_not_fit_breaks_no_reader_after_it(ports, settings):
    own = Database(replace(settings, statement_timeout=0.3))
    with pytest.raises(asyncpg.DataError):
        await own.fetch("SELECT $1::int4 AS number", [2**40], Values)
    await asyncio.sleep(0.5)

    for _ in range(2):
        assert (await own.fetch("SELECT 1 AS one", [], Values))[0].one == 1
    await own.dispose()


async def test_one_plan_is_kept_for_all_values_unless_a_statement_is_planned_anew(ports):
    asked = "SELECT count(*) FROM users WHERE handle = $1::text"
    plans = "SELECT generic_plans > 0, custom_plans > 0 FROM pg_prepared_statements WHERE statement = $1::text"
    for plans_anew, expected in ((True, (False, True)), (False, (True, False))):
        for number in range(10):
            await ports.database.fetch(asked, [f"person{number}"], Values, plans_anew=plans_anew)
        # The connection used last is used next.
        assert tuple((await ports.database.fetch(plans, [asked], Values, plans_anew=plans_anew))[0]) == expected


async def test_what_is_narrowed_by_values_is_planned_anew(client, ports, monkeypatch):
    seen = []
    original = ports.database.fetch

    async def noting(sql, *arguments, plans_anew=False):
        seen.append(plans_anew)
        return await original(sql, *arguments, plans_anew=plans_anew)

    monkeypatch.setattr(ports.database, "fetch", noting)
    await client().run('{ events(filter: {text: "chess evening"}) { nodes { id } } }')
    await client().run(
        f'{{ events(filter: {{interestIds: ["{ids.encode("Interest", uuid4())}"]}}) {{ nodes {{ id }} }} }}'
    )
    await client().run('{ events(filter: {dateRange: {from: "2026-01-01"}}) { nodes { id } } }')
    await client().run("{ events(first: 3, filter: {timings: [UPCOMING], isFree: true}) { nodes { id } } }")
    await client().run("{ events { nodes { id organizers { id } } } }")

    assert seen == [True, True, True, False, False]


WRITE = "INSERT INTO interests (id, slug, name_ru, name_en) VALUES (gen_random_uuid(), 'running', 'Бег', 'Running')"
WRITE_AND_ANSWER = f"WITH added AS ({WRITE} RETURNING id) SELECT id FROM added"


async def test_a_session_for_reading_cannot_write(ports, count):
    with pytest.raises(DBAPIError, match="read-only transaction"):
        async with ports.database.reading() as session:
            await session.execute(text(WRITE))

    assert await count(Interest) == 0


@pytest.mark.parametrize("plans_anew", [False, True])
async def test_a_compiled_read_cannot_write(ports, count, plans_anew):
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await ports.database.fetch(WRITE_AND_ANSWER, [], Values, plans_anew=plans_anew)

    assert await count(Interest) == 0


async def test_connections_for_reading_are_found_where_a_server_that_writes_is_asked_for(settings):
    separator = "&" if "?" in settings.database_url else "?"
    url = f"{settings.database_url}{separator}target_session_attrs=read-write"
    own = Database(replace(settings, database_url=url))
    try:
        async with own.reading() as session:
            assert await session.scalar(text("SHOW transaction_read_only")) == "on"
        assert (await own.fetch("SELECT 1 AS one", [], Values))[0].one == 1
        async with own.writing() as uow:
            assert await uow.session.scalar(text("SHOW transaction_read_only")) == "off"
    finally:
        await own.dispose()


async def test_a_process_has_no_more_connections_than_its_settings_say(ports, settings):
    sleeping = "SELECT pg_sleep(0.2)"
    own = Database(replace(settings, database_pool_size=4))

    async def read() -> None:
        async with own.reading() as session:
            await session.execute(text(sleeping))

    async def write() -> None:
        async with own.writing() as uow:
            await uow.session.execute(text(sleeping))

    async def write_once() -> None:
        async with own.writing_once() as once:
            await once.write(BoundStatement(sleeping, [], Values))

    async def deliver() -> None:
        async with own.delivering() as connection:
            await connection.fetch(sleeping)

    async def connections() -> set[int]:
        asked = "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        return {one.pid for one in await ports.database.fetch(asked, [], Values)}

    before = await connections()
    try:
        kinds = [read, write, write_once, deliver]
        await asyncio.gather(
            *(kind() for kind in kinds for _ in range(6)),
            *(own.fetch(sleeping, [], Values, plans_anew=anew) for anew in (False, True) for _ in range(6)),
        )
        assert len(await connections() - before) == 4 + 4 + 4 + 2 + 2 + 3
    finally:
        await own.dispose()
