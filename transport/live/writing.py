"""What leaves by a socket, with patience for its reader and an end of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from starlette.types import Send

from transport.http.backlog import BACKLOG
from transport.http.bodies import write_json
from transport.live.frames import FrameTransport


class SubscriberGone(Exception):
    """The client has left."""


class SocketWriter:
    """Sends the messages of one socket. Whoever takes nothing for `timeout` seconds is given up."""

    __slots__ = ("_asgi_send", "_outlet", "_task", "_timeout", "is_closed")

    def __init__(self, send: Send, outlet: FrameTransport | None, *, timeout: float) -> None:
        self._asgi_send = send
        self._outlet = outlet
        self._timeout = timeout
        self._task: asyncio.Task[Any] | None = None
        self.is_closed = False

    async def accept(self, subprotocol: str | None) -> None:
        """Accept the handshake. The task that calls this is cancelled when the reader is given up."""
        await self._asgi_send({"type": "websocket.accept", "subprotocol": subprotocol})
        if self._outlet is not None:
            self._outlet.settle()
        self._task = asyncio.current_task()

    async def send(self, message: dict[str, Any]) -> None:
        """Send a message. Raises `SubscriberGone` where nobody reads, at the latest after the timeout."""
        text = write_json(message).decode()
        if self._outlet is None or not self._outlet.writable.is_set():
            with BACKLOG.holding(len(text), self._drop):
                await self._patiently(lambda: self._asgi_send({"type": "websocket.send", "text": text}))
        else:
            await self._patiently(lambda: self._asgi_send({"type": "websocket.send", "text": text}))

    async def wait_for_room(self) -> None:
        """Wait until the socket takes more. Raises as `send`."""
        outlet = self._outlet
        assert outlet is not None
        if self.is_closed or outlet.is_gone or not outlet.writable.is_set():
            await self._patiently(outlet.writable.wait)
            if outlet.is_gone:
                raise SubscriberGone

    async def close(self, code: int, reason: str) -> None:
        if self.is_closed:
            return
        self.is_closed = True
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(self._timeout):
                await self._asgi_send({"type": "websocket.close", "code": code, "reason": reason})

    async def _patiently(self, wait: Callable[[], Awaitable[Any]]) -> None:
        """Wait for the reader. Raises `SubscriberGone`, and ends the socket, where the reader takes nothing for too
        long.
        """
        if self.is_closed:
            raise SubscriberGone
        try:
            async with asyncio.timeout(self._timeout):
                await wait()
        except (OSError, TimeoutError):
            self._drop()
            raise SubscriberGone from None

    def _drop(self) -> None:
        """End the socket, whose reader takes too little to be told."""
        self.is_closed = True
        if self._task is not None and self._task is not asyncio.current_task():
            self._task.cancel()
