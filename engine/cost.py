"""What an operation may cost, estimated before any SQL from its document, the schema and the variables.

The unit is one row that the answer holds. Lists multiply what is inside them:

    scalar, facet, or anything else of a row that is there already    0 + inside
    related row, aggregate                                            1 + inside
    list, or connection                                               1 + rows × (1 + inside)
    list of things that are there already                             20 × inside
    root field                                                        1 + inside, or as a list
    root field with arguments, or root list                           20 more
    argument that narrows or sorts a root list                        50, and 5 for each item of a list
    words to be searched for                                          as their field declares (`schema/core/prices.py`)
    id of `nodes(ids:)`                                               5
    totalCount, totalCountIsCapped, or both                           20, of a root list 500
    introspection                                                     50, and 2 for each field of its answer, about
    mutation                                                          200, or as declared, + inside its payload

How many rows there are is the size of the page, `first` or `last` or else 20, and never more than what the relation
declares as typical (`dataloaders/core/declarations.py`). Rows that are shown twice, by aliases or as `nodes` beside
`edges`, count twice. Of the types that an interface or a union may stand for, the dearest counts. A field that is asked
for twice, and so answered once, counts once; one that is left out by `@skip` or `@include` counts nothing. An operation
costs at least 1.

    { events(first: 50) { totalCount nodes { title venue { name } hosts { user { displayName } } } } }

costs 1 + 20 + 50 × (1 + venue 1 + hosts (1 + 2 × (1 + user 1))) + totalCount 500 = 871: an event has 2 hosts as a rule.

A query that turns out to hold more is counted while it runs (`dataloaders/core/spending.py`) and stopped where it
passes the limit. The answer to a mutation is never cut, since what it did stands, nor is an item of a subscription:
what they may hold at most is counted before, with the limits of lists and the sizes of pages. So is what a query may
hold that asks about the schema beside rows: graphql-core runs it in one go, and the engine does not count. What is
about the schema costs ten times as much there. A subscription costs as much as one of its items."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLError,
    GraphQLField,
    GraphQLInputObjectType,
    GraphQLSchema,
    NamedTypeNode,
    NonNullTypeNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    TypeNode,
    get_named_type,
    get_nullable_type,
    introspection_types,
    is_abstract_type,
    is_leaf_type,
    is_list_type,
)

from caches import TOKEN, Cache, weight_of
from dataloaders.core.declarations import Many, One, OneOf, Pages, Value
from dataloaders.core.keyset_pages import MAXIMUM_SIZE
from documents.documents import Prepared
from documents.selections import Collector, Fragments
from engine.cost_terms import ArgumentCost, Cost, Variables, largest, read, rows_of_list, rows_of_page, settled, times
from engine.introspection import Averages
from schema.core.arguments import PAGE_ARGUMENTS
from schema.core.connection_types import Connection
from schema.core.error_format import TOO_COSTLY_MESSAGE
from schema.core.metadata import COST_KEY, DECLARED, definition_of
from schema.core.prices import (
    BESIDE_ROWS,
    DESCRIBED,
    INTROSPECTION,
    ITEM,
    MUTATION,
    READING,
    ROOT_TOTAL_COUNT,
    TOTAL_COUNT,
    Price,
    condition,
)
from schema.core.relations import Derived

ABOUT_SCHEMA = {"__schema": "__Schema", "__type": "__Type"}
LIST_IN_HAND = 20
"""Items of a list without a declared limit, such as those of a payload."""
PIECE = 200
"""Bytes of a piece of a cost."""


class CostEstimator:
    """Reads the cost of one operation, with the Boolean variables known."""

    def __init__(
        self,
        schema: GraphQLSchema,
        fragments: Fragments,
        booleans: Variables,
        averages: Averages,
    ) -> None:
        self._schema = schema
        self._collector = Collector(schema, fragments, booleans)
        self._averages = averages
        self._is_typical = True
        self._is_beside_rows = False

    def operation(self, node: OperationDefinitionNode) -> Cost:
        root = self._schema.get_root_type(node.operation)
        assert root is not None
        names = {nodes[0].name.value for nodes in self._collector.fields(root, [node.selection_set]).values()}
        self._is_typical = node.operation is OperationType.QUERY and names.isdisjoint(ABOUT_SCHEMA)
        self._is_beside_rows = not all(name.startswith("__") for name in names)
        return self._object(root, [node.selection_set])

    def _selection(self, type_: Any, nodes: Iterable[FieldNode]) -> Cost:
        """Return what stands within a field, for the type that it answers with."""
        if is_leaf_type(type_):
            return Cost()
        sets = [node.selection_set for node in nodes if node.selection_set]
        if not is_abstract_type(type_):
            return self._object(type_, sets)
        return largest([self._object(possible, sets) for possible in self._schema.get_possible_types(type_)])

    def _object(self, type_: Any, sets: Iterable[SelectionSetNode]) -> Cost:
        total = Cost()
        for nodes in self._collector.fields(type_, sets).values():
            total += self._field(type_, nodes)
        return total

    def _field(self, parent: Any, nodes: list[FieldNode]) -> Cost:
        name = nodes[0].name.value
        if name.startswith("__"):
            return (
                Cost() if name == "__typename" else self._about_schema(introspection_types[ABOUT_SCHEMA[name]], nodes)
            )
        field = parent.fields[name]
        type_ = get_named_type(field.type)
        if is_connection(type_):
            return self._connection(parent, field, type_, nodes)
        own = own_price(self._schema, parent, field, nodes[0])
        within = self._selection(type_, nodes)
        declared = _metadata(field).get(DECLARED)
        if isinstance(declared, Many):
            return own + times(declared.typical if self._is_typical else declared.limit, Cost(1) + within)
        if isinstance(declared, Derived):
            return own + Cost(sum(self._rows(need.declaration) for need in declared.needs.values())) + within
        if not is_list_type(get_nullable_type(field.type)):
            return own + within
        if parent is self._schema.query_type:
            return own + times(rows_of_list(nodes[0]), Cost(1) + within)
        return own + times(LIST_IN_HAND, within)

    def _about_schema(self, type_: Any, nodes: list[FieldNode]) -> Cost:
        described = DESCRIBED * self._described(type_, _sets(nodes), 1.0)
        return Cost(INTROSPECTION + int(described) * (BESIDE_ROWS if self._is_beside_rows else 1))

    def _described(self, type_: Any, sets: list[SelectionSetNode], many: float) -> float:
        """How many fields there are within so many things of the type."""
        total = 0.0
        for name, nodes in ((one[0].name.value, one) for one in self._collector.fields(type_, sets).values()):
            total += many
            if name in type_.fields and not is_leaf_type(inner := get_named_type(type_.fields[name].type)):
                total += self._described(inner, _sets(nodes), many * self._averages.by_name.get(name, 1.0))
        return total

    def _rows(self, need: Any) -> int:
        if not isinstance(need, Many):
            return 0
        return need.typical if self._is_typical else need.limit

    def _connection(self, parent: Any, field: Any, type_: Any, nodes: list[FieldNode]) -> Cost:
        own, shown, is_counted = own_price(self._schema, parent, field, nodes[0]), [], False
        for inner in self._collector.fields(type_, _sets(nodes)).values():
            match inner[0].name.value:
                case "nodes":
                    shown.append((type_.fields["nodes"], inner))
                case "edges":
                    edge: Any = get_named_type(type_.fields["edges"].type)
                    among = self._collector.fields(edge, _sets(inner)).values()
                    shown += [(edge.fields["node"], one) for one in among if one[0].name.value == "node"]
                case "totalCount" | "totalCountIsCapped":
                    is_counted = True
        each = Cost(max(1, len(shown)))
        for row, asked in shown:
            each += self._selection(get_named_type(row.type), asked)
        declared = _metadata(field).get(DECLARED)
        at_most = declared.typical if self._is_typical and isinstance(declared, Pages) else MAXIMUM_SIZE
        if is_counted:
            own += Cost(total_count_price(self._schema, parent))
        return own + times(rows_of_page(nodes[0], at_most), each)


def _sets(nodes: Iterable[FieldNode]) -> list[SelectionSetNode]:
    return [node.selection_set for node in nodes if node.selection_set]


def _metadata(definition: Any) -> Mapping[str, Any]:
    """Return what one of our fields was declared with."""
    declared = definition_of(definition)
    return declared.metadata if declared is not None else {}


def is_connection(type_: Any) -> bool:
    origin = getattr(definition_of(type_), "origin", None)
    return isinstance(origin, type) and issubclass(origin, Connection)


def own_price(schema: GraphQLSchema, parent: Any, field: GraphQLField, node: FieldNode) -> Cost:
    """Return what a field costs for each of its parents beside the rows that it leads to."""
    if parent is schema.mutation_type:
        return Cost(_metadata(field).get(COST_KEY, MUTATION))
    is_list = is_list_type(get_nullable_type(field.type))
    if parent in (schema.query_type, schema.subscription_type):
        is_page = is_connection(get_named_type(field.type))
        own = Cost(1 + (READING if is_list or is_page or node.arguments else 0))
        for argument in node.arguments or ():
            if argument.name.value not in PAGING and (is_page or is_list):
                own += _given(field, argument, condition if is_page else _items)
        return own
    declared = _metadata(field).get(DECLARED)
    if isinstance(declared, Derived):
        return Cost(len(declared.needs))
    return Cost(int(isinstance(declared, One | OneOf | Value | Many | Pages)))


def total_count_price(schema: GraphQLSchema, parent: Any) -> int:
    return ROOT_TOTAL_COUNT if parent is schema.query_type else TOTAL_COUNT


PAGING = frozenset(one.name for one in PAGE_ARGUMENTS)


def _items(value: Any) -> int:
    return ITEM * len(value) if isinstance(value, list) else ITEM


def _given(field: GraphQLField, argument: ArgumentNode, price: Price) -> Cost:
    """Return what an argument adds, by the prices that the fields of its type declare."""
    type_ = get_named_type(field.args[argument.name.value].type)
    prices: dict[str, Price] = {}
    if isinstance(type_, GraphQLInputObjectType):
        prices = {name: _metadata(one).get(COST_KEY, price) for name, one in type_.fields.items()}
    return settled(ArgumentCost(argument.value, price, prices), argument.value)


def _is_boolean(type_: TypeNode) -> bool:
    if isinstance(type_, NonNullTypeNode):
        return _is_boolean(type_.type)
    return isinstance(type_, NamedTypeNode) and type_.name.value == "Boolean"


@dataclass(frozen=True)
class _Known:
    defaults: Variables
    cost: Cost


class Costs:
    """The costs of the operations asked for last; what does not depend on variables is worked out once for each."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._averages = Averages.of(schema)
        self._kept: Cache[Any, _Known] = Cache("costs")

    def of(self, text: str, prepared: Prepared, operation: OperationDefinitionNode, variables: Variables) -> int:
        """Return the cost of a valid operation of the prepared document, whose text is given too. Never raises for what
        stands in the variables.
        """
        key = (text, operation.name and operation.name.value, self._booleans(operation, variables))
        known = self._kept.get(key)
        if known is None:
            known = self._read(prepared, operation, dict(key[2]))
            # What waits for variables holds their places in the syntax tree, and by them the whole of it.
            tokens = prepared.tokens if known.cost.open else 0
            self._kept.put(key, known, weight_of(text) + PIECE * known.cost.pieces + TOKEN * tokens)
        return max(1, known.cost.of({**known.defaults, **variables}) if known.cost.open else known.cost.fixed)

    def _booleans(self, operation: OperationDefinitionNode, variables: Variables) -> tuple[tuple[str, bool], ...]:
        """Return the variables that can stand in `@skip` and `@include`."""
        found = []
        for definition in operation.variable_definitions or ():
            if _is_boolean(definition.type):
                name = definition.variable.name.value
                value = variables[name] if name in variables else read(definition.default_value, {})
                if isinstance(value, bool):
                    found.append((name, value))
        return tuple(found)

    def _read(self, prepared: Prepared, operation: OperationDefinitionNode, booleans: Variables) -> _Known:
        assert prepared.document is not None
        defaults = {
            definition.variable.name.value: read(definition.default_value, {})
            for definition in operation.variable_definitions or ()
            if definition.default_value is not None
        }
        cost = CostEstimator(self._schema, prepared.fragments, booleans, self._averages).operation(operation)
        return _Known(defaults, cost)


def too_costly(requested: int, maximum: int, actual: int | None = None) -> GraphQLError:
    """`actual` where it turned out while the operation ran."""
    cost = {"requested": requested, **({} if actual is None else {"actual": actual}), "maximum": maximum}
    return GraphQLError(TOO_COSTLY_MESSAGE, extensions={"code": "QUERY_TOO_COSTLY", "cost": cost})
