"""GraphQL over WebSocket: the `graphql-transport-ws` protocol
(https://github.com/enisdenjo/graphql-ws/blob/master/PROTOCOL.md), and no other.

Our own handler and not Strawberry's, which lets messages of the wrong shape end in a crash (`docs/adr/0005`).
"""

from __future__ import annotations

from functools import partial
from urllib.parse import urlsplit

from starlette.requests import HTTPConnection
from starlette.types import Receive, Scope, Send

from auth.viewer import GUEST
from schema.core.ports import Ports
from settings import origin_of
from transport.http.exchange import caller_of, request_of
from transport.live.connection import SocketConnection, SocketServices
from transport.live.fanout import Fanout
from transport.live.frames import outlet_of
from transport.live.protocol import PROTOCOL
from transport.live.sessions import ConnectionLimiter, SessionWatch, ViewerLookup
from transport.operations.operations import Operations


class SocketEndpoint:
    """An ASGI application for one path."""

    def __init__(
        self,
        operations: Operations,
        ports: Ports,
        connection_limiter: ConnectionLimiter,
        sessions: SessionWatch,
        fanout: Fanout,
    ) -> None:
        self._services = SocketServices(
            operations, ports, connection_limiter, fanout, sessions, ViewerLookup(ports.database)
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await receive()
        connection = HTTPConnection(scope)
        caller = caller_of(request_of(scope))
        if not self._is_welcome(connection):
            await _refuse(send, 403)
            return
        limiter_key = self._services.connection_limiter.key(GUEST, caller)
        if not self._services.connection_limiter.acquire(limiter_key):
            await _refuse(send, 429)
            return
        outlet = outlet_of(scope)
        speaks_protocol = PROTOCOL in scope.get("subprotocols", ())
        if outlet is None:
            await self._live(
                SocketConnection(self._services, caller, limiter_key, receive, send, None), speaks_protocol
            )
        else:
            handler = SocketConnection(self._services, caller, limiter_key, outlet.receive, outlet.send, outlet)
            outlet.go_on(partial(self._live, handler, speaks_protocol))

    async def _live(self, handler: SocketConnection, speaks_protocol: bool) -> None:
        self._services.operations.metrics.sockets.inc()
        try:
            await handler.run(speaks_protocol=speaks_protocol)
        finally:
            self._services.connection_limiter.release(handler.limiter_key)
            self._services.operations.metrics.sockets.dec()

    def _is_welcome(self, connection: HTTPConnection) -> bool:
        """Browsers always say where a page came from: ours, or one that is allowed. Programs say nothing."""
        origin = connection.headers.get("origin")
        return (
            origin is None
            or is_of_host(origin, connection.headers.get("host", ""))
            or _normalised(origin) in self._services.ports.settings.allowed_origins
        )


def is_of_host(origin: str, host: str) -> bool:
    """Tell whether a page comes from the host that was asked. The default port of a scheme may be named or not."""
    own = _normalised(f"{urlsplit(origin).scheme}://{host}") if host else None
    return own is not None and own == _normalised(origin)


def _normalised(origin: str) -> str | None:
    try:
        return origin_of(origin)
    except ValueError:
        return None


async def _refuse(send: Send, status: int) -> None:
    await send({"type": "websocket.http.response.start", "status": status, "headers": []})
    await send({"type": "websocket.http.response.body", "body": b""})
