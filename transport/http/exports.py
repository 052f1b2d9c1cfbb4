"""`GET /exports/<id>`: a copy of one's own data, piece by piece."""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from uuid import UUID

from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from errors import NotFound, RateLimited, Unauthenticated, _
from resolvers.privacy import data_exports
from resolvers.privacy.data_exports import Download, ExportRemoved, NotReady
from schema.core.ports import Ports
from schema.privacy.data_exports import PATH
from translations import DEFAULT_LOCALE, Reader, negotiate
from transport.http.exchange import HttpRequest, request_of
from transport.http.http import refused
from transport.http.negotiation import JSON_TYPE, takes_gzip
from transport.operations.authentication import bearer_token, claims_of, viewer_of
from transport.operations.refusals import refusal_of
from transport.operations.requests import BadRequest

UNPACKED = 64 * 1024
"""Bytes at once, of a file for a client that takes no gzip: what was packed small may be large."""
NOT_READY = _("This is not ready yet.")
GONE = _("This is no longer available.")


class Exports:
    """The ASGI application for the route."""

    def __init__(self, ports: Ports) -> None:
        self._ports = ports

    @property
    def route(self) -> Route:
        return Route(PATH + "/{id}", self)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = request_of(scope, receive)
        try:
            found = await self._found(request, Request(scope).path_params["id"])
        except Exception as error:
            refusal = refusal_of(error, request.header(b"accept-language"))
            await refused(JSON_TYPE, refusal).response()(scope, receive, send)
            return
        await _response(found, request)(scope, receive, send)

    async def _found(self, request: HttpRequest, id: str) -> Download:
        """Return the file, if it can be had. Raises `BadRequest`, `TokenRefused`."""
        if request.method != "GET":
            raise BadRequest("Use GET.", status=405, headers={"Allow": "GET"})
        reader = Reader(negotiate(request.header(b"accept-language")) or DEFAULT_LOCALE)
        token = bearer_token(request.header(b"authorization"))
        if token is None:
            raise BadRequest(
                reader.say(Unauthenticated.message),
                status=401,
                code="UNAUTHENTICATED",
                headers={"WWW-Authenticate": "Bearer"},
            )
        viewer = await viewer_of(self._ports, claims_of(self._ports, token))
        try:
            return await data_exports.download(self._ports.database, viewer, _uuid(id))
        except NotFound as error:
            raise BadRequest(reader.say(error.message), status=404, code="NOT_FOUND") from None
        except NotReady:
            raise BadRequest(reader.say(NOT_READY), status=409, reason="NOT_READY") from None
        except ExportRemoved:
            raise BadRequest(reader.say(GONE), status=410, reason="GONE") from None
        except RateLimited as error:
            seconds = error.params.get("retry_after") or 1
            raise BadRequest(
                reader.say(error.message, error.params),
                status=429,
                code="RATE_LIMITED",
                headers={"Retry-After": str(seconds)},
                extensions={"retryAfter": seconds},
            ) from None


def _response(found: Download, request: HttpRequest) -> StreamingResponse:
    headers = {
        "Content-Disposition": f'attachment; filename="wingding-{found.asked_at:%Y-%m-%d}.json"',
        "Cache-Control": "no-store",
        "Vary": "Accept-Encoding",
    }
    if takes_gzip(request.header(b"accept-encoding")):
        headers |= {"Content-Encoding": "gzip", "Content-Length": str(found.size)}
        return StreamingResponse(found.parts, media_type=JSON_TYPE, headers=headers)
    return StreamingResponse(_unpacked(found.parts), media_type=JSON_TYPE, headers=headers)


def _uuid(text: str) -> UUID:
    """Return the id of a path; one that is none finds nothing."""
    try:
        return UUID(text)
    except ValueError:
        return UUID(int=0)


async def _unpacked(packed: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Return the text of a file, with little of it in memory, however well it was packed."""
    unpacking = zlib.decompressobj(16 + zlib.MAX_WBITS)
    async for content in packed:
        waiting = content
        while waiting:
            if piece := unpacking.decompress(waiting, UNPACKED):
                yield piece
            waiting = unpacking.unconsumed_tail
