"""Around everything: request and trace ids for the logs, and headers that every answer has."""

from __future__ import annotations

import re
from collections.abc import Mapping
from random import getrandbits
from typing import Any
from urllib.parse import urlsplit

from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from settings import Settings
from transport.http.exchange import COMPRESSION, LEAST_COMPRESSED, request_of
from transport.http.negotiation import takes_gzip
from transport.observing.tracing import marks, trace_id_of, traceparent

REQUEST_ID = re.compile(rb"[A-Za-z0-9._-]{1,64}")
HEADERS = {
    b"x-content-type-options": b"nosniff",
    b"x-frame-options": b"DENY",
    b"referrer-policy": b"no-referrer",
    b"content-security-policy": b"default-src 'none'; frame-ancestors 'none'",
    b"cross-origin-resource-policy": b"same-site",
}
YEAR = 31_536_000


def safe_headers(settings: Settings) -> dict[bytes, bytes]:
    """Return the headers for every response that does not set them itself."""
    if urlsplit(settings.url).scheme != "https":
        return HEADERS
    return HEADERS | {b"strict-transport-security": f"max-age={YEAR}".encode()}


def cors_options(settings: Settings) -> dict[str, Any]:
    """For Starlette's `CORSMiddleware`, where another origin may call us at all."""
    return {
        "allow_origins": settings.allowed_origins,
        "allow_methods": ["GET", "POST", "QUERY"],
        "allow_headers": ["authorization", "content-type", "accept-language", "traceparent", "x-request-id"],
        "expose_headers": ["accept-query", "retry-after", "x-request-id"],
        "max_age": 86_400,
    }


def mark(headers: Mapping[bytes, bytes]) -> bytes:
    """Give the request its ids, in the context of its task; the answer is its own id, safe to be sent back."""
    # Told apart in logs, secret to nobody.
    made = f"{getrandbits(192):048x}"
    request_id, trace_id = made[:16], made[16:]
    if (given := headers.get(b"x-request-id")) is not None and REQUEST_ID.fullmatch(given):
        request_id = given.decode()
    if (sent := headers.get(b"traceparent")) is not None:
        parent = sent.decode("latin-1")
        traceparent.set(parent)
        trace_id = trace_id_of(parent) or trace_id
    marks.set({"request_id": request_id, "trace_id": trace_id})
    return request_id.encode()


class Compressing:
    """Starlette's compression, given what the client takes in its plainest form: it does not read weights."""

    def __init__(self, app: ASGIApp) -> None:
        self._compressing = GZipMiddleware(app, minimum_size=LEAST_COMPRESSED, compresslevel=COMPRESSION)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (told := request_of(scope).header(b"accept-encoding")):
            headers = [pair for pair in scope["headers"] if pair[0] != b"accept-encoding"]
            if takes_gzip(told):
                headers.append((b"accept-encoding", b"gzip"))
            scope = {**scope, "headers": headers}
        await self._compressing(scope, receive, send)


class Envelope:
    """Pure ASGI: no task and no queue between the server and the endpoint."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._headers = list(safe_headers(settings).items())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        # Until the end of this request's task, which has a context of its own.
        fixed = [*self._headers, (b"x-request-id", mark(request_of(scope).headers))]

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                found = message.get("headers", [])
                present = {name for name, _ in found}
                message["headers"] = [*found, *(pair for pair in fixed if pair[0] not in present)]
            await send(message)

        await self._app(scope, receive, send_with_headers)
