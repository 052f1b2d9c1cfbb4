"""What a field's Python function is given: its arguments, converted once for the same variables, and its call."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLResolveInfo,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    VariableNode,
    get_argument_values,
    is_non_null_type,
)
from graphql.execution.values import VariableValues
from graphql.pyutils import Path
from strawberry.types.arguments import convert_arguments
from strawberry.utils.str_converters import to_camel_case

from schema import Schema
from schema.context import Context

if TYPE_CHECKING:
    from engine.plan import Field, Plan

KEPT = 64
"""Sets of converted values of one field."""
PLAIN = {"ID", "Int", "String", "Boolean"}


@dataclass(frozen=True)
class Direct:
    """An argument that is a variable of a plain type: its value needs no conversion, and may be another each time."""

    name: str
    variable: str
    is_required: bool


class Arguments:
    """Of one field of a plan. Converted values are shared between runs; nobody changes an input."""

    def __init__(self, definition: GraphQLField, node: FieldNode) -> None:
        self._definition = definition
        self._node = node
        self._direct = [one for one in map(self._direct_of, node.arguments or ()) if one is not None]
        names = {name for one in node.arguments or () for name in _variables(one.value)}
        self._variables = tuple(sorted(names - {one.variable for one in self._direct}))
        self._kept: dict[Any, dict[str, Any]] = {}

    def _direct_of(self, node: ArgumentNode) -> Direct | None:
        argument = self._definition.args[node.name.value]
        named: Any = argument.type.of_type if is_non_null_type(argument.type) else argument.type
        if (
            not isinstance(node.value, VariableNode)
            or getattr(named, "name", None) not in PLAIN
            or _has_default(argument)
        ):
            return None
        declared: Any = self._definition.extensions["strawberry-definition"]
        for one in declared.arguments:
            if (one.graphql_name or to_camel_case(one.python_name)) == node.name.value:
                return Direct(one.python_name, node.value.name.value, is_non_null_type(argument.type))
        return None

    def coerced(self, variables: VariableValues) -> dict[str, Any]:
        """As graphql-core gives them to a resolver."""
        return get_argument_values(self._definition, self._node, variables)

    def converted(self, schema: Schema, variables: VariableValues) -> dict[str, Any]:
        """As Strawberry gives them to a resolver."""
        given = variables.coerced
        if any(one.is_required and given.get(one.variable) is None for one in self._direct):
            # Says what is wrong.
            return self._convert(schema, variables)
        key = tuple(repr(given[name]) if name in given else None for name in self._variables)
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= KEPT:
                self._kept.clear()
            found = self._convert(schema, variables)
            for one in self._direct:
                found.pop(one.name, None)
            self._kept[key] = found
        return found | {one.name: given[one.variable] for one in self._direct if one.variable in given}

    def _convert(self, schema: Schema, variables: VariableValues) -> dict[str, Any]:
        definition: Any = self._definition.extensions["strawberry-definition"]
        registry = schema.schema_converter.scalar_registry
        return convert_arguments(self.coerced(variables), definition.arguments, registry, schema.config)


def _has_default(argument: GraphQLArgument) -> bool:
    return argument.default is not None or argument.default_value not in (None, Undefined)


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
