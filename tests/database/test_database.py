from __future__ import annotations

import asyncio
from dataclasses import replace
from uuid import uuid4

import asyncpg
import pytest
from sqlalchemy import text

from database import Database
from database.rows import Values
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
