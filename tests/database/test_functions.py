"""Functions of the database: what stands in `database/functions` is what a migrated database has."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from database import functions

ELSEWHERE = ("fn_pgqueuer_changed", "search_alike")
"""Of a library, and of revisions that put its list of words together."""
DEFINED = f"""
SELECT proname, pg_get_functiondef(pg_proc.oid) FROM pg_proc JOIN pg_namespace ON pg_namespace.oid = pronamespace
WHERE nspname = 'public' AND proname NOT IN {ELSEWHERE}
    AND NOT EXISTS (SELECT FROM pg_depend WHERE objid = pg_proc.oid AND deptype = 'e')
ORDER BY proname
"""


async def defined(session) -> dict[str, str]:
    rows = (await session.execute(text(DEFINED))).all()
    assert len(dict(rows)) == len(rows), "two functions of one name"
    return dict(rows)


async def test_a_migrated_database_has_precisely_these_functions(ports):
    async with ports.database.engine.connect() as connection:
        migrated = await defined(connection)
        await connection.run_sync(functions.create)
        made = await defined(connection)
        await connection.rollback()

    assert made == migrated
    assert sorted(functions.texts()) == sorted(migrated)


@pytest.mark.parametrize("name", list(functions.texts()))
async def test_each_can_be_created_again(ports, name):
    async with ports.database.engine.connect() as connection:
        before = await defined(connection)
        for _ in range(2):
            await connection.exec_driver_sql(functions.texts()[name])
        assert await defined(connection) == before
        await connection.rollback()


def test_a_file_creates_the_function_that_it_is_named_after():
    for name, statement in functions.texts().items():
        [created] = [line for line in statement.splitlines() if line.startswith("CREATE ")]
        assert created.startswith(f"CREATE OR REPLACE FUNCTION {name}("), name
