"""Runs migrations over the connection that the caller put into the configuration, or over DATABASE_URL."""

import asyncio
import os
from typing import Any

from alembic import context
from sqlalchemy import Connection

import models
from database import bare_engine, functions

FOREIGN_TABLES = ("pgqueuer",)
"""Tables of libraries, which bring their own definitions."""


def include_name(name: str | None, kind: str, _parents: Any) -> bool:
    return not (kind == "table" and name is not None and name.startswith(FOREIGN_TABLES))


def run(connection: Connection) -> None:
    context.configure(
        connection=connection,
        target_metadata=models.Base.metadata,
        include_name=include_name,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    if is_upgraded():
        functions.create(connection)


def is_upgraded() -> bool:
    """Whether this was an upgrade, be there anything to do or not, and the database has the newest tables now."""
    try:
        context.get_revision_argument()
    except KeyError:  # no migration: a comparison with the models, say
        return False
    return set(context.get_context().get_current_heads()) == set(context.script.get_heads())


async def run_by_url() -> None:
    engine = bare_engine(os.environ["DATABASE_URL"])
    async with engine.connect() as connection:
        await connection.run_sync(run)
        await connection.commit()
    await engine.dispose()


if (given := context.config.attributes.get("connection")) is not None:
    run(given)
else:
    asyncio.run(run_by_url())
