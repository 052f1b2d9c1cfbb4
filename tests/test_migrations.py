from __future__ import annotations

import asyncpg
from alembic.script import ScriptDirectory

from commands.migrations import check, configuration, migrate
from commands.revisions import newest_revision


async def test_models_and_migrations_agree_up_and_down(environment, servers) -> None:
    connection = await asyncpg.connect(servers.urls.database)
    await connection.execute("CREATE DATABASE migrations")
    await connection.close()
    url = servers.urls.database.replace("/postgres?", "/migrations?")

    await migrate(url)
    await check(url)
    await migrate(url, "base")
    await migrate(url)
    await check(url)


def test_the_newest_revision_is_the_one_that_alembic_finds() -> None:
    assert newest_revision() == ScriptDirectory.from_config(configuration()).get_current_head()
