"""One HTTP request and its answer, through ASGI or directly (`transport/http/direct.py`)."""

from __future__ import annotations

import asyncio
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.responses import Response
from starlette.types import Receive, Scope

from schema.core.context import Caller
from transport.http.negotiation import takes_gzip

LEAST_COMPRESSED = 1_024
"""Bytes of a body. A shorter one fits into one packet anyway."""
COMPRESSION = 5
COMPRESSED_ELSEWHERE = 128 * 1_024
"""Bytes from which on compressing takes so long that a thread does it, and nobody waits."""


@dataclass(slots=True)
class HttpRequest:
    """What was sent. Names of `headers` are in lower case; of a header that was sent twice the first counts."""

    method: str
    headers: Mapping[bytes, bytes]
    address: str
    """The address of the client; empty if it is not known."""
    query: bytes = b""
    body: bytes | None = None
    """Null where `receive` still has to bring it."""
    receive: Receive | None = None
    """The channel of ASGI. Null if the server itself cancels the request's task when the client goes."""
    is_gone: bool = False
    """Nobody waits for the answer any more. Who notices that sets it, and cancels the task."""

    def header(self, name: bytes) -> str:
        return self.headers.get(name, b"").decode("latin-1")


def request_of(scope: Scope, receive: Receive | None = None) -> HttpRequest:
    """Return what came through ASGI: a request, or the handshake of a WebSocket."""
    headers: dict[bytes, bytes] = {}
    for name, value in scope["headers"]:
        headers.setdefault(name, value)
    client = scope.get("client")
    return HttpRequest(
        method=scope.get("method", "GET"),
        headers=headers,
        address=client[0] if client else "",
        query=scope.get("query_string", b""),
        receive=receive,
    )


@dataclass(slots=True)
class HttpResponse:
    """What is sent back. `headers` are those that not every answer has, in lower case; no value needs checking."""

    status: int
    media_type: str
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)

    def response(self) -> Response:
        """For ASGI."""
        return Response(self.body, self.status, {**fixed_headers(self.media_type), **self.headers})


def fixed_headers(media_type: str) -> dict[str, str]:
    """Return the headers of every response."""
    return {"content-type": f"{media_type}; charset=utf-8", "cache-control": "no-store", "vary": "Accept"}


async def compressed(answer: HttpResponse, request: HttpRequest) -> HttpResponse:
    """Return a long answer as it travels: by gzip where the client takes that."""
    if not takes_gzip(request.header(b"accept-encoding")):
        return answer
    if len(answer.body) < COMPRESSED_ELSEWHERE:
        body = _gzip(answer.body)
    else:
        body = await asyncio.to_thread(_gzip, answer.body)
    return HttpResponse(
        answer.status,
        answer.media_type,
        body,
        {**answer.headers, "content-encoding": "gzip", "vary": "Accept, Accept-Encoding"},
    )


def _gzip(body: bytes) -> bytes:
    compressor = zlib.compressobj(COMPRESSION, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    return compressor.compress(body) + compressor.flush()


def caller_of(request: HttpRequest) -> Caller:
    return Caller(request.address, request.header(b"user-agent")[:400], request.header(b"accept-language")[:400])
