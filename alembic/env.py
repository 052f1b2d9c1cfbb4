"""Runs migrations over the connection that the caller put into the configuration, or over DATABASE_URL."""

import asyncio
import os
from typing import Any

from alembic import context
from sqlalchemy import Connection, text

import models
from database import bare_engine, functions

FOREIGN_TABLES = ("pgqueuer", "alembic_applied")
"""Tables of libraries, which bring their own definitions, and the one of `note_applied`."""


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
    if is_migration():
        note_applied(connection)


def is_migration() -> bool:
    """Whether this was an upgrade or a downgrade, and not a comparison with the models, say."""
    try:
        context.get_revision_argument()
    except KeyError:
        return False
    return True


def note_applied(connection: Connection) -> None:
    """Keep the names of all migrations that the database has. `alembic_version` has the newest alone, of which the code
    of a former release does not know whether its own comes before.
    """
    heads = context.get_context().get_current_heads()
    names = {one.revision for head in heads for one in context.script.iterate_revisions(head, "base")}
    connection.execute(text("CREATE TABLE IF NOT EXISTS alembic_applied (revision text PRIMARY KEY)"))
    connection.execute(text("DELETE FROM alembic_applied WHERE revision <> ALL (:names)"), {"names": [*names]})
    written = text("INSERT INTO alembic_applied SELECT unnest(CAST(:names AS text[])) ON CONFLICT DO NOTHING")
    connection.execute(written, {"names": [*names]})


def is_upgraded() -> bool:
    """Whether this was an upgrade, be there anything to do or not, and the database has the newest tables now."""
    if not is_migration():
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
