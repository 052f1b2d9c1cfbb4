"""Where the values of a field come from when its rows are there already, read off its declaration.

A source gives the values for all parents of a selection at once: `values` a list at once, `load` after reading. A value
that could not be had is a `Failure` in its place. Sources that read are in `engine/fetches.py`, and what makes a source
of a declaration (`schema/core/relations.py`, `schema/core/roots.py`) is in `engine/declared.py`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import TYPE_CHECKING, Any, ClassVar

from graphql import GraphQLObjectType

from dataloaders.core.declarations import Many, One, Value
from schema.core import ids
from schema.core.relations import Need

if TYPE_CHECKING:
    from engine.execute import Execution
    from engine.plan import Field, Layout

Reads = frozenset[str] | None
"""Attributes of a row that a piece of code reads; null where it does not say."""
NOTHING: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Failure:
    error: Exception


@dataclass(frozen=True)
class Foldable:
    """What a statement for the parents can fetch along, open to all: one row by its primary key, a short list, or an
    aggregate, whose columns are known beforehand.
    """

    declaration: One | Many | Value
    key: str
    names: tuple[str, ...] | None = None


class Source:
    """`reads` are the attributes of the parent that it needs, `entity` is the model whose rows it fetches.

    `passes_rows`: its values are the parent itself, or the rows of a page that the parent is.
    """

    reads: Reads = None
    entity: Any = None
    passes_rows: ClassVar[bool] = False
    is_awaited: ClassVar[bool] = False
    foldable: Foldable | None = None

    def values(self, run: Execution, field: Field, rows: Sequence[Any]) -> list[Any]:
        """Return the values of a source that is not awaited."""
        raise NotImplementedError

    async def load(self, run: Execution, field: Field, rows: Sequence[Any], layout: Layout) -> list[Any]:
        """Return the values of a source that is awaited."""
        raise NotImplementedError


class Attribute(Source):
    def __init__(self, name: str, *, reads: Reads = None) -> None:
        self.name = name
        self.reads = frozenset({name}) if reads is None else reads
        self._get = attrgetter(name)

    def values(self, run: Execution, field: Field, rows: Sequence[Any]) -> list[Any]:
        return run.each(self._get, rows)


class GlobalId(Attribute):
    """`Node.id` of a row."""

    def __init__(self, type_: GraphQLObjectType) -> None:
        super().__init__("id")
        self._write = ids.encoder(type_.name)

    def values(self, run: Execution, field: Field, rows: Sequence[Any]) -> list[Any]:
        return run.each(lambda row: self._write(row.id), rows)


class Typename(Source):
    reads = NOTHING

    def __init__(self, name: str) -> None:
        self._name = name

    def values(self, run: Execution, field: Field, rows: Sequence[Any]) -> list[Any]:
        return [self._name] * len(rows)


class Facet(Source):
    """The same row under a name of its own."""

    reads = NOTHING
    passes_rows: ClassVar[bool] = True

    def values(self, run: Execution, field: Field, rows: Sequence[Any]) -> list[Any]:
        return list(rows)


class PassedRows(Attribute):
    """The row of an edge."""

    passes_rows: ClassVar[bool] = True


class RestrictedAttribute(Source):
    def __init__(self, attribute: str, gate: Callable[..., bool]) -> None:
        self.name, self.gate = attribute, gate
        self._get = attrgetter(attribute)
        reads = reads_of(gate)
        self.reads = None if reads is None else reads | {attribute}

    def values(self, run: Execution, field: Field, rows: Sequence[Any]) -> list[Any]:
        gate, get, info = self.gate, self._get, run.info
        return run.each(lambda row: get(row) if gate(row, info) else None, rows)


class Computed(Source):
    """Code over one row, which loads nothing."""

    def __init__(self, function: Callable[..., Any], *, takes_info: bool) -> None:
        self.reads = reads_of(function)
        self.function, self.takes_info = function, takes_info

    def values(self, run: Execution, field: Field, rows: Sequence[Any]) -> list[Any]:
        if not self.takes_info:
            return run.each(self.function, rows)
        function, info = self.function, run.info
        return run.each(lambda row: function(row, info), rows)


class PageRows(Computed):
    """`nodes` and `edges` of a page."""

    passes_rows: ClassVar[bool] = True


class TotalCount(Computed):
    """What a page tells of the length of its list, which its loader counts for all pages of a level."""

    reads = NOTHING
    is_awaited: ClassVar[bool] = True

    async def load(self, run: Execution, field: Field, rows: Sequence[Any], layout: Layout) -> list[Any]:
        counts = await asyncio.gather(*self.values(run, field, rows), return_exceptions=True)
        return [run.failed(one) if isinstance(one, Exception) else one for one in counts]


def reads_of(function: Callable[..., Any]) -> Reads:
    """Return what a gate or a computed field says that it reads of its row (`schema.core.relations.reads`)."""
    return getattr(function, "reads", None)


def reads_of_need(need: Need) -> Reads:
    reads = NOTHING if need.visible is None else reads_of(need.visible)
    return None if reads is None else reads | {need.key}
