from __future__ import annotations

import asyncpg

from commands.migrations import check, migrate


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
