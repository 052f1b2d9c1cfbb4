"""Rows as they come from asyncpg, with the attributes of a model: read-only, and only the columns that were asked for.

A row class carries the name of its entity, as the entity itself does, so code that reads attributes cannot tell them
apart; a column that was not asked for raises `AttributeError`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from operator import itemgetter
from typing import Any

import asyncpg
import orjson
from sqlalchemy import Float, Numeric, Select, inspect
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.orm import Mapper
from sqlalchemy.types import TypeEngine

from caches import Cache

DIALECT: Any = PGDialect_asyncpg(  # type: ignore[no-untyped-call]  # SQLAlchemy leaves its dialects untyped
    json_serializer=lambda value: orjson.dumps(value).decode(), json_deserializer=orjson.loads
)


def reader(type_: TypeEngine[Any]) -> Any:
    """Return the function that turns a value of asyncpg into that of the model; null if they are the same."""
    if isinstance(type_, Numeric | Float):
        return None
    return type_.dialect_impl(DIALECT).result_processor(DIALECT, None)


def writer(type_: TypeEngine[Any]) -> Any:
    """Return what turns a value of the model into that of asyncpg; null where they are the same."""
    return type_.dialect_impl(DIALECT).bind_processor(DIALECT)


class Values(asyncpg.Record):  # type: ignore[misc]  # asyncpg leaves it untyped
    """Columns of an aggregate by their labels."""

    __slots__ = ()

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None


@cache
def attributes(entity: type) -> tuple[str, ...]:
    """Names of the mapped columns, without those that are deferred: they serve PostgreSQL alone."""
    mapper: Mapper[Any] = inspect(entity)
    return tuple(one.key for one in mapper.column_attrs if not one.deferred)


@cache
def row_class(entity: type) -> type[asyncpg.Record]:
    """Make a class of rows with the columns and the plain methods of a model, which it names as its `entity`."""
    mapper: Mapper[Any] = inspect(entity)
    mapped = {one.key for one in mapper.attrs}
    own = {name: value for name, value in vars(entity).items() if name not in mapped and not name.startswith("_")}
    columns = {one.key: _column(one.key, reader(one.columns[0].type)) for one in mapper.column_attrs}
    return type(entity.__name__, (asyncpg.Record,), {"__slots__": (), "entity": entity, **own, **columns})


def folded_class(entity: type, names: tuple[str, ...]) -> type[tuple[Any, ...]]:
    """As `row_class`, for a part of another row: its own key and then these columns."""
    return _kept((entity, names), lambda: _folded(entity, names))


def _folded(entity: type, names: tuple[str, ...]) -> type[tuple[Any, ...]]:
    mapper: Mapper[Any] = inspect(entity)
    mapped = {one.key for one in mapper.attrs}
    own = {name: value for name, value in vars(entity).items() if name not in mapped and not name.startswith("_")}
    columns = {}
    for position, name in enumerate(names):
        read, get = reader(mapper.column_attrs[name].columns[0].type), itemgetter(position + 1)
        columns[name] = property(get if read is None else _reading(get, read))
    return type(entity.__name__, (tuple,), {"__slots__": (), "entity": entity, **own, **columns})


def values_class(names: tuple[str, ...]) -> type[tuple[Any, ...]]:
    """As `Values`, for a part of another row: its key and then these columns."""
    return _kept((None, names), lambda: _values(names))


def _values(names: tuple[str, ...]) -> type[tuple[Any, ...]]:
    columns: dict[str, Any] = {name: property(itemgetter(position + 1)) for position, name in enumerate(names)}
    return type("Values", (tuple,), {"__slots__": (), **columns})


KEPT: Cache[tuple[type | None, tuple[str, ...]], type[tuple[Any, ...]]] = Cache("row classes")
"""Which columns are fetched is chosen by whoever writes the document."""
ROW_CLASS, COLUMN = 2_000, 300
"""Bytes of a class, and of each of its columns."""


def _kept(key: tuple[type | None, tuple[str, ...]], make: Callable[[], type[tuple[Any, ...]]]) -> type[tuple[Any, ...]]:
    found = KEPT.get(key)
    if found is None:
        found = make()
        KEPT.put(key, found, ROW_CLASS + COLUMN * len(key[1]))
    return found


def _reading(get: Any, read: Any) -> Any:
    return lambda row: read(get(row))


def _column(name: str, read: Any) -> property:
    get = itemgetter(name)

    def plain(row: Any) -> Any:
        try:
            return get(row)
        except KeyError:
            raise AttributeError(name) from None

    def converted(row: Any) -> Any:
        return read(plain(row))

    return property(plain if read is None else converted)


def text_of(statement: Select[*tuple[Any, ...]]) -> tuple[str, list[str]]:
    """Compile a statement whose parameters are all given when it is run. Returns its SQL, and their names in order."""
    compiled: Any = statement.compile(dialect=DIALECT)
    return compiled.string, list(compiled.positiontup)
