"""What a field's Python function is given: its arguments, converted once for the same variables, and its call."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from graphql import (
    FieldNode,
    GraphQLField,
    GraphQLResolveInfo,
    ListValueNode,
    ObjectValueNode,
    VariableNode,
    get_argument_values,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.types.arguments import convert_arguments

from schema import Schema
from schema.context import Context

if TYPE_CHECKING:
    from engine.plan import Field, Plan

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


def resolve_info(
    schema: Schema, plan: Plan, field: Field, variables: VariableValues, context: Context
) -> GraphQLResolveInfo[Context]:
    """What a resolver is told of its call, as far as ours ask."""
    unused: Any = None
    return GraphQLResolveInfo(
        field.nodes[0].name.value,
        field.nodes,
        field.definition.type,
        field.parent,
        Path(None, field.key, None),
        schema._schema,
        {},
        None,
        plan.operation,
        variables,
        context,
        unused,
        unused,
        unused,
    )
