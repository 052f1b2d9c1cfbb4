"""A client of `graphql-transport-ws` that speaks the raw protocol, so that tests may also break it.

async with Socket.connect(server.ws_url, token) as socket:
    subscription = await socket.subscribe(document, {"id": gid(event)})
    item = await subscription.next()          # the `data` of the next result
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

import orjson
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

PROTOCOL = Subprotocol("graphql-transport-ws")
PATIENCE = 5.0


class Completed(Exception):
    """The server has completed the operation, or closed the socket."""


class Failed(Exception):
    """The operation ended with an `error` message, or a result had errors."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        self.errors = errors
        super().__init__(str(errors))

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]


@dataclass
class Subscription:
    """One running operation of a socket."""

    socket: Socket
    id: str
    messages: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)

    async def message(self, timeout: float = PATIENCE) -> dict[str, Any]:
        """The next raw message of this operation. Raises `Completed` where the socket is closed instead."""
        async with asyncio.timeout(timeout):
            found = await self.messages.get()
        if found["type"] == "closed":
            self.messages.put_nowait(found)
            raise Completed
        return found

    async def next(self, timeout: float = PATIENCE) -> dict[str, Any]:
        """`data` of the next result. Raises `Failed` for errors, `Completed` at the end, `TimeoutError` for silence."""
        found = await self.message(timeout)
        if found["type"] == "complete":
            raise Completed
        if found["type"] == "error":
            raise Failed(found["payload"])
        if found["payload"].get("errors"):
            raise Failed(found["payload"]["errors"])
        return cast(dict[str, Any], found["payload"]["data"])

    async def stop(self) -> None:
        await self.socket.send({"type": "complete", "id": self.id})
        self.socket.operations.pop(self.id, None)


@dataclass
class Socket:
    connection: ClientConnection
    operations: dict[str, Subscription] = field(default_factory=dict)
    others: asyncio.Queue[dict[str, Any]] = field(default_factory=asyncio.Queue)
    _ids: Any = field(default_factory=lambda: count(1))

    @staticmethod
    @asynccontextmanager
    async def open(url: str, **options: Any) -> AsyncIterator[Socket]:
        """Only the WebSocket; nothing has been said yet."""
        async with connect(url, subprotocols=[PROTOCOL], max_size=None, **options) as connection:
            socket = Socket(connection)
            reader = asyncio.create_task(socket._read())
            try:
                yield socket
            finally:
                reader.cancel()
                with suppress(asyncio.CancelledError):
                    await reader

    @staticmethod
    @asynccontextmanager
    async def connect(url: str, token: str | None = None, **options: Any) -> AsyncIterator[Socket]:
        """A socket that is acknowledged, as the token's user or as a guest."""
        async with Socket.open(url, **options) as socket:
            await socket.initialise({"Authorization": f"Bearer {token}"} if token else {})
            yield socket

    async def initialise(self, payload: dict[str, Any]) -> None:
        await self.send({"type": "connection_init", "payload": payload})
        found = await self.message()
        if found["type"] != "connection_ack":
            raise Failed([found])

    async def send(self, message: Any) -> None:
        """Any JSON value, right or wrong."""
        await self.send_raw(orjson.dumps(message).decode())

    async def send_raw(self, text: str | bytes) -> None:
        await self.connection.send(text)

    async def subscribe(
        self, document: str, variables: dict[str, Any] | None = None, *, id: str | None = None
    ) -> Subscription:
        """Start an operation of any kind."""
        found = Subscription(self, id or str(next(self._ids)))
        self.operations[found.id] = found
        payload = {"query": document, "variables": variables or {}}
        await self.send({"type": "subscribe", "id": found.id, "payload": payload})
        return found

    async def run(self, document: str, variables: dict[str, Any] | None = None) -> dict[str, Any]:
        """`data` of a query or mutation."""
        return await (await self.subscribe(document, variables)).next()

    async def message(self, timeout: float = PATIENCE) -> dict[str, Any]:
        """The next raw message that belongs to no operation: connection_ack, ping, pong, closed."""
        async with asyncio.timeout(timeout):
            return await self.others.get()

    async def closed(self, timeout: float = PATIENCE) -> int:
        """The code with which the server closes the socket."""
        async with asyncio.timeout(timeout):
            await self.connection.wait_closed()
        return cast(int, self.connection.close_code)

    async def _read(self) -> None:
        with suppress(ConnectionClosed):
            async for text in self.connection:
                found = orjson.loads(text)
                operation = self.operations.get(found.get("id"))
                (operation.messages if operation else self.others).put_nowait(found)
        closed = {"type": "closed", "code": self.connection.close_code}
        self.others.put_nowait(closed)
        for operation in self.operations.values():
            operation.messages.put_nowait(closed)
