"""Running operations: the part that HTTP, server-sent events and WebSocket share.

Every operation is prepared before anything is spent on it, has a deadline (subscriptions live until their stream
ends), and is observed: one log line, its metrics, and a span where tracing is on.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any

import structlog
from graphql import GraphQLError, OperationType

from database import StatementLog, statements
from schema import Schema
from schema.context import Context
from schema.error_format import TIMEOUT_MESSAGE, present
from translations import translate
from transport.metrics import Metrics
from transport.tracing import Tracing

log = structlog.get_logger()

MAX_ERRORS = 100
"""Errors told in one answer. A list of a hundred rows may fail in each of their fields."""


class BadRequest(Exception):
    """What was sent is no request that could be run. `headers` go with the answer."""

    def __init__(
        self,
        message: str,
        *,
        status: int = 400,
        code: str = "BAD_USER_INPUT",
        reason: str = "",
        headers: dict[str, str] | None = None,
    ) -> None:
        self.message, self.status, self.code, self.reason = message, status, code, reason
        self.headers = headers or {}
        super().__init__(message)

    @property
    def body(self) -> dict[str, Any]:
        extensions = {"code": self.code} | ({"reason": self.reason} if self.reason else {})
        return {"errors": [{"message": self.message, "extensions": extensions}]}


@dataclass(frozen=True)
class Parameters:
    query: str
    variables: dict[str, Any] | None
    operation_name: str | None


def parameters_from(found: Any) -> Parameters:
    """The parameters of a request, checked. Raises `BadRequest`."""
    if not isinstance(found, dict):
        raise BadRequest("The request is not a JSON object.")
    query: Any = found.get("query")
    variables: Any = found.get("variables")
    operation: Any = found.get("operationName")
    extensions: Any = found.get("extensions")
    if not isinstance(query, str) or not query:
        raise BadRequest("`query` is missing or not a string.")
    if variables is not None and not isinstance(variables, dict):
        raise BadRequest("`variables` is not an object.")
    if operation is not None and not isinstance(operation, str):
        raise BadRequest("`operationName` is not a string.")
    if extensions is not None and not isinstance(extensions, dict):
        raise BadRequest("`extensions` is not an object.")
    return Parameters(query, variables, operation)


@dataclass(frozen=True)
class Result:
    """`is_refusal`: nothing was executed. `is_last`: the stream it belongs to has failed as a whole."""

    body: dict[str, Any]
    is_refusal: bool = False
    is_last: bool = False

    @property
    def codes(self) -> set[str]:
        return {error["extensions"]["code"] for error in self.body.get("errors", ()) if "extensions" in error}


@dataclass
class Observation:
    """What is said about one operation when it is over."""

    transport: str
    started: float = field(default_factory=perf_counter)
    statements: StatementLog = field(default_factory=StatementLog)
    name: str | None = None
    type: str = "none"
    viewer_id: Any = None
    outcome: str = "ok"
    items: int = 0

    def saw(self, result: Result) -> None:
        if "errors" in result.body:
            self.outcome = "internal_error" if "INTERNAL" in result.codes else "error"


@dataclass(frozen=True)
class Operation:
    """A prepared operation. `errors` say why it must not run."""

    parameters: Parameters
    type: OperationType | None
    name: str | None
    errors: list[GraphQLError]


class Operations:
    def __init__(self, schema: Schema, metrics: Metrics, tracing: Tracing | None, *, timeout: float) -> None:
        self._schema = schema
        self._timeout = timeout
        self._tracing = tracing
        self.metrics = metrics

    @contextmanager
    def observing(self, transport: str) -> Iterator[Observation]:
        """Around one operation, within one task."""
        seen = Observation(transport)
        token = statements.set(seen.statements)
        try:
            yield seen
        except asyncio.CancelledError:
            seen.outcome = "cancelled"
            raise
        finally:
            statements.reset(token)
            self._report(seen)

    def _report(self, seen: Observation) -> None:
        seconds = perf_counter() - seen.started
        name = self.metrics.name(seen.name, learn=seen.outcome == "ok")
        self.metrics.operations.labels(name, seen.type, seen.transport, seen.outcome).inc()
        if seen.type in ("query", "mutation"):
            self.metrics.duration.labels(name, seen.type).observe(seconds)
            self.metrics.statements.labels(name, seen.type).observe(seen.statements.count)
        log.info(
            "operation",
            operation=seen.name and seen.name[:100],
            type=seen.type,
            transport=seen.transport,
            outcome=seen.outcome,
            ms=round(seconds * 1000, 2),
            sql=seen.statements.count,
            viewer=str(seen.viewer_id) if seen.viewer_id else None,
            **({"items": seen.items} if seen.type == "subscription" else {}),
        )

    def prepare(self, parameters: Parameters, seen: Observation) -> Operation:
        """Parse, limit and validate. Never raises: what is wrong is in `errors`."""
        prepared = self._schema.prepare(parameters.query)
        node = prepared.operation(parameters.operation_name)
        errors = prepared.fresh_errors()
        if node is None and not errors:
            errors.append(GraphQLError("There is no such operation in the document, or no telling which to run."))
        type_ = node.operation if node else None
        name = node.name.value if node and node.name else None
        seen.type, seen.name = type_.value if type_ else "none", name
        return Operation(parameters, type_, name, errors)

    async def run(self, operation: Operation, context: Context, seen: Observation) -> Result:
        """Run a query or mutation, until the deadline."""
        if operation.errors:
            return self._refused(operation.errors, context, seen)
        seen.viewer_id = context.viewer.id
        try:
            async with asyncio.timeout(self._timeout):
                if self._tracing is None:
                    found = await self._execute(operation, context)
                else:
                    with self._tracing.span(operation.name, seen.type):
                        found = await self._execute(operation, context)
        except TimeoutError:
            seen.statements.cancel()
            extensions = {"code": "INTERNAL", "reason": "TIMEOUT"}
            message = translate(context.locale, TIMEOUT_MESSAGE)
            result = Result({"errors": [{"message": message, "extensions": extensions}], "data": None})
            seen.outcome = "timeout"
            return result
        except asyncio.CancelledError:
            seen.statements.cancel()
            raise
        result = _result(found)
        seen.saw(result)
        return result

    async def _execute(self, operation: Operation, context: Context) -> Any:
        return await self._schema.execute(
            operation.parameters.query,
            variable_values=operation.parameters.variables,
            operation_name=operation.parameters.operation_name,
            context_value=context,
        )

    async def results(self, operation: Operation, context: Context, seen: Observation) -> AsyncGenerator[Result, None]:
        """One result of a query or mutation, all results of a subscription. Close it with `aclosing`."""
        if operation.errors:
            yield self._refused(operation.errors, context, seen)
        elif operation.type is not OperationType.SUBSCRIPTION:
            yield await self.run(operation, context, seen)
        else:
            seen.viewer_id = context.viewer.id
            streams = self.metrics.streams.labels(seen.transport)
            streams.inc()
            try:
                async for result in self._subscribe(operation, context):
                    seen.items += 1
                    seen.saw(result)
                    yield result
            finally:
                seen.statements.cancel()
                streams.dec()

    async def _subscribe(self, operation: Operation, context: Context) -> AsyncGenerator[Result, None]:
        parameters = operation.parameters
        source = await self._schema.subscribe(
            parameters.query,
            variable_values=parameters.variables,
            operation_name=parameters.operation_name,
            context_value=context,
        )
        async with aclosing(source):
            async for found in source:
                yield _result(found)

    def _refused(self, errors: list[GraphQLError], context: Context | None, seen: Observation) -> Result:
        for error in errors:
            present(error, context)
        seen.outcome = "refused"
        return Result({"errors": [error.formatted for error in errors]}, is_refusal=True, is_last=True)

    def refused(self, operation: Operation, seen: Observation) -> Result:
        """The answer to an operation with errors, for which no context needs to be made."""
        return self._refused(operation.errors, None, seen)


def _result(found: Any) -> Result:
    """What clients get. Errors without a path come from before the execution, or from the source of a stream."""
    if not found.errors:
        return Result({"data": found.data})
    errors = [error.formatted for error in found.errors[:MAX_ERRORS]]
    if found.data is None and all(error.path is None for error in found.errors):
        return Result({"errors": errors}, is_refusal=True, is_last=True)
    return Result({"errors": errors, "data": found.data})
