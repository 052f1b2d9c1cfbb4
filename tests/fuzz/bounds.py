"""No answer holds more than was counted for it: one that is counted too low would be a way around the limit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLSchema,
    SelectionSetNode,
    get_named_type,
    is_abstract_type,
)

from schema import Schema
from tests.fuzz.operations import Case


class Bounds:
    """Counts the things with an id in an answer, each as often as it stands there."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema

    def problem(self, case: Case, data: Any, spent: int | None) -> str | None:
        """What is wrong with what was counted for a query, if anything. What a mutation answers with was in hand
        already. Null where nothing was counted."""
        prepared = self._schema.prepare(case.text)
        operation = prepared.operation(case.operation_name)
        if case.is_mutation or data is None or spent is None or prepared.document is None or operation is None:
            return None
        fragments = {
            node.name.value: node for node in prepared.document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        schema = self._schema.graphql
        held = Counting(schema, fragments).rows(data, schema.query_type, [operation.selection_set])
        return f"was counted as {spent} and holds {held} rows" if held > spent else None


class Counting:
    def __init__(self, schema: GraphQLSchema, fragments: Mapping[str, FragmentDefinitionNode]) -> None:
        self._schema = schema
        self._fragments = fragments
        self._node: Any = schema.type_map["Node"]

    def rows(self, data: Any, type_: Any, sets: list[SelectionSetNode]) -> int:
        """Things with an id in this part of the answer, whose fields are of `type_` and were asked for by `sets`."""
        if isinstance(data, list):
            return sum(self.rows(item, type_, sets) for item in data)
        if not isinstance(data, dict):
            return 0
        below: dict[str, tuple[Any, list[SelectionSetNode]]] = {}
        for parent, node in self._fields(type_, sets):
            if node.selection_set and node.name.value in getattr(parent, "fields", ()):
                within = get_named_type(parent.fields[node.name.value].type)
                below.setdefault((node.alias or node.name).value, (within, []))[1].append(node.selection_set)
        found = sum(self.rows(data.get(key), within, inner) for key, (within, inner) in below.items())
        return found + self._is_node(type_)

    def _is_node(self, type_: Any) -> bool:
        return type_ is self._node or (not is_abstract_type(type_) and self._schema.is_sub_type(self._node, type_))

    def _fields(self, type_: Any, sets: Iterable[SelectionSetNode]) -> Iterator[tuple[Any, FieldNode]]:
        for selections in sets:
            for node in selections.selections:
                if isinstance(node, FieldNode):
                    yield type_, node
                    continue
                inner: Any = self._fragments[node.name.value] if isinstance(node, FragmentSpreadNode) else node
                condition = inner.type_condition
                narrower = self._schema.type_map[condition.name.value] if condition else type_
                yield from self._fields(narrower, [inner.selection_set])
