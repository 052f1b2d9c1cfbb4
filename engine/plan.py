"""What an operation does, worked out once: for each selection its fields, for each field where its values come from.

A plan knows nothing of a request. It is made for an operation and the values of the variables in `@skip` and
`@include`, and runs with any other variables, for any viewer (`engine.execute`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLObjectType,
    OperationDefinitionNode,
)

from dataloaders.core.declarations import Many
from dataloaders.core.selects import Folds
from engine.arguments import Arguments
from engine.build import Builders, can_be_written, needs_no_care
from engine.cost_terms import Cost
from engine.fetches import Resolved
from engine.sources import Source, Typename

Layout = tuple[str, ...] | None
"""Attributes of fetched rows by position, the parent's key aside; null where rows are read by their attributes."""


@dataclass(eq=False)
class OutputType:
    """A GraphQL output type, ready for completing values: a leaf's, a list's, an object's or an abstract one's.

    Values of the class `plain` are what a leaf's `serialize` would make of them. `is_item`: it is that of list items.
    """

    is_nullable: bool
    serialize: Any = None
    plain: type | None = None
    of: OutputType | None = None
    selection: Selection | None = None
    possible: dict[str, Selection] | None = None
    abstract: Any = None
    is_item: bool = False

    def selections(self) -> list[Selection]:
        if self.of is not None:
            return self.of.selections()
        return list((self.possible or {}).values()) if self.selection is None else [self.selection]


@dataclass
class FoldedRows:
    """What comes in the rows of a field, beside them, by what is folded into them: how much of it counts."""

    each: int = 0
    """For each row: one for every fold."""
    lists: list[tuple[int, int]] = field(default_factory=list)
    """Where a row has the array of a list, and what counts for each of its items."""
    typical: int = 0
    most: int = 0
    """For each row, all in all."""

    def add(self, declaration: Any, at: int, weight: int) -> None:
        self.each += 1
        if isinstance(declaration, Many):
            self.lists.append((at, weight))
        self.typical += 1 + (declaration.typical * weight if isinstance(declaration, Many) else 0)
        self.most += 1 + (declaration.limit * weight if isinstance(declaration, Many) else 0)

    def of(self, rows: Sequence[Any]) -> int:
        found = self.each * len(rows)
        for at, weight in self.lists:
            found += weight * sum([len(array) for row in rows if (array := row[at]) is not None])
        return found


@dataclass(eq=False)
class Field:
    """A response key of a selection. `entity` is the model of its parents' rows. `names` are the columns that its own
    rows need, where it fetches rows, and `folds` what is fetched with them; a field whose rows were fetched so finds
    them in its parents' rows, from `folded_at` on. `page` is the connection that comes with a row that is looked up.

    `price` is what it costs for each parent beside its rows, and `shown` how often its rows are shown.
    """

    key: str
    nodes: list[FieldNode]
    parent: GraphQLObjectType
    definition: GraphQLField
    shape: OutputType
    source: Source
    entity: Any = None
    names: Layout = None
    folds: Folds = ()
    folded_at: int | None = None
    page: Field | None = None
    price: Cost = field(default_factory=Cost)
    shown: int = 1
    folded_rows: FoldedRows = field(default_factory=FoldedRows)
    arguments: Arguments = field(init=False)

    def __post_init__(self) -> None:
        self.arguments = Arguments(self.definition, self.nodes[0])

    @cached_property
    def is_awaited(self) -> bool:
        return self.source.is_awaited and self.folded_at is None

    @property
    def width(self) -> int:
        """Columns of its rows, with what is folded into them, the parent's key aside."""
        return len(self.names or ()) + sum(one.width for one in self.folds)

    @cached_property
    def suspends(self) -> bool:
        """Whether anything is read for it, here or further down."""
        inner = (one for selection in self.shape.selections() for one in selection.fields)
        return self.is_awaited or any(one.suspends for one in inner)

    @property
    def name(self) -> str:
        return self.nodes[0].name.value

    @property
    def coordinate(self) -> str:
        return f"{self.parent.name}.{self.name}"


@dataclass(eq=False)
class Selection:
    """The fields asked for of one object type. Most are written by the builder of the object; `batched` ones are
    completed for all objects at once before. `careful` are those of which something may fail.
    """

    type: GraphQLObjectType
    fields: list[Field] = field(default_factory=list)
    builders: Builders = field(default_factory=Builders)

    @cached_property
    def batched(self) -> list[Field]:
        return [one for one in self.fields if not can_be_written(one)]

    @cached_property
    def careful(self) -> list[Field]:
        return [one for one in self.fields if not needs_no_care(one)]


@dataclass(eq=False)
class Plan:
    operation: OperationDefinitionNode
    root: Selection
    is_serial: bool

    @cached_property
    def is_constant(self) -> bool:
        """Whether all answers are the same. Who asks for nothing but the type wants to know whether we are there."""
        return all(isinstance(one.source, Typename) for one in self.root.fields)

    @cached_property
    def per_parent(self) -> tuple[str, ...]:
        """Fields below the root whose code runs for each parent by itself."""
        found: dict[str, None] = {}
        waiting = [selection for one in self.root.fields for selection in one.shape.selections()]
        while waiting:
            for one in waiting.pop().fields:
                waiting += one.shape.selections()
                if isinstance(one.source, Resolved):
                    found[one.coordinate] = None
        return tuple(found)

    @property
    def constant(self) -> dict[str, Any]:
        return {one.key: self.root.type.name for one in self.root.fields}
