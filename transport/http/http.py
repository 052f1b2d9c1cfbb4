"""GraphQL over HTTP, edition September2026 (https://graphql.github.io/graphql-over-http/): POST, and GET and QUERY
(RFC 10008) for queries."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl

from graphql import OperationType
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from auth.tokens import AccessClaims
from auth.viewer import GUEST
from pages.explorer import wants_explorer
from schema.core.context import Context
from schema.core.ports import Ports
from schema.core.prices import FREE_BYTES
from settings import Settings
from transport.http.bodies import ClientGone, drop_body, parse_json, read_body, write_json
from transport.http.exchange import LEAST_COMPRESSED, HttpRequest, HttpResponse, caller_of, compressed, request_of
from transport.http.negotiation import JSON_TYPE, RESPONSE_TYPE, choose, content_type
from transport.operations.authentication import bearer_token, claims_of, viewer_of
from transport.operations.budget import BudgetExhausted
from transport.operations.observation import Observation
from transport.operations.operations import Operation, Operations
from transport.operations.refusals import refusal_of
from transport.operations.requests import UNPROCESSABLE, BadRequest, Parameters, parameters_from
from transport.operations.results import Result

OFFERED = (RESPONSE_TYPE, JSON_TYPE)
CHOSEN = {one.encode(): choose(one, OFFERED, JSON_TYPE) for one in ("", "*/*", JSON_TYPE, RESPONSE_TYPE)}
"""What the usual Accept headers choose."""
PLAIN_JSON = JSON_TYPE.encode()
JSON = (JSON_TYPE, "utf-8")
METHODS = "GET, POST, QUERY"
ACCEPT_QUERY = {"Accept-Query": JSON_TYPE}
"""Says that the method QUERY is understood, and what its body is."""
PARTIAL_SUCCESS = 294
WATCH_AFTER = 0.25
"""Seconds after which somebody looks whether the client is still there. Most requests are over before."""

Explore = Callable[[Request], Response]
"""Answers a browser that opened the endpoint."""


async def parameters_of(request: HttpRequest, operations: Operations, settings: Settings) -> Parameters:
    """Return what the request asks for. Its bytes are paid for before they are read. Raises `BadRequest`,
    `BudgetExhausted` and `ClientGone`.
    """
    if request.method == "GET":
        await operations.pay_for_bytes(request.address, len(request.query))
        found: dict[str, Any] = dict(parse_qsl(request.query.decode("latin-1"), keep_blank_values=True))
        for name in ("variables", "extensions"):
            if found.get(name):
                found[name] = parse_json(found[name].encode("utf-8", "surrogatepass"))
            else:
                found.pop(name, None)
        return parameters_from(found)
    headers = request.headers
    if headers.get(b"content-type") != PLAIN_JSON and content_type(request.header(b"content-type")) != JSON:
        raise BadRequest("Send application/json in UTF-8.", status=415, headers=ACCEPT_QUERY)
    if b"content-encoding" in headers and request.header(b"content-encoding").strip().lower() not in ("", "identity"):
        raise BadRequest("Send the body as it is, not compressed.", status=415, headers={"Accept-Encoding": "identity"})
    body = request.body
    if body is not None:
        if len(body) > FREE_BYTES:
            await operations.pay_for_bytes(request.address, len(body))
    else:
        body = await _paid_body(request, operations, settings)
    return parameters_from(parse_json(body))


async def _paid_body(request: HttpRequest, operations: Operations, settings: Settings) -> bytes:
    """Read a body that is paid for. What is too large is told so for nothing, and nothing is kept of who cannot pay.
    A body of an unknown length is paid for when it is there."""
    length = request.header(b"content-length")
    declared = int(length) if length.isdecimal() else 0
    if declared <= settings.max_body_bytes:
        try:
            await operations.pay_for_bytes(request.address, declared)
        except BudgetExhausted:
            await drop_body(request, timeout=settings.body_timeout)
            raise
    body = await read_body(request, limit=settings.max_body_bytes, timeout=settings.body_timeout)
    if not declared:
        await operations.pay_for_bytes(request.address, len(body))
    return body


def claims_for(operation: Operation, request: HttpRequest, ports: Ports) -> AccessClaims | None:
    """Return what the caller's token says. Nobody asks where the operation is refused anyway. Raises `TokenRefused`."""
    if operation.errors or b"authorization" not in request.headers:
        return None
    return claims_of(ports, bearer_token(request.header(b"authorization")))


def refused(media_type: str, error: BadRequest) -> HttpResponse:
    headers = {name.lower(): value for name, value in error.headers.items()}
    # Clients that take plain JSON know of no finer code.
    status = 400 if error.status == UNPROCESSABLE and media_type != RESPONSE_TYPE else error.status
    return HttpResponse(status, media_type, write_json(error.body), headers)


class GraphQLEndpoint:
    """Answers requests for one path, and is the ASGI application for it."""

    def __init__(self, operations: Operations, ports: Ports, *, explore: Explore | None = None) -> None:
        self._operations = operations
        self._ports = ports
        self._explore = explore
        self.pace = operations.pace

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if self._explore is not None and scope["method"] == "GET" and wants_explorer(page := Request(scope)):
            await self._explore(page)(scope, receive, send)
            return
        try:
            answer = await self.answer(request_of(scope, receive))
        except ClientGone:
            return
        await answer.response()(scope, receive, send)

    async def answer(self, request: HttpRequest) -> HttpResponse:
        """Return what is sent back. Raises `ClientGone` where nobody waits for it. Within a task of the request's
        own.
        """
        with self._operations.observing("http") as seen:
            try:
                found = await self._respond(request, seen)
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if not request.is_gone or task is None or task.uncancel():
                    raise
                seen.outcome = "client_gone"
                raise ClientGone from None
            except ClientGone:
                seen.outcome = "client_gone"
                raise
        if seen.outcome == "refused":
            request.body = b""
            await self._operations.delay_refusal(request.address)
        return await compressed(found, request) if len(found.body) >= LEAST_COMPRESSED else found

    async def _respond(self, request: HttpRequest, seen: Observation) -> HttpResponse:
        media_type = JSON_TYPE
        try:
            if request.method not in ("GET", "POST", "QUERY"):
                headers = {"Allow": METHODS, **ACCEPT_QUERY}
                raise BadRequest("Use POST, or GET or QUERY for queries.", status=405, headers=headers)
            chosen = CHOSEN.get(request.headers.get(b"accept", b""))
            if chosen is None:
                chosen = choose(request.header(b"accept"), OFFERED, JSON_TYPE)
            if chosen is None:
                raise BadRequest(f"Accept {RESPONSE_TYPE} or {JSON_TYPE}.", status=406)
            media_type = chosen
            parameters = await parameters_of(request, self._operations, self._ports.settings)
            if request.receive is not None:
                await self.pace.turn(request.address)
            operation = await self._operations.prepare(parameters, seen, request.address)
            _check_method(request.method, operation)
            claims = claims_for(operation, request, self._ports)
            async with self._operations.slot(operation, claims.user_id if claims else None, request.address):
                viewer = await viewer_of(self._ports, claims) if claims else GUEST
                context = Context(ports=self._ports, caller=caller_of(request), viewer=viewer)
                await self._operations.admit(operation, context, seen)
                if request.receive is None:
                    result = await self._operations.run(operation, context, seen)
                else:
                    with _watching(request, request.receive):
                        result = await self._operations.run(operation, context, seen)
        except ClientGone:
            raise
        except Exception as error:
            refusal = refusal_of(error, request.header(b"accept-language"))
            seen.refused(refusal.body["errors"][0])
            if refusal.status == UNPROCESSABLE and not self._tells_more(media_type):
                refusal.status = 400
            return refused(media_type, refusal)
        body = write_json(result.body)
        if "errors" in result.body and (retry_after := result.retry_after) is not None:
            return HttpResponse(503, media_type, body, {"retry-after": str(retry_after)})
        headers = {"accept-query": JSON_TYPE} if request.method != "POST" else {}
        return HttpResponse(self._status(result, media_type), media_type, body, headers)

    def _tells_more(self, media_type: str) -> bool:
        """Whether status codes say more than 400 and 200."""
        return media_type == RESPONSE_TYPE and self._ports.settings.graphql_over_http == "september2026"

    def _status(self, result: Result, media_type: str) -> int:
        if media_type == JSON_TYPE or "errors" not in result.body:
            return 200
        if not self._tells_more(media_type):
            return 400 if result.is_refusal else 200
        if not result.is_refusal:
            return PARTIAL_SUCCESS
        return 400 if result.is_unreadable else UNPROCESSABLE


def _check_method(method: str, operation: Operation) -> None:
    if operation.type is OperationType.SUBSCRIPTION:
        raise BadRequest("Subscriptions run over WebSocket, or as server-sent events at /graphql/stream.")
    if method != "POST" and operation.type is OperationType.MUTATION:
        raise BadRequest("Mutations need POST.", status=405, headers={"Allow": "POST"})


@contextmanager
def _watching(request: HttpRequest, receive: Receive) -> Iterator[None]:
    """Cancel the task when the client goes. Through ASGI nobody tells: somebody has to look."""
    task = asyncio.current_task()
    assert task is not None
    watch: list[asyncio.Task[None]] = []

    async def until_gone() -> None:
        while (await receive())["type"] != "http.disconnect":
            pass
        request.is_gone = True
        task.cancel()

    timer = asyncio.get_running_loop().call_later(WATCH_AFTER, lambda: watch.append(asyncio.create_task(until_gone())))
    try:
        yield
    finally:
        timer.cancel()
        for watcher in watch:
            watcher.cancel()
