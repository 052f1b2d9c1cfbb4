"""GraphQL over server-sent events (https://github.com/graphql/graphql-over-http/blob/main/rfcs/GraphQLOverSSE.md).

"Distinct connections" mode: one request, one operation. On a path of its own, because some clients name
`text/event-stream` in the Accept header of every plain query (`docs/adr/0005`).
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import Any

from graphql import OperationType
from starlette.types import Receive, Scope, Send

from auth.viewer import Viewer
from realtime.tasks import end
from schema.core.context import Context
from schema.core.ports import Ports
from transport.http.backlog import BACKLOG
from transport.http.bodies import ClientGone, write_json
from transport.http.exchange import HttpRequest, caller_of, request_of
from transport.http.http import claims_for, parameters_of, refused
from transport.http.negotiation import JSON_TYPE, STREAM_TYPE, choose
from transport.live.sessions import SESSION_ENDED, ConnectionLimiter, SessionWatch, session_has_ended
from transport.operations.authentication import viewer_of
from transport.operations.observation import Observation
from transport.operations.operations import Operation, Operations
from transport.operations.refusals import refusal_of
from transport.operations.requests import BadRequest

KEEP_ALIVE_SECONDS = 15.0
"""Between comments that tell proxies the connection is alive."""
HEADERS = [
    (b"content-type", b"text/event-stream; charset=utf-8"),
    (b"cache-control", b"no-store"),
    (b"x-accel-buffering", b"no"),
]


class StreamEndpoint:
    """An ASGI application for one path."""

    def __init__(
        self,
        operations: Operations,
        ports: Ports,
        connection_limiter: ConnectionLimiter,
        sessions: SessionWatch,
        *,
        keep_alive: float = KEEP_ALIVE_SECONDS,
    ) -> None:
        self._operations = operations
        self._ports = ports
        self._connection_limiter = connection_limiter
        self._sessions = sessions
        self._keep_alive = keep_alive

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request, writer = request_of(scope, receive), _Writer(send, self._ports)
        with self._operations.observing("sse") as seen:
            try:
                operation, viewer = await self._prepare(request, seen)
                context = Context(
                    ports=self._ports,
                    caller=caller_of(request),
                    viewer=viewer,
                    is_socket=operation.type is OperationType.SUBSCRIPTION,
                )
                if operation.type is OperationType.SUBSCRIPTION:
                    await self._operations.wait_for_slot(operation, context)
                await self._operations.admit(operation, context, seen)
                with self._connection_limiter.acquired(self._connection_limiter.key(viewer, context.caller)):
                    await self._stream(operation, context, seen, receive, writer)
                return
            except ClientGone:
                return
            except Exception as error:
                if writer.has_started:
                    raise
                refusal = refusal_of(error, request.header(b"accept-language"))
            seen.refused(refusal.body["errors"][0])
        await refused(JSON_TYPE, refusal).response()(scope, receive, send)

    async def _prepare(self, request: HttpRequest, seen: Observation) -> tuple[Operation, Viewer]:
        if request.method not in ("GET", "POST"):
            raise BadRequest("Use POST or GET.", status=405, headers={"Allow": "GET, POST"})
        if choose(request.header(b"accept"), (STREAM_TYPE,), STREAM_TYPE) is None:
            raise BadRequest(f"Accept {STREAM_TYPE}.", status=406)
        parameters = await parameters_of(request, self._operations, self._ports.settings)
        await self._operations.pace.turn(request.address)
        operation = await self._operations.prepare(parameters, seen, request.address)
        if request.method == "GET" and operation.type is OperationType.MUTATION:
            raise BadRequest("Mutations need POST.", status=405, headers={"Allow": "POST"})
        return operation, await viewer_of(self._ports, claims_for(operation, request, self._ports))

    async def _stream(
        self, operation: Operation, context: Context, seen: Observation, receive: Receive, writer: _Writer
    ) -> None:
        """Four things at once; the first that is done ends the others: results, the session, the client, our comments
        (which end only by a client who does not read)."""
        await writer.start()
        results = asyncio.create_task(self._results(operation, context, seen, writer))
        others = [asyncio.create_task(_until_gone(receive)), asyncio.create_task(self._comments(writer))]
        with self._sessions.ending(context.viewer) as session:
            try:
                ends: list[asyncio.Future[Any]] = [results, session, *others]
                await asyncio.wait(ends, return_when=asyncio.FIRST_COMPLETED)
                reason = session.result() if session.done() else None
            finally:
                await end([results, *others])
        if not results.cancelled() and not isinstance(error := results.exception(), OSError | TimeoutError | None):
            raise error
        if reason is not None:
            await writer.event("next", _session_ended(context, reason))
        if not others[0].done() or others[0].cancelled():
            with suppress(OSError, TimeoutError):
                await writer.finish()

    async def _results(self, operation: Operation, context: Context, seen: Observation, writer: _Writer) -> None:
        async with aclosing(self._operations.results(operation, context, seen)) as results:
            async for result in results:
                if result.is_last and context.viewer.id and await session_has_ended(self._ports, context.viewer):
                    # The stream noticed the end of the session first; who watches the session says so.
                    await asyncio.sleep(self._ports.settings.operation_timeout)
                await writer.event("next", result.body)

    async def _comments(self, writer: _Writer) -> None:
        while True:
            await asyncio.sleep(self._keep_alive)
            await writer.write(b":\n\n")


class _Writer:
    """Sends parts of the body. A reader who takes nothing for too long raises `TimeoutError`."""

    def __init__(self, send: Send, ports: Ports) -> None:
        self._send = send
        self._timeout = ports.settings.send_timeout
        self.has_started = False

    async def start(self) -> None:
        self.has_started = True
        await self._send({"type": "http.response.start", "status": 200, "headers": HEADERS})
        # A first comment, so that the headers leave at once.
        await self.write(b":\n\n")

    async def event(self, name: str, body: dict[str, Any] | None) -> None:
        data = write_json(body) if body is not None else b""
        await self.write(b"event: " + name.encode() + b"\ndata: " + data + b"\n\n")

    async def write(self, part: bytes) -> None:
        # Most parts are handed over at once; who waits with one is counted.
        async with asyncio.timeout(self._timeout) as patience:

            def give_up() -> None:
                if not patience.expired():
                    patience.reschedule(0.0)

            with BACKLOG.holding(len(part), give_up):
                await self._send({"type": "http.response.body", "body": part, "more_body": True})

    async def finish(self) -> None:
        await self.event("complete", None)
        await self._send({"type": "http.response.body", "body": b"", "more_body": False})


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


def _session_ended(context: Context, reason: str) -> dict[str, Any]:
    extensions = {"code": "UNAUTHENTICATED", "reason": reason}
    return {"errors": [{"message": context.reader.say(SESSION_ENDED), "extensions": extensions}]}
