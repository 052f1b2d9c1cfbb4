"""SQL functions of the database, a file for each, named as the function is.

`alembic/env.py` creates them anew after the last revision. So a file says what a function is now, and revisions say how
tables came to be what they are. A function whose arguments or columns change gets a new name: processes of the release
before call the former one until they are gone. Triggers are made by revisions, which say when they call a function.
`search_alike` stands in revisions alone: most of it is a list of words that they put together.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection

FOLDER = Path(__file__).parent


def texts() -> dict[str, str]:
    """Return the statement that creates each function, by its name."""
    return {file.stem: file.read_text() for file in sorted(FOLDER.rglob("*.sql"))}


def create(connection: Connection) -> None:
    """Create all functions, or put the present bodies into the place of former ones."""
    # They call each other, in whatever order.
    connection.exec_driver_sql("SET LOCAL check_function_bodies = off")
    for statement in texts().values():
        connection.exec_driver_sql(statement)
    connection.exec_driver_sql("SET LOCAL check_function_bodies = on")
