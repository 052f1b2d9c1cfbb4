"""How many rows of tables a request reads, by the plans that PostgreSQL really ran."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from auth.viewer import Viewer
from database import Database, dsn_of
from database.rows import Values
from dataloaders.core.compiled import compile_for
from dataloaders.core.keyset_pages import Listing, PageArgs
from settings import Settings

LEFT_OUT = ("Rows Removed by Filter", "Rows Removed by Index Recheck", "Rows Removed by Join Filter")


@dataclass
class ReadRows:
    """What the statements of a request read of tables, and their plans."""

    number: float = 0
    plans: str = ""


@asynccontextmanager
async def reading_of(database: Database, settings: Settings) -> AsyncIterator[ReadRows]:
    """Within, each SELECT that loaders and lists run is run once more by the plan that PostgreSQL keeps for all values,
    or by that for these values where the statement asks for it.
    """
    read, fetch = ReadRows(), database.fetch
    connection = await asyncpg.connect(dsn_of(settings.database_url))

    async def explained(sql: str, arguments: Any, row_class: Any, *, plans_anew: bool = False, **more: Any) -> Any:
        await _explain(connection, sql, arguments, "force_custom_plan" if plans_anew else "force_generic_plan", read)
        return await fetch(sql, arguments, row_class, plans_anew=plans_anew, **more)

    database.fetch = explained  # type: ignore[method-assign]  # for the time of the block
    try:
        yield read
    finally:
        database.fetch = fetch  # type: ignore[method-assign]
        await connection.close()


async def _explain(
    connection: asyncpg.Connection, sql: str, arguments: Sequence[Any], mode: str, read: ReadRows
) -> None:
    given = f"({', '.join(map(literal, arguments))})" if arguments else ""
    await connection.execute(f"SET jit = off; SET plan_cache_mode = {mode}; PREPARE one AS {sql}")
    try:
        found = await connection.fetchval(f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) EXECUTE one{given}")
        lines = await connection.fetch(f"EXPLAIN (ANALYZE, BUFFERS) EXECUTE one{given}")
    finally:
        await connection.execute("DEALLOCATE one")
    read.number += sum(rows_of(orjson.loads(found)[0]["Plan"]))
    read.plans += "\n".join(line[0] for line in lines) + "\n\n"


def literal(value: Any) -> str:
    """Write a value as PostgreSQL reads it, whatever the type of the parameter is."""
    if value is None:
        return "NULL"
    if isinstance(value, list):
        value = "{" + ",".join(str(one) for one in value) + "}"
    if isinstance(value, datetime):
        value = value.isoformat()
    return "'" + str(value).replace("'", "''") + "'"


async def rows_of_page(database: Database, viewer: Viewer, listing: Listing, entity: Any) -> float:
    """Return how many rows the first page of a list reads."""
    page = listing.page(PageArgs(), is_open=True).statement.with_only_columns(entity.id, maintain_column_froms=True)
    compiled = compile_for(lambda _: page, viewer, [], Values)
    explained = await database.fetch(
        f"EXPLAIN (ANALYZE, FORMAT JSON, TIMING OFF) {compiled.sql}",
        compiled.arguments(viewer, {}),
        Values,
        plans_anew=compiled.plans_anew or listing.plans_anew,
    )
    return sum(rows_of(explained[0][0][0]["Plan"]))


def rows_of(root: dict[str, Any]) -> Iterator[float]:
    """Yield what each node read of a table: rows that it passed on, and rows that it left out."""
    nodes = [root]
    while nodes:
        node = nodes.pop()
        nodes += node.get("Plans", ())
        if "Relation Name" in node:
            rows = node["Actual Rows"] + sum(node.get(name, 0) for name in LEFT_OUT)
            yield rows * node["Actual Loops"]
