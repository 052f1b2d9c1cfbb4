"""Reading what was sent, without trusting its size, its pace or its content."""

from __future__ import annotations

import asyncio
from typing import Any

import orjson
from starlette.types import Receive

from transport.http.exchange import HttpRequest
from transport.operations.requests import BadRequest

MAX_VALUES = 50_000
"""Maximum number of values in a request. A hundred lists of a hundred are ten thousand; commas in texts count too."""
CLOSE = {"Connection": "close"}
"""Where the rest of a body is not wanted: the server would go on reading it otherwise."""


class ClientGone(Exception):
    """Nobody waits for an answer."""


async def read_body(request: HttpRequest, *, limit: int, timeout: float) -> bytes:
    """Return the whole body. Raises `BadRequest` (413) where it is over the limit, whatever its header said, 408
    where it does not arrive in time, and `ClientGone`."""
    assert request.receive is not None
    declared = request.header(b"content-length")
    if declared.isdecimal() and int(declared) > limit:
        raise _too_large(limit)
    chunks: list[bytes] = []
    size = 0
    until = asyncio.get_running_loop().time() + timeout
    while True:
        message = await _next(request.receive, until - asyncio.get_running_loop().time())
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
        if size > limit:
            raise _too_large(limit)
        if not message.get("more_body"):
            return b"".join(chunks) if len(chunks) > 1 else chunks[0]


async def drop_body(request: HttpRequest, *, timeout: float) -> None:
    """Let a body pass whose length is declared and within the limit, and keep nothing of it.

    A client that is answered while it writes may find its connection reset, and the answer lost. Raises as `read_body`.
    """
    assert request.receive is not None
    until = asyncio.get_running_loop().time() + timeout
    while (await _next(request.receive, until - asyncio.get_running_loop().time())).get("more_body"):
        pass


async def _next(receive: Receive, timeout: float) -> Any:
    try:
        async with asyncio.timeout(timeout):
            message = await receive()
    except TimeoutError:
        raise BadRequest("The body did not arrive in time.", status=408, reason="BODY_TIMEOUT", headers=CLOSE) from None
    if message["type"] == "http.disconnect":
        raise ClientGone
    return message


def _too_large(limit: int) -> BadRequest:
    return BadRequest(f"The body is larger than {limit} bytes.", status=413, reason="BODY_TOO_LARGE", headers=CLOSE)


def parse_json(body: bytes | str) -> Any:
    """Any JSON value. Refuses what is no UTF-8, NaN, half a surrogate pair, nesting without end, and very many values,
    which take a hundred times as long as a text of the same length."""
    if len(body) > MAX_VALUES and _separators(body) > MAX_VALUES:
        raise BadRequest(f"The request has too many values: at most {MAX_VALUES}.", reason="LIMIT")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        reason = "LIMIT" if error.msg.startswith("depth limit exceeded") else ""
        raise BadRequest("The request is not valid JSON.", reason=reason) from error


def _separators(body: bytes | str) -> int:
    """At least as many as there are values, also where they stand in texts."""
    if isinstance(body, str):
        return sum(map(body.count, ",[{"))
    return sum(map(body.count, (b",", b"[", b"{")))


def write_json(value: Any) -> bytes:
    return orjson.dumps(value, default=str)
