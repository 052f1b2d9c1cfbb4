"""GraphQL over WebSocket: the `graphql-transport-ws` protocol
(https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md), and no other.

Our own handler and not Strawberry's, which lets messages of the wrong shape end in a crash (`docs/adr/0005`).
"""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from typing import Any
from urllib.parse import urlsplit

import structlog
from graphql import OperationType
from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from auth.tokens import TokenRefused
from auth.viewer import GUEST, Viewer
from realtime.tasks import end
from schema.context import Caller, Context
from schema.ports import Ports
from translations import translate
from transport.bodies import parse_json, write_json
from transport.contexts import bearer_token, caller_of, viewer_of
from transport.operations import Operations
from transport.requests import BadRequest, Parameters, parameters_from
from transport.sessions import SESSION_ENDED, TOKEN_REVOKED, Seats, end_of_session, renewed

log = structlog.get_logger()

PROTOCOL = "graphql-transport-ws"
INVALID = 4400
UNAUTHORIZED = 4401
FORBIDDEN = 4403
WRONG_PROTOCOL = 4406
INIT_TIMEOUT = 4408
DUPLICATE = 4409
TOO_MANY = 4429
INTERNAL = 1011
LONGEST_ID = 128
"""Characters: we repeat it in every message."""


class Violation(Exception):
    """The client broke the protocol: the socket is closed with the code."""

    def __init__(self, code: int, reason: str) -> None:
        self.code, self.reason = code, reason
        super().__init__(reason)


class Gone(Exception):
    """The client has left."""


class SocketEndpoint:
    """An ASGI application for one path."""

    def __init__(self, operations: Operations, ports: Ports, seats: Seats) -> None:
        self._operations = operations
        self._ports = ports
        self._seats = seats

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        connection = HTTPConnection(scope)
        caller = caller_of(connection)
        if not self._is_welcome(connection):
            await _refuse(send, 403)
            return
        seat = self._seats.key(GUEST, caller)
        if not self._seats.take(seat):
            await _refuse(send, 429)
            return
        handler = Connection(self._operations, self._ports, self._seats, caller, seat, receive, send)
        self._operations.metrics.sockets.inc()
        try:
            await handler.run(speaks_protocol=PROTOCOL in scope.get("subprotocols", ()))
        finally:
            self._seats.leave(handler.seat)
            self._operations.metrics.sockets.dec()

    def _is_welcome(self, connection: HTTPConnection) -> bool:
        """Browsers always say where a page came from: ours, or one that is allowed. Programs say nothing."""
        origin = connection.headers.get("origin")
        if origin is None or origin in self._ports.settings.allowed_origins:
            return True
        return urlsplit(origin).netloc.lower() == connection.headers.get("host", "").lower() != ""


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "websocket.http.response.start", "status": status, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b""})


class Connection:
    """One socket. Every operation runs in a task of its own, with a context of its own."""

    def __init__(
        self,
        operations: Operations,
        ports: Ports,
        seats: Seats,
        caller: Caller,
        seat: str,
        receive: Receive,
        send: Send,
    ) -> None:
        self._operations = operations
        self._ports = ports
        self._settings = ports.settings
        self._seats = seats
        self._caller = caller
        self._receive = receive
        self._asgi_send = send
        self._running: dict[str, asyncio.Task[None]] = {}
        self._watch: asyncio.Task[None] | None = None
        self._is_closed = False
        self._viewer: Viewer = GUEST
        self.seat = seat

    async def run(self, *, speaks_protocol: bool) -> None:
        await self._asgi_send({"type": "websocket.accept", "subprotocol": PROTOCOL if speaks_protocol else None})
        self._task = asyncio.current_task()
        try:
            if not speaks_protocol:
                raise Violation(WRONG_PROTOCOL, "Subprotocol not acceptable")
            await self._initialise()
            while True:
                await self._handle(await self._next())
        except Violation as violation:
            await self._close(violation.code, violation.reason)
        except Gone:
            pass
        except Exception:
            log.exception("socket.failed")
            await self._close(INTERNAL, "Internal error")
        finally:
            self._is_closed = True
            await end([*self._running.values(), *([self._watch] if self._watch else [])])

    # Messages in

    async def _next(self) -> dict[str, Any]:
        """The next message. Raises `Violation` for what is none, and `Gone`."""
        while True:
            received = await self._receive()
            if received["type"] == "websocket.disconnect":
                raise Gone
            if self._is_closed:
                continue
            text = received.get("text")
            if text is None:
                raise Violation(INVALID, "Messages are text")
            try:
                message = parse_json(text)
            except BadRequest:
                raise Violation(INVALID, "Messages are JSON") from None
            if not isinstance(message, dict) or not isinstance(message.get("type"), str):
                raise Violation(INVALID, "Messages are objects with a type")
            return message

    async def _initialise(self) -> None:
        """Until the socket is acknowledged. The token comes in `connection_init`."""
        try:
            async with asyncio.timeout(self._settings.connection_init_timeout):
                while (message := await self._next())["type"] != "connection_init":
                    if message["type"] == "subscribe":
                        raise Violation(UNAUTHORIZED, "Unauthorized")
                    await self._handle(message)
        except TimeoutError:
            raise Violation(INIT_TIMEOUT, "Connection initialisation timeout") from None
        payload = message.get("payload")
        if payload is not None and not isinstance(payload, dict):
            raise Violation(INVALID, "The payload is not an object")
        await self._become(payload or {})
        await self._send({"type": "connection_ack"})
        self._watch = asyncio.create_task(self._watch_session())

    async def _become(self, payload: dict[str, Any]) -> None:
        """The token stands as `{"Authorization": "Bearer …"}` or as `{"token": "…"}`."""
        header = payload.get("Authorization", payload.get("authorization"))
        token = payload.get("token")
        try:
            if token is None and header is not None:
                token = bearer_token(header if isinstance(header, str) else "?")
            self._viewer = await viewer_of(self._ports, token if token is None or isinstance(token, str) else "")
        except TokenRefused as error:
            raise Violation(FORBIDDEN, error.reason) from None
        seat = self._seats.key(self._viewer, self._caller)
        if seat != self.seat:
            if not self._seats.take(seat):
                raise Violation(TOO_MANY, "Too many sockets")
            self._seats.leave(self.seat)
            self.seat = seat

    async def _handle(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "subscribe":
                await self._subscribe(_id_of(message), _parameters_of(message))
            case "complete":
                if task := self._running.pop(_id_of(message), None):
                    task.cancel()
            case "ping":
                await self._send({"type": "pong"})
            case "pong":
                pass
            case "connection_init":
                raise Violation(TOO_MANY, "Too many initialisation requests")
            case _:
                raise Violation(INVALID, "Unknown message type")

    # Operations

    async def _subscribe(self, id: str, parameters: Parameters) -> None:
        if id in self._running:
            raise Violation(DUPLICATE, f"Subscriber for {id} already exists")
        if len(self._running) >= self._settings.max_operations_per_socket:
            # Told from here and not from a task: who does not read the answer is not read either.
            refusal = BadRequest("Too many operations on this socket.", code="RATE_LIMITED")
            await self._send({"type": "error", "id": id, "payload": refusal.body["errors"]})
            return
        self._running[id] = asyncio.create_task(self._operate(id, parameters))

    async def _operate(self, id: str, parameters: Parameters) -> None:
        try:
            with self._operations.observing("websocket") as seen:
                operation = await self._operations.prepare(parameters, seen)
                context = Context(
                    ports=self._ports,
                    caller=self._caller,
                    viewer=self._viewer,
                    is_socket=operation.type is OperationType.SUBSCRIPTION,
                )
                await self._operations.admit(operation, context, seen)
                async with aclosing(self._operations.results(operation, context, seen)) as results:
                    async for result in results:
                        if result.is_last:
                            await self._fail(id, result.body["errors"], has_begun=not operation.errors)
                            return
                        await self._send({"type": "next", "id": id, "payload": result.body})
            await self._finish(id, {"type": "complete", "id": id})
        except BadRequest as refusal:
            with suppress(Gone):
                await self._fail(id, refusal.body["errors"], has_begun=False)
        except Gone:
            pass
        except Exception:
            log.exception("socket.operation_failed")
            await self._close(INTERNAL, "Internal error")
        finally:
            if self._running.get(id) is asyncio.current_task():
                del self._running[id]

    async def _fail(self, id: str, errors: list[dict[str, Any]], *, has_begun: bool) -> None:
        """An operation that ended by errors. If they came from the end of the session, everything ends."""
        if has_begun and self._viewer.id is not None and await renewed(self._ports, self._viewer) is None:
            await self._end(TOKEN_REVOKED)
        else:
            await self._finish(id, {"type": "error", "id": id, "payload": errors})

    async def _finish(self, id: str, message: dict[str, Any]) -> None:
        """The last message of an operation. Its id is free before the client can read it."""
        if self._running.get(id) is asyncio.current_task():
            del self._running[id]
        await self._send(message)

    async def _watch_session(self) -> None:
        with suppress(Gone):
            await self._end(await end_of_session(self._ports, self._viewer))

    async def _end(self, reason: str) -> None:
        """The session is over: every operation is told so, and the socket is closed."""
        if self._is_closed:
            return
        running, self._running = self._running, {}
        extensions = {"code": "UNAUTHENTICATED", "reason": reason}
        locale = Context(ports=self._ports, caller=self._caller, viewer=self._viewer).locale
        errors = [{"message": translate(locale, SESSION_ENDED), "extensions": extensions}]
        for task in running.values():
            if task is not asyncio.current_task():
                task.cancel()
        for id in running:
            await self._send({"type": "error", "id": id, "payload": errors})
        await self._close(FORBIDDEN, reason)

    # Messages out

    async def _send(self, message: dict[str, Any]) -> None:
        """Raises `Gone` where nobody reads, at the latest after the send timeout."""
        if self._is_closed:
            raise Gone
        try:
            async with asyncio.timeout(self._settings.send_timeout):
                await self._asgi_send({"type": "websocket.send", "text": write_json(message).decode()})
        except (OSError, TimeoutError):
            self._is_closed = True
            if self._task is not None and self._task is not asyncio.current_task():
                self._task.cancel()
            raise Gone from None

    async def _close(self, code: int, reason: str) -> None:
        if self._is_closed:
            return
        self._is_closed = True
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._settings.send_timeout):
                await self._asgi_send({"type": "websocket.close", "code": code, "reason": reason})


def _id_of(message: dict[str, Any]) -> str:
    found = message.get("id")
    if not isinstance(found, str) or not 1 <= len(found) <= LONGEST_ID:
        raise Violation(INVALID, "The id is not a text, empty, or too long")
    return found


def _parameters_of(message: dict[str, Any]) -> Parameters:
    try:
        return parameters_from(message.get("payload"))
    except BadRequest as error:
        raise Violation(INVALID, error.message) from None
