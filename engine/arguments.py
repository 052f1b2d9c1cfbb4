"""What a field's Python function is given: its arguments, converted once for the same variables."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from itertools import count
from typing import Any

from graphql import (
    ArgumentNode,
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    ListValueNode,
    ObjectValueNode,
    Undefined,
    VariableNode,
    get_argument_values,
    is_non_null_type,
)
from graphql.execution.values import VariableValues
from strawberry.utils.str_converters import to_camel_case

from caches import Cache, weight_of
from engine.inputs import converters_of
from schema import Schema
from schema.core.metadata import definition_of

LONGEST_KEY = 2_000
"""Characters of variables for which converted values are kept."""
CONVERTED = 16
"""Bytes of converted values, for each character of their variables."""
PLAIN = {"ID", "Int", "String", "Boolean"}

KEPT: Cache[Any, dict[str, Any]] = Cache("arguments")
"""Arguments of the process, by the number of the `Arguments`, which are freed before, and the values of variables."""
NUMBERS = count()


@dataclass(frozen=True)
class VariableArgument:
    """An argument that is a variable of a plain type: its value needs no conversion, and may be another each time."""

    name: str
    variable: str
    is_required: bool


class Arguments:
    """The arguments of one field of a plan. Converted values are shared between runs; nobody changes an input."""

    def __init__(self, definition: GraphQLField, node: FieldNode) -> None:
        self._definition = definition
        self._node = node
        self._direct = [one for one in map(self._direct_of, node.arguments or ()) if one is not None]
        names = {name for one in node.arguments or () for name in _variables(one.value)}
        self._number = next(NUMBERS)
        self._variables = tuple(sorted(names - {one.variable for one in self._direct}))
        self._convert: Callable[[Mapping[str, Any]], dict[str, Any]] | None = None

    def _direct_of(self, node: ArgumentNode) -> VariableArgument | None:
        argument = self._definition.args[node.name.value]
        named: Any = argument.type.of_type if is_non_null_type(argument.type) else argument.type
        if (
            not isinstance(node.value, VariableNode)
            or getattr(named, "name", None) not in PLAIN
            or _has_default(argument)
        ):
            return None
        declared: Any = definition_of(self._definition)
        for one in declared.arguments:
            if (one.graphql_name or to_camel_case(one.python_name)) == node.name.value:
                return VariableArgument(one.python_name, node.value.name.value, is_non_null_type(argument.type))
        return None

    def converted(self, schema: Schema, variables: VariableValues) -> dict[str, Any]:
        """As Strawberry gives them to a resolver."""
        given = variables.coerced
        for one in self._direct:
            if one.is_required and given.get(one.variable) is None:
                # Says what is wrong.
                return self.fresh(schema, variables)
        values = [repr(given[name]) if name in given else None for name in self._variables]
        key = (self._number, *values)
        found = KEPT.get(key)
        if found is None:
            found = self.fresh(schema, variables)
            for one in self._direct:
                found.pop(one.name, None)
            characters = sum(len(one) for one in values if one is not None)
            if characters <= LONGEST_KEY:
                KEPT.put(key, found, weight_of(key) + CONVERTED * characters + 1_000)
        return found | {one.name: given[one.variable] for one in self._direct if one.variable in given}

    def fresh(self, schema: Schema, variables: VariableValues) -> dict[str, Any]:
        """As `converted`, for who asks once."""
        if self._convert is None:
            declared: Any = definition_of(self._definition)
            self._convert = converters_of(schema).arguments(declared.arguments)
        return self._convert(get_argument_values(self._definition, self._node, variables))


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
