"""From a document to an answer: plans are made once for an operation and kept beside its document."""

from __future__ import annotations

from collections import Counter, OrderedDict
from typing import Any

from graphql import ExecutionResult, FragmentDefinitionNode, GraphQLError, OperationDefinitionNode, OperationType
from graphql.execution.values import VariableValues, get_variable_values

from engine.collect import Unplannable, flag_names
from engine.execute import Execution
from engine.plan import Plan, Planner
from schema import Schema
from schema.context import Context
from schema.documents import Prepared
from schema.limits import check_variables

MOST_COERCION_ERRORS = 50
"""As graphql-core has it."""
KEPT = 1_000
"""Plans. Each belongs to a document that is kept within limits of its own (`schema/documents.py`)."""


class Engine:
    """Of one schema. `fallbacks` counts operations that graphql-core ran instead, by reason."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._plans: OrderedDict[Any, Plan | str] = OrderedDict()
        self.fallbacks: Counter[str] = Counter()

    async def execute(
        self,
        query: str,
        *,
        variable_values: dict[str, Any] | None = None,
        operation_name: str | None = None,
        context_value: Context,
    ) -> Any:
        """As `Schema.execute` of Strawberry, with the same answer."""
        prepared = self._schema.prepare(query)
        operation = prepared.operation(operation_name)
        plan: Plan | str = "request"
        if operation is not None and not prepared.errors and operation.operation is not OperationType.SUBSCRIPTION:
            inputs = variable_values or {}
            errors = check_variables(self._schema._schema, operation, inputs)
            variables: Any = errors or get_variable_values(
                self._schema._schema,
                operation.variable_definitions or (),
                inputs,
                max_errors=MOST_COERCION_ERRORS,
                hide_suggestions=True,
            )
            if isinstance(variables, list):
                return self._presented(ExecutionResult(data=None, errors=variables), context_value)
            plan = self._plan(query, prepared, operation, variables)
            if isinstance(plan, Plan):
                answer = await Execution(self._schema, plan, context_value, variables).run()
                result = ExecutionResult(data=answer.data, errors=answer.errors or None)
                return self._presented(result, context_value)
        self.fallbacks[str(plan)] += 1
        return await self._schema.execute(
            query, variable_values=variable_values, operation_name=operation_name, context_value=context_value
        )

    def _presented(self, result: ExecutionResult, context: Context) -> ExecutionResult:
        errors: list[GraphQLError] = result.errors or []
        self._schema.present_errors(errors, context)
        return result

    def _plan(
        self, query: str, prepared: Prepared, operation: OperationDefinitionNode, variables: VariableValues
    ) -> Plan | str:
        """The plan, or the reason why there is none."""
        assert prepared.document is not None
        fragments = {
            node.name.value: node for node in prepared.document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        names = flag_names(operation, fragments)
        flags = {name: variables.coerced[name] for name in names if isinstance(variables.coerced.get(name), bool)}
        if len(flags) < len(names):
            return "directive"
        name = operation.name.value if operation.name else None
        key = (query, name, *flags.values())
        found = self._plans.get(key)
        if found is None:
            try:
                found = Planner(self._schema._schema, fragments, flags).plan(operation)
            except Unplannable as reason:
                found = reason.reason
            self._plans[key] = found
            if len(self._plans) > KEPT:
                self._plans.popitem(last=False)
        else:
            self._plans.move_to_end(key)
        return found
