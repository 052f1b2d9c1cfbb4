"""Around everything: request and trace ids for the logs, and headers that every answer has."""

from __future__ import annotations

import re
from secrets import token_hex
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.contextvars import bound_contextvars

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
    """Pure ASGI: no task and no queue between the server and the endpoint."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = dict(HEADERS)
        if urlsplit(settings.url).scheme == "https":
            self._headers[b"strict-transport-security"] = f"max-age={YEAR}".encode()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        given = headers.get("x-request-id", "")
        request_id = given if REQUEST_ID.fullmatch(given) else token_hex(8)
        parent = headers.get("traceparent", "")
        trace_id = trace_id_of(parent) or token_hex(16)
        fixed = self._headers | {b"x-request-id": request_id.encode()}

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = message.get("headers", [])
                present = {name for name, _ in found}
                message["headers"] = [*found, *(pair for pair in fixed.items() if pair[0] not in present)]
            await send(message)

        traceparent.set(parent)
        with bound_contextvars(request_id=request_id, trace_id=trace_id):
            await self._app(scope, receive, send_with_headers)
