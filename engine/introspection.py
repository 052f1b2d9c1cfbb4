"""What the schema answers about itself. It is the same for everyone, so it is kept, as the bytes that are sent."""

from __future__ import annotations

from typing import Any, NamedTuple

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    execute,
    is_abstract_type,
)
from graphql.execution import Executor

from caches import Cache, weight_of
from dataloaders.core.spending import TooCostly
from documents.slices import in_slices, pause_if_due
from schema.core.context import Context
from schema.core.prices import DESCRIBED, price_of_description

LONGEST_VARIABLES = 1_000
"""Characters of the variables for which an answer is kept."""


class IntrospectionExecutor(Executor[Any]):
    """Pauses at every field, and counts it."""

    def execute_field(self, *arguments: Any) -> Any:
        pause_if_due()
        self.context_value.spending.count(DESCRIBED)
        return super().execute_field(*arguments)


class IntrospectionCache:
    """The encoded answers of one schema about itself."""

    def __init__(self, schema: GraphQLSchema) -> None:
        self._schema = schema
        self._kept: Cache[tuple[str, str | None, str], bytes] = Cache("introspections", largest=2)

    async def answer(
        self, document: DocumentNode, query: str, variables: dict[str, Any] | None, name: str | None, context: Context
    ) -> ExecutionResult:
        """Return the answer to a query that asks about nothing but the schema. Raises `TooCostly`."""
        key = (query, name, repr(variables))
        kept = self._kept.get(key)
        if kept is not None:
            context.spending.count(price_of_description(len(kept)))
            return ExecutionResult(orjson.Fragment(kept), None)  # type: ignore[arg-type]  # is written as the object
        result = await in_slices(self._execute, document, variables, name, context)
        if context.spending.is_over:
            raise TooCostly
        if result.errors:
            return result
        encoded = orjson.dumps(result.data)
        if len(key[2]) < LONGEST_VARIABLES:
            self._kept.put(key, encoded, weight_of(key) + len(encoded))
        return ExecutionResult(orjson.Fragment(encoded), None)  # type: ignore[arg-type]  # likewise

    def _execute(
        self, document: DocumentNode, variables: dict[str, Any] | None, name: str | None, context: Context
    ) -> ExecutionResult:
        result = execute(
            self._schema,
            document,
            context_value=context,
            variable_values=variables,
            operation_name=name,
            executor_class=IntrospectionExecutor,
        )
        assert isinstance(result, ExecutionResult)
        return result


class Averages(NamedTuple):
    """How many a list of the introspection has, by its field's name."""

    by_name: dict[str, float]

    @staticmethod
    def of(schema: GraphQLSchema) -> Averages:
        types = list(schema.type_map.values())
        objects = [one for one in types if isinstance(one, GraphQLObjectType | GraphQLInterfaceType)]
        fields = [field for one in objects for field in one.fields.values()]
        inputs = sum(len(one.fields) for one in types if isinstance(one, GraphQLInputObjectType))
        values = sum(len(one.values) for one in types if isinstance(one, GraphQLEnumType))
        possible = sum(len(schema.get_possible_types(one)) for one in types if is_abstract_type(one))
        return Averages(
            {
                "types": len(types),
                "directives": len(schema.directives),
                "fields": len(fields) / len(types),
                "inputFields": inputs / len(types),
                "enumValues": values / len(types),
                "possibleTypes": possible / len(types),
                "interfaces": sum(len(one.interfaces) for one in objects) / len(types),
                "ofType": 0.5,
                "args": sum(len(field.args) for field in fields) / max(1, len(fields)),
            }
        )
