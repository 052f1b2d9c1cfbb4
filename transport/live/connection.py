"""One socket of the `graphql-transport-ws` protocol."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from dataclasses import dataclass
from typing import Any

import structlog
from graphql import OperationType
from starlette.types import Receive, Send

from auth.tokens import TokenRefused
from auth.viewer import GUEST, Viewer
from database import is_outage
from realtime.tasks import end
from schema.core.context import Caller, Context
from schema.core.ports import Ports
from transport.live.fanout import Fanout, SocketSubscription, errors_of
from transport.live.frames import FrameTransport
from transport.live.protocol import (
    DUPLICATE,
    FORBIDDEN,
    INIT_TIMEOUT,
    INTERNAL,
    INVALID,
    PROTOCOL,
    TOO_MANY,
    TRY_AGAIN,
    UNAUTHORIZED,
    WRONG_PROTOCOL,
    ProtocolViolation,
    id_of,
    message_in,
    parameters_of,
)
from transport.live.sessions import (
    SESSION_ENDED,
    TOKEN_REVOKED,
    ConnectionLimiter,
    SessionWatch,
    ViewerLookup,
    WatchedSession,
    session_has_ended,
)
from transport.live.writing import SocketWriter, SubscriberGone
from transport.operations.authentication import bearer_token, claims_of, viewer_of
from transport.operations.budget import BudgetExhausted
from transport.operations.observation import Observation
from transport.operations.operations import Operation, Operations
from transport.operations.refusals import refusal_of
from transport.operations.requests import BadRequest, Parameters

log = structlog.get_logger()

LONGEST_PAUSE = 5.0
"""Seconds until a socket whose caller cannot pay looks again."""


class _SessionOver(Exception):
    """The caller's session has ended."""

    def __init__(self, reason: str) -> None:
        self.reason = reason
        super().__init__(reason)


@dataclass(frozen=True)
class SocketServices:
    """What all sockets of a process share."""

    operations: Operations
    ports: Ports
    connection_limiter: ConnectionLimiter
    fanout: Fanout
    sessions: SessionWatch
    viewers: ViewerLookup


class SocketConnection:
    """One socket. An operation runs in a task of its own, with a context of its own; a subscription that is live is no
    task any more, but a member of a group.
    """

    __slots__ = (
        "_caller",
        "_ending",
        "_operations",
        "_ports",
        "_receive",
        "_running",
        "_services",
        "_settings",
        "_viewer",
        "_watched",
        "_writer",
        "limiter_key",
        "outlet",
    )  # fmt: skip

    def __init__(
        self,
        services: SocketServices,
        caller: Caller,
        limiter_key: str,
        receive: Receive,
        send: Send,
        outlet: FrameTransport | None,
    ) -> None:
        self._services = services
        self._operations = services.operations
        self._ports = services.ports
        self._settings = services.ports.settings
        self._caller = caller
        self._receive = receive
        self._writer = SocketWriter(send, outlet, timeout=services.ports.settings.send_timeout)
        self._running: dict[str, asyncio.Task[None] | SocketSubscription] = {}
        self._watched: WatchedSession | None = None
        self._ending: asyncio.Task[None] | None = None
        self._viewer: Viewer = GUEST
        self.outlet = outlet
        self.limiter_key = limiter_key

    async def run(self, *, speaks_protocol: bool) -> None:
        await self._writer.accept(PROTOCOL if speaks_protocol else None)
        try:
            if not speaks_protocol:
                raise ProtocolViolation(WRONG_PROTOCOL, "Subprotocol not acceptable")
            await self._initialise()
            while True:
                await self._handle(await self._next())
        except ProtocolViolation as violation:
            await self._writer.close(violation.code, violation.reason)
        except SubscriberGone:
            pass
        except asyncio.CancelledError:
            # Our own, where the reader takes nothing: nobody is left to be told.
            if not self._writer.is_closed:
                raise
        except Exception:
            log.exception("socket.failed")
            await self._writer.close(INTERNAL, "Internal error")
        finally:
            self._writer.is_closed = True
            await self._clean_up()

    async def _clean_up(self) -> None:
        if self._watched is not None:
            self._services.sessions.forget(self._watched)
        tasks = [self._ending] if self._ending else []
        for running in self._running.values():
            if isinstance(running, SocketSubscription):
                running.cancel()
            else:
                tasks.append(running)
        await end(tasks)

    # Messages in

    async def _next(self) -> dict[str, Any]:
        """Return the next message. Raises `ProtocolViolation` for what is none, and `SubscriberGone`."""
        while True:
            received = await self._receive()
            if received["type"] == "websocket.disconnect":
                raise SubscriberGone
            if self._writer.is_closed:
                continue
            text = received.get("text")
            await self._pay_for_bytes(len(text or ""))
            return message_in(text)

    async def _pay_for_bytes(self, size: int) -> None:
        """Nobody can be told before the message is read, so who cannot pay for it is read later."""
        while True:
            try:
                return await self._operations.pay_for_bytes(self._caller.address, size)
            except BudgetExhausted as error:
                await asyncio.sleep(min(error.balance.wait, LONGEST_PAUSE))

    async def _initialise(self) -> None:
        """Until the socket is acknowledged. The token comes in `connection_init`."""
        try:
            async with asyncio.timeout(self._settings.connection_init_timeout):
                while (message := await self._next())["type"] != "connection_init":
                    if message["type"] == "subscribe":
                        raise ProtocolViolation(UNAUTHORIZED, "Unauthorized")
                    await self._handle(message)
        except TimeoutError:
            raise ProtocolViolation(INIT_TIMEOUT, "Connection initialisation timeout") from None
        payload = message.get("payload")
        if payload is not None and not isinstance(payload, dict):
            raise ProtocolViolation(INVALID, "The payload is not an object")
        await self._become(payload or {})
        await self._writer.send({"type": "connection_ack"})
        self._watched = self._services.sessions.watch(self._viewer, self._session_ended)

    async def _become(self, payload: dict[str, Any]) -> None:
        """Take the token, which stands as `{"Authorization": "Bearer …"}` or as `{"token": "…"}`."""
        header = payload.get("Authorization", payload.get("authorization"))
        token = payload.get("token")
        try:
            if token is None and header is not None:
                token = bearer_token(header if isinstance(header, str) else "?")
            claims = claims_of(self._ports, token if token is None or isinstance(token, str) else "")
            self._viewer = await viewer_of(self._ports, claims)
        except TokenRefused as error:
            raise ProtocolViolation(FORBIDDEN, error.reason) from None
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("database.away", error=type(error).__name__)
            raise ProtocolViolation(TRY_AGAIN, "Try again later") from None
        limiter_key = self._services.connection_limiter.key(self._viewer, self._caller)
        if limiter_key != self.limiter_key:
            if not self._services.connection_limiter.acquire(limiter_key):
                raise ProtocolViolation(TOO_MANY, "Too many sockets")
            self._services.connection_limiter.release(self.limiter_key)
            self.limiter_key = limiter_key

    async def _handle(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "subscribe":
                await self._subscribe(id_of(message), message)
            case "complete":
                if task := self._running.pop(id_of(message), None):
                    task.cancel()
            case "ping":
                await self._writer.send({"type": "pong"})
            case "pong":
                pass
            case "connection_init":
                raise ProtocolViolation(TOO_MANY, "Too many initialisation requests")
            case _:
                raise ProtocolViolation(INVALID, "Unknown message type")

    # Operations

    async def _subscribe(self, id: str, message: dict[str, Any]) -> None:
        if id in self._running:
            raise ProtocolViolation(DUPLICATE, f"Subscriber for {id} already exists")
        try:
            parameters = parameters_of(message)
            if len(self._running) >= self._settings.max_operations_per_socket:
                raise BadRequest("Too many operations on this socket.", code="RATE_LIMITED")
        except BadRequest as refusal:
            # Told from here and not from a task: who does not read the answer is not read either.
            await self._operations.delay_refusal(self._caller.address)
            await self._writer.send({"type": "error", "id": id, "payload": refusal.body["errors"]})
            return
        await self._operations.pace.turn(self._caller.address)
        self._running[id] = asyncio.create_task(self._operate(id, parameters))

    async def _operate(self, id: str, parameters: Parameters) -> None:
        try:
            with self._operations.observing("websocket") as seen:
                try:
                    await self._answer(id, parameters, seen)
                except SubscriberGone:
                    raise
                except _SessionOver as over:
                    seen.refused({"extensions": {"reason": over.reason}})
                    await self._end(over.reason)
                except Exception as error:
                    refusal = refusal_of(error, self._caller.accept_language)
                    seen.refused(refusal.body["errors"][0])
                    await self._operations.delay_refusal(self._caller.address)
                    await self._fail(id, refusal.body["errors"], has_begun=False)
        except SubscriberGone:
            pass
        finally:
            if self._running.get(id) is asyncio.current_task():
                del self._running[id]

    async def _answer(self, id: str, parameters: Parameters, seen: Observation) -> None:
        """Answer an operation. Raises `SubscriberGone`, `_SessionOver`, and what refuses the operation before it is
        executed.
        """
        operation = await self._operations.prepare(parameters, seen, self._caller.address)
        if operation.type is OperationType.SUBSCRIPTION and not operation.errors:
            await self._stream(id, operation, seen)
            return
        async with self._operations.slot(operation, self._viewer.id, self._caller.address):
            context = await self._context(operation)
            await self._operations.admit(operation, context, seen)
            result = await self._operations.run(operation, context, seen)
        if result.is_last:
            if result.is_refusal:
                await self._operations.delay_refusal(self._caller.address)
            await self._fail(id, result.body["errors"], has_begun=not operation.errors)
            return
        await self._writer.send({"type": "next", "id": id, "payload": result.body})
        await self._finish(id, {"type": "complete", "id": id})

    async def _stream(self, id: str, operation: Operation, seen: Observation) -> None:
        """As `_answer`, for a subscription."""
        await self._operations.wait_for_slot(operation, self._speaking())
        context = await self._context(operation)
        await self._operations.admit(operation, context, seen)
        if await self._follow(id, operation, context, seen):
            return
        async with aclosing(self._operations.results(operation, context, seen)) as results:
            async for result in results:
                if result.is_last:
                    await self._fail(id, result.body["errors"], has_begun=True)
                    return
                await self._writer.send({"type": "next", "id": id, "payload": result.body})
        await self._finish(id, {"type": "complete", "id": id})

    async def _context(self, operation: Operation) -> Context:
        """For an operation, with the caller as they are now. Raises `_SessionOver`.

        Nobody is asked where the operation is refused anyway.
        """
        if not operation.errors and self._viewer.is_signed_in:
            viewer = await self._services.viewers.current(self._viewer)
            if viewer is None:
                raise _SessionOver(TOKEN_REVOKED)
            self._viewer = viewer
            if self._watched is not None:
                # Thousands of sockets wait: one row of their user is enough.
                self._watched.viewer = viewer
        return self._speaking(is_socket=operation.type is OperationType.SUBSCRIPTION)

    def _speaking(self, *, is_socket: bool = False) -> Context:
        return Context(ports=self._ports, caller=self._caller, viewer=self._viewer, is_socket=is_socket)

    async def _follow(self, id: str, operation: Operation, context: Context, seen: Observation) -> bool:
        """Let a subscription go live in a group. False for an operation that has to be run by itself."""
        fanout = self._services.fanout
        live = fanout.open(operation, context) if self.outlet is not None else None
        if live is None:
            return False
        try:
            following = await fanout.follow(live, context, self, id, seen)
        except SubscriberGone:
            raise
        except Exception as error:
            await self._fail(id, errors_of(error, context, seen), has_begun=True)
            return True
        if following is None:
            return False
        self._running[id] = following
        return True

    def stopped(self, following: SocketSubscription, error: Exception) -> None:
        """End a live subscription. Called by its group."""
        if self._running.get(following.id) is not following:
            return
        if isinstance(error, SubscriberGone):
            del self._running[following.id]
            following.finish("cancelled")
        else:
            # Reported from here and not from the task, which may be cancelled before it has begun.
            errors = errors_of(error, self._speaking(), following.seen)
            following.finish()
            self._running[following.id] = asyncio.create_task(self._stopped(following, errors))

    async def _stopped(self, following: SocketSubscription, errors: list[dict[str, Any]]) -> None:
        try:
            await self._fail(following.id, errors, has_begun=True)
        except SubscriberGone:
            pass
        finally:
            if self._running.get(following.id) is asyncio.current_task():
                del self._running[following.id]

    async def _fail(self, id: str, errors: list[dict[str, Any]], *, has_begun: bool) -> None:
        """End an operation by errors. If they came from the end of the session, everything ends."""
        if has_begun and self._viewer.id is not None and await session_has_ended(self._ports, self._viewer):
            await self._end(TOKEN_REVOKED)
        else:
            await self._finish(id, {"type": "error", "id": id, "payload": errors})

    async def _finish(self, id: str, message: dict[str, Any]) -> None:
        """Send the last message of an operation. Its id is free before the client can read it."""
        if self._running.get(id) is asyncio.current_task():
            del self._running[id]
        await self._writer.send(message)

    def _session_ended(self, reason: str) -> None:
        async def tell() -> None:
            with suppress(SubscriberGone):
                await self._end(reason)

        self._ending = asyncio.create_task(tell())

    async def _end(self, reason: str) -> None:
        """Tell every operation that the session is over, and the socket is closed."""
        if self._writer.is_closed:
            return
        running, self._running = self._running, {}
        extensions = {"code": "UNAUTHENTICATED", "reason": reason}
        errors = [{"message": self._speaking().reader.say(SESSION_ENDED), "extensions": extensions}]
        for one in running.values():
            if one is not asyncio.current_task():
                one.cancel()
        for id in running:
            await self._writer.send({"type": "error", "id": id, "payload": errors})
        await self._writer.close(FORBIDDEN, reason)

    async def wait_for_room(self) -> None:
        await self._writer.wait_for_room()
