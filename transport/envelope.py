"""Around everything: request and trace ids for the logs, and headers that every answer has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import getrandbits
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bind_contextvars

from settings import Settings
from transport.tracing import trace_id_of, traceparent

REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-site",
}
YEAR = 31_536_000


class Envelope:
    """Pure ASGI: no task and no queue between the server and the endpoint.

    `direct` names endpoints by path that most requests are for: one that asks neither for compression nor from another
    origin goes there at once, past the layers that would do nothing for it.
    """

    def __init__(self, app: ASGIApp, settings: Settings, direct: Mapping[str, ASGIApp] | None = None) -> None:
        self._app = app
        self._direct = direct or {}
        self._headers = dict(HEADERS)
        if urlsplit(settings.url).scheme == "https":
            self._headers[b"strict-transport-security"] = f"max-age={YEAR}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        given = headers.get(b"x-request-id", b"").decode("latin-1")
        # Told apart in logs, secret to nobody.
        request_id = given if REQUEST_ID.fullmatch(given) else f"{getrandbits(64):016x}"
        parent = headers.get(b"traceparent", b"").decode("latin-1")
        trace_id = (parent and trace_id_of(parent)) or f"{getrandbits(128) or 1:032x}"
        fixed = [*self._headers.items(), (b"x-request-id", request_id.encode())]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = message.get("headers", [])
                present = {name for name, _ in found}
                message["headers"] = [*found, *(pair for pair in fixed if pair[0] not in present)]
            await send(message)

        traceparent.set(parent)
        # Until the end of this request's task, which has a context of its own.
        bind_contextvars(request_id=request_id, trace_id=trace_id)
        app = self._app
        if scope["type"] == "http" and b"origin" not in headers and b"gzip" not in headers.get(b"accept-encoding", b""):
            app = self._direct.get(scope["path"], app)
        await app(scope, receive, send_with_headers)
