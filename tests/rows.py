"""Rows written and deleted by plain SQL. Through the ORM, they took up to half of the time of a test."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from itertools import groupby
from typing import Any
from uuid import UUID

import asyncpg
from sqlalchemy import Column, inspect
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapper, make_transient_to_detached
from sqlalchemy.orm.attributes import set_committed_value

import models
from database import Database, dsn_of

TABLES = models.Base.metadata.sorted_tables
SETTINGS = {"jit": "off", "timezone": "UTC"}
POSITION = {table: place for place, table in enumerate(TABLES)}

EMPTYING = f"""
SET session_replication_role = replica;
CREATE FUNCTION pg_temp.empty_tables() RETURNS void LANGUAGE plpgsql AS $$
BEGIN
{
    "".join(
        f"IF EXISTS (SELECT FROM {name}) THEN DELETE FROM {name}; END IF;"
        for name in [*(table.name for table in TABLES), "pgqueuer", "pgqueuer_log"]
    )
}
END $$
"""
"""Deleting few rows is far quicker than truncating many tables; as a replica, no trigger or foreign key is asked."""


class NotPlain(Exception):
    """Only the ORM knows how to write the row."""


def quoted(text: str) -> str:
    if "\0" in text:
        raise NotPlain
    return "'" + text.replace("'", "''") + "'"


def number(value: Any) -> str:
    return f"'{value}'"


WRITTEN: dict[type, Callable[[Any], str]] = {
    str: quoted,
    UUID: number,
    int: number,
    float: number,
    Decimal: number,
    bool: str,
    datetime: number,
    date: number,
    bytes: lambda value: f"'\\x{value.hex()}'",
    type(None): lambda _: "NULL",
}


def literal(value: Any, *, is_json: bool) -> str:
    """The value in SQL. Raises `NotPlain` where it is an expression, or of a type that is not known here."""
    if is_json and value is not None:
        return quoted(json.dumps(value, ensure_ascii=False))
    if isinstance(value, Enum):
        return quoted(value.name)
    write = WRITTEN.get(type(value))
    if write is None:
        raise NotPlain
    return write(value)


@cache
def columns_of(entity: type[models.Base]) -> list[Column[Any]]:
    """The columns that one can write."""
    return [column for column in entity.__table__.columns if column.computed is None]  # type: ignore[attr-defined]  # a Table


@cache
def attributes_of(entity: type[models.Base]) -> dict[str, str]:
    """Names of attributes by those of columns."""
    mapper: Mapper[Any] = inspect(entity)
    return {attribute.columns[0].name: attribute.key for attribute in mapper.column_attrs}


def filled(row: models.Base) -> dict[str, Any]:
    """By attribute, what the ORM would write: what was given, and the defaults."""
    values, attributes = {}, attributes_of(type(row))
    if inspect(row).has_identity:
        raise NotPlain
    for column in columns_of(type(row)):
        key, default = attributes[column.name], column.default
        if key in row.__dict__:
            values[key] = row.__dict__[key]
        elif default is not None:
            values[key] = default.arg(None) if default.is_callable else default.arg  # type: ignore[attr-defined]  # one of two
        elif column.nullable:
            values[key] = None
        else:
            raise NotPlain
    return values


def insertion(entity: type[models.Base], rows: list[dict[str, Any]]) -> str:
    columns, attributes = columns_of(entity), attributes_of(entity)
    keys = [(attributes[column.name], isinstance(column.type, JSONB)) for column in columns]
    tuples = ("(" + ",".join(literal(row[key], is_json=is_json) for key, is_json in keys) + ")" for row in rows)
    names = ",".join(f'"{column.name}"' for column in columns)
    return f"INSERT INTO {entity.__tablename__} ({names}) VALUES {','.join(tuples)};"


def place(row: models.Base) -> int:
    return POSITION[row.__table__]  # type: ignore[index]  # typed as FromClause, is a Table


async def write_by_orm(database: Database, ordered: Sequence[models.Base]) -> None:
    async with database.writing() as uow:
        for _, alike in groupby(ordered, key=place):
            uow.session.add_all(alike)
            await uow.session.flush()


class Rows:
    """Writes and deletes rows over two connections of its own."""

    def __init__(self, url: str) -> None:
        self.dsn = dsn_of(url)
        self._writing: asyncpg.Connection | None = None
        self._emptying: asyncpg.Connection | None = None

    async def write(self, database: Database, *rows: models.Base) -> None:
        """Write rows as they are, in one transaction: those first to which others refer.

        They end detached, with their defaults. What is not plain is left to the ORM, and so is what PostgreSQL
        refuses: the error is that of the application.
        """
        if not rows:
            return
        ordered = sorted(rows, key=place)
        try:
            values = [filled(row) for row in ordered]
            script = ""
            for entity, alike in groupby(zip(ordered, values, strict=True), key=lambda pair: type(pair[0])):
                script += insertion(entity, [given for _, given in alike])
            if self._writing is None or self._writing.is_closed():
                self._writing = await asyncpg.connect(self.dsn, server_settings=SETTINGS)
            await self._writing.execute(script)
        except (NotPlain, asyncpg.PostgresError):
            await write_by_orm(database, ordered)
            return
        for row, given in zip(ordered, values, strict=True):
            for key, value in given.items():
                set_committed_value(row, key, value)
            make_transient_to_detached(row)

    async def empty(self) -> None:
        """Delete all rows of all tables."""
        if self._emptying is None or self._emptying.is_closed():
            self._emptying = await asyncpg.connect(self.dsn, server_settings=SETTINGS)
            await self._emptying.execute(EMPTYING)
        await self._emptying.execute("SELECT pg_temp.empty_tables()")

    async def close(self) -> None:
        for connection in (self._writing, self._emptying):
            if connection is not None:
                await connection.close()
