"""From a document to an answer: plans are made once for an operation and kept beside its document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution.values import VariableValues

from caches import PLAN_TOKEN, TOKEN, Cache, weight_of
from dataloaders.core.compiled_loaders import CompiledLoaders
from documents.selections import flag_names, fragments_of
from documents.slices import in_slices
from engine.execute import Execution
from engine.explain import Explanation
from engine.introspection import IntrospectionCache
from engine.plan import Plan
from engine.planner import Planner, Unplannable
from engine.variables import Coercion
from schema import Schema
from schema.core.context import Context

INTROSPECTION = "introspection"


class OperationPlans:
    """What is known of one operation of a document: its plans, by the values that decide which fields it has."""

    def __init__(
        self, schema: Schema, document: DocumentNode, operation: OperationDefinitionNode, plans: PlanCache
    ) -> None:
        self._schema = schema.graphql
        self.document = document
        self._operation = operation
        self._fragments = fragments_of(document)
        self._flags = flag_names(operation, self._fragments)
        self.coercion = Coercion(self._schema, operation, self._fragments)
        self._plans = plans
        # A plan holds the syntax tree, too, and so lies no lighter than what is known of its operation.
        self.weight = (document.token_count or 0) * TOKEN
        self._plan_weight = self.weight + (document.token_count or 0) * PLAN_TOKEN

    def plan(self, variables: VariableValues) -> Plan | str:
        """Return the plan, or the reason why there is none."""
        found = self._kept_plan(variables)
        return self._new_plan(variables) if found is None else found

    async def plan_in_slices(self, variables: VariableValues) -> Plan | str:
        """Return the same plan, with time for others where it has to be made."""
        found = self._kept_plan(variables)
        return await in_slices(self._new_plan, variables) if found is None else found

    def _kept_plan(self, variables: VariableValues) -> Plan | str | None:
        key: tuple[Any, ...] = ()
        if self._flags:
            key = self._key(variables)
            if not all(isinstance(value, bool) for value in key):
                return "directive"
        return self._plans.get((self, key))

    def _key(self, variables: VariableValues) -> tuple[Any, ...]:
        return tuple(variables.coerced.get(name) for name in self._flags)

    def _new_plan(self, variables: VariableValues) -> Plan | str:
        key = self._key(variables)
        made = self._make({name: bool(value) for name, value in zip(self._flags, key, strict=True)})
        self._plans.put((self, key), made, self._plan_weight)
        return made

    def _make(self, flags: dict[str, bool]) -> Plan | str:
        try:
            return Planner(self._schema, self._fragments, flags).plan(self._operation)
        except Unplannable as reason:
            return reason.reason


PlanCache = Cache[tuple[OperationPlans, tuple[Any, ...]], Plan | str]


class Engine:
    """The query engine of one schema. `fallbacks` counts operations that graphql-core ran instead, by reason."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._operations: Cache[tuple[str, str | None], OperationPlans] = Cache("operations")
        self._plans: PlanCache = Cache("plans")
        self._descriptions = IntrospectionCache(schema.graphql)
        self.fallbacks: Counter[str] = Counter()
        self.on_fallback: Callable[[str], None] = lambda _reason: None
        self.on_per_parent: Callable[[str], None] = lambda _coordinate: None
        """Called for each field of an operation whose code runs for each parent. There should be none."""

    async def execute(
        self,
        query: str,
        *,
        variable_values: dict[str, Any] | None = None,
        operation_name: str | None = None,
        context_value: Context,
        explain: bool = False,
    ) -> Any:
        """As `Schema.execute` of Strawberry, with the same answer. `explain` adds `extensions.plan`."""
        known = self._get(query, operation_name)
        plan: Plan | str = "request"
        if known is not None:
            variables = known.coercion.values(variable_values or {})
            if isinstance(variables, list):
                return self._presented(ExecutionResult(data=None, errors=variables), context_value)
            plan = await known.plan_in_slices(variables)
            if isinstance(plan, Plan):
                if plan.is_constant and not explain:
                    return ExecutionResult(plan.constant, None)
                for coordinate in plan.per_parent:
                    self.on_per_parent(coordinate)
                explanation = Explanation() if explain else None
                answer = await Execution(self._schema, plan, context_value, variables, explanation).run()
                extensions = explanation.as_json() if explanation is not None else None
                return self._presented(ExecutionResult(answer.data, answer.errors or None, extensions), context_value)
            if plan == INTROSPECTION:
                description = await self._descriptions.answer(
                    known.document, query, variable_values, operation_name, context_value
                )
                return self._presented(description, context_value)
        return await self._fall_back(str(plan), query, variable_values, operation_name, context_value)

    async def _fall_back(
        self,
        reason: str,
        query: str,
        variable_values: dict[str, Any] | None,
        operation_name: str | None,
        context: Context,
    ) -> Any:
        """Let graphql-core run it."""
        self.fallbacks[reason] += 1
        self.on_fallback(reason)
        if isinstance(context.loaders, CompiledLoaders):
            context.loaders.is_asked_by_resolvers = True
        return await self._schema.execute(
            query, variable_values=variable_values, operation_name=operation_name, context_value=context
        )

    def _presented(self, result: ExecutionResult, context: Context) -> ExecutionResult:
        if result.errors:
            self._schema.present_errors(result.errors, context)
        return result

    def _get(self, query: str, operation_name: str | None) -> OperationPlans | None:
        """Null where the request is at fault: graphql-core says how."""
        key = (query, operation_name)
        found = self._operations.get(key)
        if found is not None:
            return found
        prepared = self._schema.prepare(query)
        operation = prepared.operation(operation_name)
        if prepared.document is None or prepared.errors or operation is None:
            return None
        if operation.operation is OperationType.SUBSCRIPTION:
            return None
        found = OperationPlans(self._schema, prepared.document, operation, self._plans)
        self._operations.put(key, found, weight_of(query) + found.weight)
        return found
