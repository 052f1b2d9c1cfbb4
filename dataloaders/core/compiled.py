"""Declarations as SQL text: each statement is built and compiled once, and run with other values ever after.

What a statement is built from besides its declaration is the viewer, the time, and arguments. The viewer's role decides
its shape and is part of the key; the viewer's id and the present moment become slots, found by building it for a viewer
with an id that nobody has. So does a text that is looked for. Every other value is a constant of the
statement: arguments are part of the key, too.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, Protocol, TypeVar
from uuid import UUID, uuid4

import asyncpg
from sqlalchemy import Select, TupleType

from auth.viewer import Viewer
from caches import Cache, weight_of
from database.rows import DIALECT, reader, writer
from models import User, utcnow


class HasWeight(Protocol):
    @property
    def weight(self) -> int: ...


T = TypeVar("T", bound=HasWeight)

LONGEST_KEY = 2_000
"""Characters of arguments that a kept statement may have."""

PARAMETER = re.compile(r"\$(\d+)")
NAME = re.compile(r"[A-Za-z_]{1,40}|:")
"""A member of an enumeration, the name of a setting, what stands between two of them: nothing that could be more."""
TEXT = "text"
"""The name under which the text that a list looks for is given to its statement."""


class SearchText(str):
    """A text that somebody typed: a value even where it looks like a name, and another one each time."""


NOBODY = uuid4()
"""The id of the viewer for whom statements are built."""


@dataclass(frozen=True)
class Placeholder:
    """A parameter: `viewer`, `now`, or the name of a given value. `write` turns it into asyncpg's."""

    name: str
    write: Callable[[Any], Any] | None


@dataclass(frozen=True)
class Compiled:
    """`parameters` are constants and slots, in the order of `$1`, `$2`, …; `readers` are those of each column."""

    sql: str
    parameters: tuple[Any, ...]
    readers: tuple[Callable[[Any], Any] | None, ...]
    row_class: type[asyncpg.Record]

    @property
    def weight(self) -> int:
        """Bytes, with the key by which it is kept: that holds the constants once more, written out."""
        return 4_000 + 2 * weight_of(self.sql) + 4 * weight_of(self.parameters) + 100 * len(self.readers)

    @cached_property
    def plans_anew(self) -> bool:
        """Whether the parameters include values that narrow a list: words, interests, a day. How many rows match is
        known for each value only, and one plan for all values took a hundred times as long for some.
        """
        return len(self._slots) < len(self.parameters) or any(slot.name == TEXT for _, slot in self._slots)

    def arguments(self, viewer: Viewer, given: Mapping[str, Any]) -> list[Any]:
        values = list(self.parameters)
        for place, slot in self._slots:
            values[place] = self._value(slot, viewer, given)
        return values

    @cached_property
    def _slots(self) -> list[tuple[int, Placeholder]]:
        return [(place, one) for place, one in enumerate(self.parameters) if isinstance(one, Placeholder)]

    def _value(self, slot: Placeholder, viewer: Viewer, given: Mapping[str, Any]) -> Any:
        if slot.name == "viewer":
            value: Any = viewer.id
        else:
            value = utcnow() if slot.name == "now" else given[slot.name]
        return value if slot.write is None else slot.write(value)


def anyone_like(viewer: Viewer) -> Viewer:
    """Return a viewer with the same role and the id of nobody. Guests are all alike."""
    if viewer.user is None:
        return Viewer()
    return Viewer(User(id=NOBODY, role=viewer.role, is_active=True))


def compile_for(
    build: Callable[[Viewer], Select[Any]], viewer: Viewer, given: Sequence[str], row_class: type[asyncpg.Record]
) -> Compiled:
    """Build a statement for anyone like the viewer; parameters with the names in `given` come when it is run."""
    began = utcnow()
    statement = build(anyone_like(viewer))
    ended = utcnow()
    compiled: Any = statement.compile(dialect=DIALECT)
    later = {one.key: None for one in compiled.binds.values() if one.required}
    values = compiled.construct_params(later)
    sql, order = compiled.string, compiled.positiontup
    processors = {name: writer(one.type) for name, one in compiled.binds.items() if not isinstance(one.type, TupleType)}
    if compiled.post_compile_params or compiled.literal_execute_params:
        expanded = compiled.construct_expanded_state(later)
        sql, order = expanded.statement, expanded.positiontup
        values = {**values, **expanded.additional_parameters}
        processors |= dict(expanded.processors)

    def parameter(name: str) -> Any:
        value, write = values[name], processors.get(name)
        if name in given:
            return Placeholder(name, write)
        if isinstance(value, SearchText) and TEXT in given:
            return Placeholder(TEXT, write)
        if isinstance(value, UUID) and value == NOBODY:
            return Placeholder("viewer", write)
        if isinstance(value, datetime) and value.tzinfo is not None and began <= value <= ended:
            return Placeholder("now", write)
        return value if write is None else write(value)

    parameters = [parameter(name) for name in order]
    readers = tuple(reader(one.type) for one in statement.selected_columns)
    return Compiled(*_written_out(sql, parameters), readers, row_class)


def _written_out(sql: str, parameters: Sequence[Any]) -> tuple[str, tuple[Any, ...]]:
    """Names, numbers and truth values that never change stand in the statement itself: a plan that is kept for all
    parameters knows nothing of them.
    """
    kept: list[Any] = []
    written: list[str] = []
    for one in parameters:
        if isinstance(one, bool | int) and one >= 0:
            written.append(str(one).lower())
        elif isinstance(one, str) and not isinstance(one, SearchText) and NAME.fullmatch(one):
            written.append(f"'{one}'")
        else:
            kept.append(one)
            written.append(f"${len(kept)}")
    return PARAMETER.sub(lambda found: written[int(found[1]) - 1], sql), tuple(kept)


class StatementCache:
    """Compiled statements by what they were built from, the ones used last."""

    def __init__(self) -> None:
        self._kept: Cache[Hashable, Any] = Cache("statements")

    def get(self, key: Hashable, make: Callable[[], T]) -> T:
        found: T | None = self._kept.get(key)
        if found is None:
            found = make()
            self._kept.put(key, found, found.weight)
        return found


STATEMENTS = StatementCache()
"""The statements of this process. They hold nobody's data."""
