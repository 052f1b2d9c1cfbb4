"""Makes plans: which fields an operation asks for, where their values come from, and what one statement fetches."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    GraphQLObjectType,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
    is_non_null_type,
)
from sqlalchemy import ARRAY, JSON, inspect
from sqlalchemy.orm import Mapper

from database.rows import attributes
from dataloaders.core.declarations import Many, Value
from dataloaders.core.selects import Fold, value_types
from documents.selections import Collector
from documents.slices import pause_if_due
from engine.cost import is_connection, own_price, total_count_price
from engine.cost_terms import Cost
from engine.declared import is_page_part, source_of
from engine.fetches import Connected, LookedUp, Resolved
from engine.plan import Field, OutputType, Plan, Selection
from engine.sources import PageRows, PassedRows, TotalCount, Typename
from schema.core.metadata import definition_of


class Unplannable(Exception):
    """The operation has something that plans cannot say; graphql-core runs it."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


PLAIN = {"String": str, "ID": str, "Boolean": bool}


def serializer(type_: Any) -> Callable[[Any], Any]:
    """Return a leaf type's own serializer, which values that plainly are what it writes do not need."""
    careful: Callable[[Any], Any] = type_.coerce_output_value
    plain = PLAIN.get(type_.name)
    if plain is not None:
        return lambda value: value if value.__class__ is plain else careful(value)
    if type_.name == "Int":
        return lambda value: value if value.__class__ is int and -(2**31) <= value < 2**31 else careful(value)
    if type_.name == "Float":
        # What is infinite or no number differs from itself by something that is not 0.
        return lambda value: value if value.__class__ is float and value - value == 0 else careful(value)
    return careful


MOST_FOLDS = 6


WIDEST_FOLD = 12
"""Columns. Rows that many lead to come once for each of them."""


def entity_of(type_: GraphQLObjectType, given: Any) -> Any:
    """Return the model whose rows are the source objects: that of the type itself, or of who fetches them."""
    definition: Any = definition_of(type_)
    return getattr(definition.origin, "row_class", None) or given if definition is not None else given


class Planner:
    def __init__(
        self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode], flags: Mapping[str, bool]
    ) -> None:
        self._schema = schema
        self._collector = Collector(schema, fragments, flags)
        self._is_about_schema = False

    def plan(self, operation: OperationDefinitionNode) -> Plan:
        root = self._schema.get_root_type(operation.operation)
        assert root is not None
        names = [nodes[0].name.value for nodes in self._collector.fields(root, [operation.selection_set]).values()]
        self._is_about_schema = all(name.startswith("__") for name in names)
        selection = self._selection(root, [operation.selection_set], None)
        return Plan(operation, selection, operation.operation is OperationType.MUTATION)

    def _selection(self, type_: GraphQLObjectType, sets: list[SelectionSetNode], entity: Any) -> Selection:
        selection = Selection(type_)
        rows = entity_of(type_, entity)
        for key, nodes in self._collector.fields(type_, sets).items():
            pause_if_due()
            made = self._field(type_, key, nodes, rows)
            made.entity = None if is_page_part(type_) else rows
            selection.fields.append(made)
        return selection

    def _field(self, type_: GraphQLObjectType, key: str, nodes: list[FieldNode], entity: Any) -> Field:
        name = nodes[0].name.value
        if name == "__typename":
            definition = self._schema.get_field(type_, name)
            assert definition is not None
            return Field(key, nodes, type_, definition, self._shape(definition.type, nodes, None), Typename(type_.name))
        if name.startswith("__"):
            raise Unplannable("introspection" if self._is_about_schema else "introspection among rows")
        definition = type_.fields[name]
        source = source_of(type_, definition)
        rows = entity if source.passes_rows else source.entity
        made = Field(key, nodes, type_, definition, self._shape(definition.type, nodes, rows), source)
        made.price = own_price(self._schema, type_, definition, nodes[0])
        if is_connection(get_named_type(definition.type)):
            made.shown = _price_page(made, total_count_price(self._schema, type_))
        if source.entity is not None:
            made.names = needed_columns(source.entity, made.shape)
            if not isinstance(source, Resolved):
                fold(made)
            if isinstance(source, LookedUp):
                made.page = next((child for child in _children(made.shape) if _is_brought(made, child)), None)
        return made

    def _shape(self, type_: Any, nodes: list[FieldNode], entity: Any) -> OutputType:
        is_nullable = not is_non_null_type(type_)
        if not is_nullable:
            type_ = type_.of_type
        if is_list_type(type_):
            of = self._shape(type_.of_type, nodes, entity)
            of.is_item = True
            return OutputType(is_nullable, of=of)
        if is_leaf_type(type_):
            return OutputType(is_nullable, serialize=serializer(type_), plain=PLAIN.get(type_.name))
        sets = [node.selection_set for node in nodes if node.selection_set is not None]
        if is_abstract_type(type_):
            possible = {one.name: self._selection(one, sets, None) for one in self._schema.get_possible_types(type_)}
            return OutputType(is_nullable, possible=possible, abstract=type_)
        return OutputType(is_nullable, selection=self._selection(get_named_type(type_), sets, entity))


def fold(field: Field) -> None:
    """Let the statement of a field fetch what its rows lead to: a row each by primary key, aggregates, short lists; few
    columns.
    """
    assert field.names is not None
    at = 1 + len(field.names)
    for child in _children(field.shape):
        found = child.source.foldable
        if found is None or found.key not in field.names:
            continue
        names = child.names if found.names is None else found.names
        is_list = isinstance(found.declaration, Many)
        if names is None or len(names) > WIDEST_FOLD or (is_list and not _fits_arrays(child)):
            continue
        if len(field.folds) == MOST_FOLDS:
            break
        if not is_list:
            # Its own statement is not run any more, so nothing can come with that.
            child.folds = ()
            for inner in _children(child.shape):
                inner.folded_at = None
        made = Fold(found.declaration, found.key, names, child.folds)
        field.folds = (*field.folds, made)
        field.folded_rows.add(found.declaration, at, 1 + len(child.folds))
        child.folded_at = at
        at += made.width


def _price_page(page: Field, total_count: int) -> int:
    """Set what counting costs. How often the connection shows its rows."""
    shown, is_counted = 0, False
    for one in (one for selection in page.shape.selections() for one in selection.fields):
        if isinstance(one.source, TotalCount):
            # A page is counted once, whatever its fields tell of that.
            one.price = Cost() if is_counted else Cost(total_count)
            is_counted = True
        elif isinstance(one.source, PageRows):
            inner = [inner for selection in one.shape.selections() for inner in selection.fields]
            row: Any = get_named_type(one.definition.type)
            shown += sum(isinstance(each.source, PassedRows) for each in inner) if is_page_part(row) else 1
    return max(1, shown)


def _is_brought(field: Field, child: Field) -> bool:
    """Whether a connection can come with the row that it belongs to."""
    source = child.source
    if not isinstance(source, Connected) or source.need.visible is not None:
        return False
    return source.need.key in (field.names or ()) and _fits_arrays(child)


def _fits_arrays(field: Field) -> bool:
    """Whether the rows of a list can come as an array for each column."""
    if any(isinstance(one.declaration, Many) for one in field.folds):
        return False
    types = _types(field.source.entity, field.names or ())
    for one in field.folds:
        declaration = one.declaration
        types += value_types(declaration) if isinstance(declaration, Value) else _types(declaration.entity, one.names)
    return bool(field.names) and not any(isinstance(type_, ARRAY | JSON) for type_ in types)


def _types(entity: Any, names: Sequence[str]) -> list[Any]:
    columns = inspect(entity).column_attrs
    return [columns[name].columns[0].type for name in names]


def _children(shape: OutputType) -> Iterator[Field]:
    """Fields of the rows themselves: through facets, pages and edges."""
    for selection in shape.selections():
        for one in selection.fields:
            if one.source.passes_rows:
                yield from _children(one.shape)
            else:
                yield one


def needed_columns(entity: Any, shape: OutputType) -> tuple[str, ...]:
    """Return the columns of an entity that the selections of a shape read, in the order of the model; all where code
    that does not say what it reads is among them.
    """
    mapper: Mapper[Any] = inspect(entity)
    wanted: set[str] = set()
    for selection in shape.selections():
        found = _reads(selection)
        if found is None or not found <= set(mapper.column_attrs.keys()):
            return attributes(entity)
        wanted |= found
    return tuple(one.key for one in mapper.column_attrs if one.key in wanted)


def _reads(selection: Selection) -> set[str] | None:
    names: set[str] = set()
    for one in selection.fields:
        reads = one.source.reads
        if one.source.passes_rows:
            # The same rows once more: a facet, or the rows of a page.
            inner = [_reads(each) for each in one.shape.selections()]
            reads = None if None in inner else frozenset().union(*(each for each in inner if each is not None))
        if reads is None:
            return None
        names |= reads
    return names
