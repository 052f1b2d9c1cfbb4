"""A subscription taken apart: its stream on one side, what is answered to an entry on the other, so that one answer may
go to many.

What all groups with the same selection are to answer at the same time is run as one level of a plan: two hundred chats
with a message each take one statement for the authors, not two hundred.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from inspect import isawaitable
from typing import Any
from weakref import WeakValueDictionary

import orjson
from graphql import (
    DocumentNode,
    ExecutionResult,
    FieldNode,
    OperationDefinitionNode,
    VariableNode,
    Visitor,
    create_source_event_stream,
    execute_subscription_event,
    visit,
)
from graphql.execution import Executor
from graphql.execution.values import VariableValues

from auth.viewer import GUEST
from caches import TOKEN, Cache, weight_of
from dataloaders.core.compiled_loaders import CompiledLoaders
from documents.documents import Prepared
from engine.complete import NULLED
from engine.engine import OperationPlans, PlanCache
from engine.execute import Execution
from engine.plan import Plan
from engine.result_paths import FieldPath, RootPath
from engine.sharing import Dependence, dependence_of
from realtime.batching import Batcher
from schema import Schema
from schema.core.context import Caller, Context
from schema.core.streams import Live
from schema.core.variables import check_variables

CURSOR = "after"
"""The argument that says where one subscriber begins, and nothing about the answers."""


@dataclass(frozen=True)
class SubscriptionPlan:
    """The plan of a subscription. `known` makes the plans of what it answers."""

    document: DocumentNode
    known: OperationPlans
    dependence: Dependence
    cursor: str | None
    """The variable that is nothing but the cursor."""
    inner: frozenset[str]
    """Variables that are used for more than the root field's arguments: answers depend on them."""


@dataclass(eq=False, frozen=True)
class _Asking:
    """One who waits for an entry's answer. Entries of several streams may be equal."""

    entry: Any


class EntryAnswers:
    """What answers entries for all groups of one shape and, if it matters, one role or viewer."""

    def __init__(self, schema: Schema, shape: SubscriptionPlan, asked: SubscriptionRequest, context: Context) -> None:
        self._schema = schema
        self._context = context
        self._executor: Any = Executor.build(schema.graphql, shape.document, None, context, asked.variables, asked.name)
        self._plan, self._variables = _plan_of(shape, asked, context)
        # Whatever one entry has done to a run, the others are of other streams.
        self._runs = Batcher(self._run_all, isolates=True)

    async def answer(self, entry: Any) -> ExecutionResult:
        """Errors are presented already, in the context's language."""
        found = await self._runs.load(_Asking(entry))
        assert found is not None
        return found

    async def _run_all(self, asking: Sequence[_Asking]) -> dict[_Asking, ExecutionResult]:
        results = await self._run([one.entry for one in asking])
        return dict(zip(asking, results, strict=True))

    async def _run(self, entries: Sequence[Any]) -> list[ExecutionResult]:
        if self._plan is not None:
            results = await EntryExecution(self._schema, self._plan, self._context, self._variables).answers(entries)
            if results is None:
                # Something failed: one by one, each error finds the answer that it belongs to.
                results = [await self._run_alone(entry, self._plan) for entry in entries]
        else:
            results = await asyncio.gather(*(self._run_by_core(entry) for entry in entries))
        for result in results:
            if result.errors:
                self._schema.present_errors(result.errors, self._context)
        return results

    async def _run_alone(self, entry: Any, plan: Plan) -> ExecutionResult:
        found = await Execution(self._schema, plan, self._context, self._variables).run(entry)
        return ExecutionResult(data=found.data, errors=found.errors or None)

    async def _run_by_core(self, entry: Any) -> ExecutionResult:
        found = execute_subscription_event(self._executor.build_per_event_executor(entry))
        return await found if isawaitable(found) else found


class EntryExecution(Execution):
    """Runs the selection of a subscription for several entries of its stream at once."""

    async def answers(self, entries: Sequence[Any]) -> list[ExecutionResult] | None:
        """Null where there is any error."""
        results: list[dict[str, Any]] = [{} for _ in entries]
        for field in self._plan.root.fields:
            values = await self._complete(list(entries), field.shape, field, FieldPath(RootPath(), field.key), None)
            if self._errors:
                return None
            for result, value in zip(results, values, strict=True):
                assert value is not NULLED
                result[field.key] = value
        return [ExecutionResult(data=result, errors=None) for result in results]


@dataclass(frozen=True)
class SubscriptionRequest:
    """What one subscriber sent."""

    text: str
    variables: dict[str, Any]
    name: str | None

    def as_bytes(self, names: frozenset[str]) -> bytes:
        """Return the given variables with these names, comparable."""
        given = {name: value for name, value in self.variables.items() if name in names}
        return orjson.dumps(given, option=orjson.OPT_SORT_KEYS)


class LiveOperation:
    """One subscriber's subscription, checked, not begun."""

    def __init__(self, asked: SubscriptionRequest, shape: SubscriptionPlan, live: Live, context: Context) -> None:
        self.asked = asked
        self.shape = shape
        self._context = context
        self._live = live
        # Whoever depends on the viewer has a key that no one else has.
        by_dependence = {
            Dependence.NOTHING: None,
            Dependence.ROLE: context.viewer.role,
            Dependence.VIEWER: object(),
        }
        self._whose = (asked.text, asked.name, context.locale, by_dependence[shape.dependence])

    def begin(self) -> Any:
        """Return the subscriber's `Stream`. Raises what the field's gate and arguments refuse."""
        return self._live.begin()

    @property
    def key(self) -> tuple[Any, ...]:
        """What the answers depend on beside the entry, as the cursor does not."""
        return (*self._whose, self.asked.as_bytes(frozenset(self.asked.variables) - {self.shape.cursor}))

    @property
    def answering_key(self) -> tuple[Any, ...]:
        """As `key`, without what only says which stream it is."""
        return (*self._whose, self.asked.as_bytes(self.shape.inner))

    @property
    def answering_context(self) -> Context:
        """In which entries are answered. Where nothing depends on the viewer, it is a guest's."""
        context = self._context
        viewer = GUEST if self.shape.dependence is Dependence.NOTHING else context.viewer
        caller = Caller(context.caller.address, context.caller.user_agent, context.locale)
        return Context(ports=context.ports, caller=caller, viewer=viewer, is_socket=True)


class LiveOperations:
    """The subscriptions of one schema and process."""

    def __init__(self, schema: Schema) -> None:
        self._schema = schema
        self._shapes: Cache[tuple[str, str | None], SubscriptionPlan] = Cache("live operations")
        self._plans: PlanCache = Cache("live plans")
        self._answering: WeakValueDictionary[tuple[Any, ...], EntryAnswers] = WeakValueDictionary()

    def open(
        self, text: str, variables: dict[str, Any] | None, name: str | None, context: Context
    ) -> LiveOperation | None:
        """Null for what cannot be taken apart: it is left to the schema, which also says what is wrong with it."""
        schema = self._schema.graphql
        asked = SubscriptionRequest(text, variables or {}, name)
        prepared = self._schema.prepare(text)
        node = prepared.operation(name)
        if node is None or prepared.errors or prepared.document is None:
            return None
        if asked.variables and check_variables(schema, node, asked.variables):
            return None
        executor = Executor.build(schema, prepared.document, None, context, asked.variables, name)
        if isinstance(executor, list):
            return None
        source: Any = create_source_event_stream(executor)
        # graphql-core's executor holds itself, and would lie about with all that it knows until the collector comes.
        unheld: Any = executor
        unheld.async_helpers = None
        if not isinstance(source, Live):
            return None
        return LiveOperation(asked, self._shape(asked, prepared, node), source, context)

    def answering(self, live: LiveOperation) -> EntryAnswers:
        """Shared as long as anyone holds it."""
        found = self._answering.get(live.answering_key)
        if found is None:
            found = EntryAnswers(self._schema, live.shape, live.asked, live.answering_context)
            self._answering[live.answering_key] = found
        return found

    def _shape(self, asked: SubscriptionRequest, prepared: Prepared, node: OperationDefinitionNode) -> SubscriptionPlan:
        key = (asked.text, asked.name)
        found = self._shapes.get(key)
        if found is None:
            found = self._make(prepared, node)
            self._shapes.put(key, found, weight_of(asked.text) + TOKEN * prepared.tokens)
        return found

    def _make(self, prepared: Prepared, node: OperationDefinitionNode) -> SubscriptionPlan:
        document = prepared.document
        assert document is not None
        cursor, inner = _variables_of(document, node)
        dependence = dependence_of(self._schema.graphql, prepared, node)
        return SubscriptionPlan(
            document, OperationPlans(self._schema, document, node, self._plans), dependence, cursor, inner
        )


def _plan_of(shape: SubscriptionPlan, asked: SubscriptionRequest, context: Context) -> tuple[Plan | None, Any]:
    """Return the plan and its variables, where the engine executes and can plan the operation."""
    if not isinstance(context.loaders, CompiledLoaders):
        return None, None
    variables = shape.known.coercion.values(asked.variables)
    plan = shape.known.plan(variables) if isinstance(variables, VariableValues) else None
    return (plan if isinstance(plan, Plan) else None), variables


class _Uses(Visitor):
    def __init__(self) -> None:
        super().__init__()
        self.names: list[str] = []

    def enter_variable(self, node: VariableNode, *_: Any) -> None:
        self.names.append(node.name.value)


def _uses(node: Any) -> list[str]:
    found = _Uses()
    visit(node, found)
    return found.names


def _variables_of(document: DocumentNode, operation: OperationDefinitionNode) -> tuple[str | None, frozenset[str]]:
    """Return the variable that is only the cursor, and those that are used below or beside the root field's
    arguments."""
    everywhere = _uses(document)
    arguments: list[str] = []
    cursor = None
    for node in operation.selection_set.selections:
        for argument in node.arguments or () if isinstance(node, FieldNode) else ():
            arguments += _uses(argument)
            if argument.name.value == CURSOR and isinstance(argument.value, VariableNode):
                cursor = argument.value.name.value
    # Each variable is used once more, in its definition.
    inner = {name for name in everywhere if everywhere.count(name) > 1 + arguments.count(name)}
    return (cursor if everywhere.count(cursor or "") == 2 else None), frozenset(inner)
