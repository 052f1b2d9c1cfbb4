"""The values of an operation's variables (October 2021, section 6.1.2)."""

from __future__ import annotations

from typing import Any

from graphql import GraphQLError, GraphQLSchema, OperationDefinitionNode, Undefined, is_non_null_type
from graphql.execution.get_variable_signature import GraphQLVariableSignature, get_variable_signature
from graphql.execution.values import VariableValues, VariableValueSource

from documents.limits import text_problem
from documents.selections import Fragments
from schema.core.variables import coerce

PLAIN: dict[str, type] = {"ID": str, "String": str, "Boolean": bool, "Int": int}


class Coercion:
    """The coercion of an operation's variables. Most take ids, texts and numbers alone, which are right already."""

    def __init__(self, schema: GraphQLSchema, operation: OperationDefinitionNode, fragments: Fragments) -> None:
        self._schema = schema
        self._operation = operation
        self._fragments = fragments
        definitions = operation.variable_definitions or ()
        found = [get_variable_signature(schema, one) for one in definitions]
        kinds = [_kind(one) for one in found]
        self._plain: list[Any] | None = None
        if all(kinds) and not any(one.default_value for one in definitions):
            self._plain = list(zip(found, kinds, strict=True))

    def values(self, inputs: dict[str, Any]) -> VariableValues | list[GraphQLError]:
        """Coerced, or what is wrong with them."""
        found = self._plainly(inputs) if self._plain is not None else None
        if found is not None:
            return found
        return coerce(self._schema, self._operation, self._fragments, inputs)

    def _plainly(self, inputs: dict[str, Any]) -> VariableValues | None:
        """Null where a value needs to be converted, or is wrong."""
        sources: dict[str, VariableValueSource] = {}
        coerced: dict[str, Any] = {}
        for signature, kind in self._plain or ():
            name = signature.name
            value = inputs.get(name, Undefined)
            if value.__class__ is kind:
                if (kind is str and text_problem(value)) or (kind is int and not -(2**31) <= value < 2**31):
                    return None
                coerced[name] = value
            elif is_non_null_type(signature.type) or not (value is None or value is Undefined):
                return None
            elif value is None:
                coerced[name] = None
            sources[name] = VariableValueSource(signature, value)
        return VariableValues(sources, coerced)


def _kind(signature: GraphQLVariableSignature | GraphQLError) -> type | None:
    if isinstance(signature, GraphQLError):
        return None
    type_: Any = signature.type
    return PLAIN.get(getattr(type_.of_type if is_non_null_type(type_) else type_, "name", ""))
