"""From a document to an answer: plans are made once for an operation and kept beside its document."""

from __future__ import annotations

from collections import Counter, OrderedDict
from collections.abc import Callable
from typing import Any

from graphql import (
    DocumentNode,
    ExecutionResult,
    FragmentDefinitionNode,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution.values import VariableValues

from dataloaders.compiled_loaders import CompiledLoaders
from engine.collect import Unplannable, flag_names
from engine.execute import Execution
from engine.explain import Explanation
from engine.plan import Plan, Planner
from engine.variables import Coercion
from schema import Schema
from schema.context import Context

KEPT = 1_000
"""Operations whose plans are kept."""
KEPT_INTROSPECTIONS = 16
"""Answers about the schema itself: each is large, and tools send the same few documents."""
INTROSPECTION = "introspection"
MOST_PLANS = 32
"""Of one operation: each `@skip` or `@include` by a variable may double them."""


class Known:
    """What is known of one operation of a document: its plans, by the values that decide which fields it has."""

    def __init__(self, schema: Schema, document: DocumentNode, operation: OperationDefinitionNode) -> None:
        self._schema = schema._schema
        self._operation = operation
        self._fragments = {
            node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)
        }
        self._flags = flag_names(operation, self._fragments)
        self.coercion = Coercion(self._schema, operation, self._fragments)
        self._plans: dict[tuple[Any, ...], Plan | str] = {}

    def plan(self, variables: VariableValues) -> Plan | str:
        """The plan, or the reason why there is none."""
        key: tuple[Any, ...] = ()
        if self._flags:
            key = tuple(variables.coerced.get(name) for name in self._flags)
            if not all(isinstance(value, bool) for value in key):
                return "directive"
        found = self._plans.get(key)
        if found is None:
            if len(self._plans) >= MOST_PLANS:
                self._plans.clear()
            flags = {name: bool(value) for name, value in zip(self._flags, key, strict=True)}
            found = self._plans[key] = self._make(flags)
        return found

    def _make(self, flags: dict[str, bool]) -> Plan | str:
        try:
            return Planner(self._schema, self._fragments, flags).plan(self._operation)
        except Unplannable as reason:
            return reason.reason


class Engine:
    """Of one schema. `fallbacks` counts operations that graphql-core ran instead, by reason."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._known: OrderedDict[tuple[str, str | None], Known] = OrderedDict()
        self._introspections: dict[Any, Any] = {}
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
            plan = known.plan(variables)
            if isinstance(plan, Plan):
                if plan.is_constant and not explain:
                    return ExecutionResult(plan.constant, None)
                for coordinate in plan.per_parent:
                    self.on_per_parent(coordinate)
                explanation = Explanation() if explain else None
                answer = await Execution(self._schema, plan, context_value, variables, explanation).run()
                extensions = explanation.told() if explanation is not None else None
                return self._presented(ExecutionResult(answer.data, answer.errors or None, extensions), context_value)
        return await self._fall_back(str(plan), query, variable_values, operation_name, context_value)

    async def _fall_back(
        self,
        reason: str,
        query: str,
        variable_values: dict[str, Any] | None,
        operation_name: str | None,
        context: Context,
    ) -> Any:
        """Let graphql-core run it. The schema describes itself to everyone alike, so that answer is kept."""
        key = (query, operation_name, repr(variable_values))
        kept = self._introspections.get(key) if reason == INTROSPECTION else None
        if kept is not None:
            return kept
        if reason != INTROSPECTION:
            self.fallbacks[reason] += 1
            self.on_fallback(reason)
        if isinstance(context.loaders, CompiledLoaders):
            context.loaders.is_asked_by_resolvers = True
        result = await self._schema.execute(
            query, variable_values=variable_values, operation_name=operation_name, context_value=context
        )
        if reason == INTROSPECTION and not result.errors and len(key[2]) < 1_000:
            if len(self._introspections) >= KEPT_INTROSPECTIONS:
                self._introspections.clear()
            self._introspections[key] = result
        return result

    def _presented(self, result: ExecutionResult, context: Context) -> ExecutionResult:
        if result.errors:
            self._schema.present_errors(result.errors, context)
        return result

    def _get(self, query: str, operation_name: str | None) -> Known | None:
        """Null where the request is at fault: graphql-core says how."""
        key = (query, operation_name)
        if key in self._known:
            self._known.move_to_end(key)
            return self._known[key]
        prepared = self._schema.prepare(query)
        operation = prepared.operation(operation_name)
        if prepared.document is None or prepared.errors or operation is None:
            return None
        if operation.operation is OperationType.SUBSCRIPTION:
            return None
        found = self._known[key] = Known(self._schema, prepared.document, operation)
        if len(self._known) > KEPT:
            self._known.popitem(last=False)
        return found
