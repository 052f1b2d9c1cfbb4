"""Arguments of a field, coerced and turned into what its Python function takes, once for the same variables."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from graphql import FieldNode, GraphQLField, ListValueNode, ObjectValueNode, VariableNode, get_argument_values
from graphql.execution.values import VariableValues
from strawberry.types.arguments import convert_arguments

from schema import Schema

KEPT = 16
"""Sets of values of one field: those of a page's links, say. Ids of all kinds would be without end."""


class Arguments:
    """Of one field of a plan. Converted values are shared between runs; nobody changes an input."""

    def __init__(self, definition: GraphQLField, node: FieldNode) -> None:
        self._definition = definition
        self._node = node
        self._variables = tuple(sorted({name for one in node.arguments or () for name in _variables(one.value)}))
        self._kept: dict[Any, dict[str, Any]] = {}

    def coerced(self, variables: VariableValues) -> dict[str, Any]:
        """As graphql-core gives them to a resolver."""
        return get_argument_values(self._definition, self._node, variables)

    def converted(self, schema: Schema, variables: VariableValues) -> dict[str, Any]:
        """As Strawberry gives them to a resolver."""
        key = tuple(repr(variables.coerced[name]) if name in variables.coerced else None for name in self._variables)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            found = self._kept[key] = self._convert(schema, variables)
        return dict(found)

    def _convert(self, schema: Schema, variables: VariableValues) -> dict[str, Any]:
        definition: Any = self._definition.extensions["strawberry-definition"]
        registry = schema.schema_converter.scalar_registry
        return convert_arguments(self.coerced(variables), definition.arguments, registry, schema.config)


def _variables(value: Any) -> Iterator[str]:
    if isinstance(value, VariableNode):
        yield value.name.value
    elif isinstance(value, ListValueNode):
        for item in value.values:
            yield from _variables(item)
    elif isinstance(value, ObjectValueNode):
        for one in value.fields:
            yield from _variables(one.value)
