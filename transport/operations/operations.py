"""Running operations: the part that HTTP, server-sent events and WebSocket share.

Every operation is prepared before anything is spent on it: its document is found, checked, and its cost counted. Then
it is paid for from the caller's budget (`admit`), has a deadline (subscriptions live until their stream ends), and is
observed: one log line, its metrics, and a span where tracing is on.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, aclosing
from time import perf_counter
from typing import Any, NamedTuple
from uuid import UUID

import structlog
from graphql import FieldNode, GraphQLError, OperationDefinitionNode, OperationType

from documents.documents import Prepared
from engine import Engine
from engine.cost import Costs, too_costly
from schema import Schema
from schema.core.context import Context
from schema.core.error_format import TIMEOUT_MESSAGE, present
from schema.core.prices import price_of_bytes, price_of_document
from transport.observing.metrics import Metrics, OperationReport
from transport.observing.tracing import Tracing
from transport.operations.admission_control import NO_SLOT, AdmissionControl, Overloaded, TwoSlots
from transport.operations.budget import Budget, caller_key
from transport.operations.deadline import Deadlines
from transport.operations.observation import Observation, OperationObserver
from transport.operations.pacing import RequestPacer
from transport.operations.persisted import SENT, TRUSTED, DocumentRequest, FoundDocument, HashMismatch, Persisted
from transport.operations.refusal_delay import RefusalDelay
from transport.operations.refusals import refusal_of, spent
from transport.operations.requests import Parameters
from transport.operations.results import Result, extended, failure_of, result_of

MANY = 1_000_000
COSTLY = 15_000
"""Cost from which on a query is one of few, and the only one of its caller, that run at the same time. It is about 60
milliseconds of PostgreSQL, and more than any screen asks for."""
READYING = 200
"""Documents that wait until they are made ready, one after the other and fairly between networks."""


class Operation(NamedTuple):
    """A prepared operation. `errors` say why it must not run; `is_unreadable` as in `Result`. `asks_only_for_typename`:
    it asks for nothing but names of types, as who wants to know whether we are there. `is_costly`: few run at the same
    time.
    """

    parameters: Parameters
    type: OperationType | None
    name: str | None
    errors: list[GraphQLError]
    is_unreadable: bool = False
    asks_only_for_typename: bool = False
    is_costly: bool = False


class DeadlineExceeded(Exception):
    """An operation took longer than it may."""


class Operations:
    def __init__(
        self,
        schema: Schema,
        metrics: Metrics,
        tracing: Tracing | None,
        *,
        timeout: float,
        max_cost: int | None = None,
        budget: Budget | None = None,
        documents: Persisted | None = None,
        engine: Engine | None = None,
        admission: AdmissionControl | None = None,
    ) -> None:
        """Without `engine` Strawberry executes; without `documents` each is sent in full.

        Without `max_cost` and `budget` operations may cost anything, and without `admission` any number runs at once.
        """
        self._schema = schema
        self._execution: Any = engine or schema
        self._engine = engine
        if engine is not None:
            engine.on_fallback = lambda reason: metrics.fallbacks.labels(reason).inc()
            engine.on_per_parent = lambda coordinate: metrics.per_parent.labels(coordinate).inc()
        self._deadlines = Deadlines(timeout)
        self._costs = Costs(schema.graphql)
        self._max_cost = max_cost
        self._budget = budget
        self._documents = documents or Persisted(None)
        self._admission = admission or AdmissionControl(running=MANY, waiting=MANY)
        self._costly = self._admission.for_costly()
        metrics.watch(running=lambda: self._admission.running, waiting=lambda: self._admission.waiting)
        self.delay_refusal = RefusalDelay().delay_refusal
        self.pace = RequestPacer()
        self._readying = AdmissionControl(running=1, waiting=READYING)
        self._takes_any_text = self._documents.takes_any_text
        self._tracing = tracing
        self.metrics = metrics
        self._log = structlog.get_logger().bind()

    def observing(self, transport: str) -> OperationObserver:
        """Around one operation, within one task."""
        return OperationObserver(transport, self.report)

    def report(self, seen: Observation) -> None:
        seconds = perf_counter() - seen.started
        statements = seen.statements.count
        over = OperationReport(
            seen.name,
            seen.type,
            seen.transport,
            seen.outcome,
            seen.document,
            seen.refusal,
            seen.cost if seen.actual is None else seen.actual,
            seconds,
            statements,
        )
        self.metrics.record(over)
        self._log.info(
            "operation",
            operation=seen.name and seen.name[:100],
            type=seen.type,
            transport=seen.transport,
            outcome=seen.outcome,
            ms=round(seconds * 1000, 2),
            sql=statements,
            cost=seen.cost,
            actual=seen.actual,
            document=seen.document or None,
            viewer=str(seen.viewer_id) if seen.viewer_id else None,
            **({"items": seen.items} if seen.type == "subscription" else {}),
        )

    async def pay_for_bytes(self, address: str, size: int) -> None:
        """Before a long body or message is looked at. Raises `BudgetExhausted`."""
        price = price_of_bytes(size)
        if price and self._budget is not None:
            await self._budget.charge(address, price)

    async def prepare(self, parameters: Parameters, seen: Observation, address: str) -> Operation:
        """Find the document, parse, limit and validate it, and count its cost. No SQL. What is wrong with the operation
        is in `errors`. Raises `BudgetExhausted` and `Overloaded` before anything is done for a document that is not
        known.
        """
        asked = DocumentRequest(parameters.query, parameters.document_id, parameters.hash)
        if asked.id is None and asked.hash is None and self._takes_any_text:
            found = FoundDocument(asked.text, SENT)
        else:
            try:
                found = await self._documents.find(asked)
            except GraphQLError as error:
                return Operation(parameters, None, None, [error], not isinstance(error, HashMismatch))
        seen.document = found.source
        prepared = self._schema.known(found.text)
        if prepared is None:
            prepared = await self._prepare_in_line(found, address)
        node = prepared.operation(parameters.operation_name)
        errors = prepared.fresh_errors() if prepared.errors else []
        if not errors:
            if asked.hash is not None:
                await self._documents.learn(asked)
            if node is None:
                errors.append(GraphQLError("The document has no such operation, or `operationName` is missing."))
            else:
                drop_undeclared(node, parameters.variables)
                seen.cost = self._costs.of(found.text, prepared, node, parameters.variables or {})
                if self._max_cost is not None and seen.cost > self._max_cost:
                    errors.append(too_costly(seen.cost, self._max_cost))
        type_ = node.operation if node else None
        name = node.name.value if node and node.name else None
        seen.type, seen.name = type_.value if type_ else "none", name
        if found.text != parameters.query:
            parameters = parameters._replace(query=found.text)
        is_free = node is not None and _asks_only_for_typename(node)
        is_costly = type_ is OperationType.QUERY and seen.cost >= COSTLY
        return Operation(parameters, type_, name, errors, prepared.document is None, is_free, is_costly)

    async def _prepare_in_line(self, found: FoundDocument, address: str) -> Prepared:
        if self._budget is not None and found.source != TRUSTED:
            await self._budget.charge(address, price_of_document(found.text))
        async with self._readying.slot(caller_key(None, address)):
            # Somebody before may have brought the same one.
            return self._schema.known(found.text) or await self._schema.prepare_in_slices(found.text)

    def slot(self, operation: Operation, user_id: UUID | None, address: str) -> AbstractAsyncContextManager[None]:
        """For a block in which the operation takes one of the places of those that run. Raises `Overloaded`."""
        if operation.errors or operation.asks_only_for_typename:
            return NO_SLOT
        caller = caller_key(user_id, address)
        turn = self._admission.slot(caller)
        return TwoSlots(self._costly.slot(caller), turn) if operation.is_costly else turn

    async def wait_for_slot(self, operation: Operation, context: Context) -> None:
        """Wait for a turn and give it back at once: a live stream is begun in its turn, and not one of those that run,
        because what it waits for most of the time is its reader. Raises `Overloaded`."""
        async with self.slot(operation, context.viewer.id, context.caller.address):
            pass

    async def admit(self, operation: Operation, context: Context, seen: Observation) -> None:
        """Pay for the operation from the caller's budget. Raises `BadRequest` (429) where it is spent."""
        if operation.errors or self._budget is None:
            return
        seen.payer = caller_key(context.viewer.id, context.caller.address)
        balance = await self._budget.take_of(seen.payer, seen.cost, is_user=context.viewer.id is not None)
        seen.remaining = balance.remaining
        if balance.wait:
            refusal = spent(context.reader, balance.wait, self._extensions(seen))
            seen.refused(refusal.body["errors"][0])
            raise refusal

    def _extensions(self, seen: Observation) -> dict[str, Any]:
        """`extensions.cost`, about which `docs/errors.md` tells more."""
        actual = {} if seen.actual is None else {"actual": seen.actual}
        return {"requested": seen.cost, **actual, "maximum": self._max_cost, "remaining": seen.remaining}

    async def run(self, operation: Operation, context: Context, seen: Observation) -> Result:
        """Run a query or mutation, until the deadline, and settle what it cost."""
        if operation.errors:
            return self._refused(operation, context, seen)
        seen.viewer_id = context.viewer.id
        if operation.type is OperationType.QUERY:
            context.spending.most = self._max_cost
        is_done = False
        try:
            result = await self._until_deadline(operation, context, seen)
            is_done = True
        except DeadlineExceeded:
            extensions = {"code": "INTERNAL", "reason": "TIMEOUT"}
            error = {"message": context.reader.say(TIMEOUT_MESSAGE), "extensions": extensions}
            result = Result({"errors": [error], "data": None})
            seen.outcome = "timeout"
        except Exception as error:
            result = failure_of(error, context)
        finally:
            if not is_done:
                seen.statements.cancel()
            self._settle(context, seen, may_give_back=is_done and self._engine is not None)
        if context.spending.is_over:
            return self._stopped(context, seen)
        if seen.outcome != "timeout":
            seen.record(result)
        return extended(result, {"cost": self._extensions(seen)}) if operation.parameters.wants_cost else result

    async def _until_deadline(self, operation: Operation, context: Context, seen: Observation) -> Result:
        try:
            with self._deadlines.block():
                if self._tracing is None:
                    found = await self._execute(operation, context)
                else:
                    with self._tracing.span(operation.name, seen.type):
                        found = await self._execute(operation, context)
        except TimeoutError:
            raise DeadlineExceeded from None
        result = result_of(found)
        if found.extensions and "plan" in found.extensions:
            result = extended(result, {"plan": found.extensions["plan"]})
        return result

    def _settle(self, context: Context, seen: Observation, *, may_give_back: bool) -> None:
        """Let the caller pay for what was read beyond the estimate, or have back what was not. What was not run by the
        engine, or not to its end, is not counted well enough for that."""
        # Where nothing was counted, the estimate is all that is known.
        seen.actual = context.spending.spent or seen.cost
        difference = seen.actual - seen.cost
        if self._budget is not None and (difference > 0 or may_give_back):
            seen.remaining = self._budget.settle(seen.payer, difference, seen.remaining)

    def _stopped(self, context: Context, seen: Observation) -> Result:
        """Return the refusal of a query that has read more than it may."""
        assert self._max_cost is not None
        error = too_costly(seen.cost, self._max_cost, seen.actual)
        present(error, context)
        body: dict[str, Any] = {"errors": [error.formatted]}
        seen.refused(body["errors"][0])
        return Result(body, is_refusal=True, is_last=True)

    async def _execute(self, operation: Operation, context: Context) -> Any:
        explaining = {}
        if operation.parameters.wants_plan and not context.ports.settings.is_production:
            explaining = {"explain": True} if self._engine is not None else {}
        return await self._execution.execute(
            operation.parameters.query,
            variable_values=operation.parameters.variables,
            operation_name=operation.parameters.operation_name,
            context_value=context,
            **explaining,
        )

    async def results(self, operation: Operation, context: Context, seen: Observation) -> AsyncGenerator[Result, None]:
        """One result of a query or mutation, all results of a subscription. Close it with `aclosing`."""
        if operation.errors:
            yield self._refused(operation, context, seen)
        elif operation.type is not OperationType.SUBSCRIPTION:
            try:
                async with self.slot(operation, context.viewer.id, context.caller.address):
                    result = await self.run(operation, context, seen)
            except Overloaded as error:
                refusal = refusal_of(error, context.caller.accept_language)
                seen.refused(refusal.body["errors"][0])
                result = Result(refusal.body, is_refusal=True, is_last=True)
            yield result
        else:
            seen.viewer_id = context.viewer.id
            streams = self.metrics.streams.labels(seen.transport)
            streams.inc()
            try:
                async for result in self._subscribe(operation, context):
                    seen.items += 1
                    seen.record(result)
                    yield result
            finally:
                seen.statements.cancel()
                streams.dec()

    async def _subscribe(self, operation: Operation, context: Context) -> AsyncGenerator[Result, None]:
        parameters = operation.parameters
        try:
            source = await self._schema.subscribe(
                parameters.query,
                variable_values=parameters.variables,
                operation_name=parameters.operation_name,
                context_value=context,
            )
            async with aclosing(source):
                async for found in source:
                    yield result_of(found)
        except Exception as error:
            yield failure_of(error, context)

    def _refused(self, operation: Operation, context: Context, seen: Observation) -> Result:
        for error in operation.errors:
            present(error, context)
        formatted: list[Any] = [error.formatted for error in operation.errors]
        seen.refused(formatted[0])
        return Result({"errors": formatted}, is_refusal=True, is_last=True, is_unreadable=operation.is_unreadable)


def drop_undeclared(node: OperationDefinitionNode, variables: dict[str, Any] | None) -> None:
    """Let nobody hold variables that nothing reads, however long the operation takes: whoever has the dictionary."""
    if variables:
        declared = {one.variable.name.value for one in node.variable_definitions or ()}
        for name in variables.keys() - declared:
            del variables[name]


def _asks_only_for_typename(node: OperationDefinitionNode) -> bool:
    return all(isinstance(one, FieldNode) and one.name.value == "__typename" for one in node.selection_set.selections)
