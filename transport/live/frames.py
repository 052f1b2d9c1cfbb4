"""uvicorn's WebSockets with a second door: frames that are written already, without a wait for each.

`websocket.send` makes a frame of a text, through a task's wait, for one socket. A hot chat says the same to a
thousand, so the frame is made once and handed to each socket's transport as it is; the event loop writes what came
together in one turn by one system call. The door is an ASGI extension of our own, in `scope["extensions"][FRAMES]`.
Where a server does not have it, streams are followed one by one, through `websocket.send`.
"""

from __future__ import annotations

import asyncio
from asyncio.transports import BaseTransport
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any, Protocol, cast

from websockets.http11 import Request, Response
from websockets.server import ServerProtocol
from websockets.typing import StatusLike

from transport.http.backlog import BACKLOG, PendingFrames
from transport.http.uvicorn_protocols import HttpToolsProtocol, WebSocketsSansIOProtocol

FRAMES = "wingding.frames"
TEXT = 0x81
"""First byte of a text message in one frame (RFC 6455, section 5.2)."""


class LightEvent:
    """As much of `asyncio.Event` as is needed here, in a tenth of its memory while nobody waits."""

    __slots__ = ("_waiters", "is_open")

    def __init__(self) -> None:
        self.is_open = True
        self._waiters: list[asyncio.Future[None]] = []

    def set(self) -> None:
        self.is_open = True
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)
        self._waiters = []

    def clear(self) -> None:
        self.is_open = False

    def is_set(self) -> bool:
        return self.is_open

    async def wait(self) -> bool:
        while not self.is_open:
            waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            await waiter
        return True


class ReceiveQueue:
    """As much of `asyncio.Queue` as one reader needs. Reading from the socket pauses while anything is in it."""

    __slots__ = ("_events", "_waiter")

    def __init__(self) -> None:
        self._events: list[Any] = []
        self._waiter: asyncio.Future[None] | None = None

    def put_nowait(self, event: Any) -> None:
        self._events.append(event)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def empty(self) -> bool:
        return not self._events

    async def get(self) -> Any:
        while not self._events:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._waiter = None
        return self._events.pop(0)


class FrameTransport(Protocol):
    """The transport of one socket's frames."""

    writable: LightEvent
    """Whether the transport's buffer is not full."""

    @property
    def is_gone(self) -> bool: ...

    async def receive(self) -> Any:
        """As ASGI's, past all layers."""

    async def send(self, message: Any) -> None:
        """As ASGI's, past all layers."""

    def go_on(self, life: Callable[[], Awaitable[None]]) -> None:
        """Take what is to be done once the application has returned: the rest of the socket's life. Until then all
        layers of the application would be kept in memory, though they do nothing but wait.
        """

    def settle(self) -> None:
        """Give the memory of the handshake back, which nobody will read again."""

    def offer(self, frames: bytes) -> bool:
        """Write whole frames, in order with everything else and without a wait. False, and nothing is written, where
        the buffer is full or the reader has gone.
        """


class Handshake(ServerProtocol):
    """One that says no more than the status where a handshake is not good: what the library says is the text of an
    exception.
    """

    def reject(self, status: StatusLike, text: str) -> Response:
        is_at_fault = self.handshake_exc is not None
        return super().reject(status, f"{HTTPStatus(status).phrase}\n" if is_at_fault else text)


class FrameProtocol(WebSocketsSansIOProtocol):
    """One socket. It agrees on no extension, such as compression: frames are sent as they are."""

    writable: LightEvent  # type: ignore[assignment]  # uvicorn uses no more of its asyncio.Event than this has

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.conn = Handshake(max_size=self.config.ws_max_size, logger=self.logger)
        self.queue = ReceiveQueue()  # type: ignore[assignment]  # likewise
        self.writable = LightEvent()
        self._life: Callable[[], Awaitable[None]] | None = None

    def connection_made(self, transport: BaseTransport) -> None:
        # Who has read the handshake and its parser hold each other, and would lie about until the collector comes.
        reader = cast(asyncio.Transport, transport).get_protocol()
        if isinstance(reader, HttpToolsProtocol):
            del reader.parser
        super().connection_made(transport)

    def handle_connect(self, event: Request) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            if not self.conn.extensions:
                self.scope["extensions"][FRAMES] = {"outlet": self}
            self.app = self._live

    async def _live(self, scope: Any, receive: Any, send: Any) -> None:
        self.app = self.config.loaded_app
        await self.app(scope, receive, send)
        del scope, receive, send
        if self.close_sent:
            # Refused by an answer. uvicorn knows that only once the connection is gone, and would log an error.
            self.handshake_complete = True
        life, self._life = self._life, None
        if life is not None:
            await life()

    def go_on(self, life: Callable[[], Awaitable[None]]) -> None:
        self._life = life

    def pause_writing(self) -> None:
        super().pause_writing()
        BACKLOG.hold(self.transport, PendingFrames(self.transport.get_write_buffer_size, self.transport.abort))

    def resume_writing(self) -> None:
        BACKLOG.release(self.transport)
        super().resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        BACKLOG.release(self.transport)
        super().connection_lost(exc)

    @property
    def is_gone(self) -> bool:
        return self.disconnected or self.close_sent or self.transport.is_closing()

    def settle(self) -> None:
        # The parser holds on to the request as long as the socket lives, so what is in it goes.
        self.request.headers.clear()
        self.response.headers.clear()
        del self.request, self.response
        cast(dict[str, Any], self.scope).clear()

    def offer(self, frames: bytes) -> bool:
        # As `is_gone`, without the call: this is asked for each reader of each message.
        if not self.writable.is_open or self.disconnected or self.close_sent or self.transport.is_closing():
            return False
        self.transport.write(frames)
        return True


def text_frame(payload: bytes) -> bytes:
    """Return a text as one frame from the server, which are not masked."""
    size = len(payload)
    if size < 126:
        head = bytes((TEXT, size))
    elif size < 1 << 16:
        head = b"\x81\x7e" + size.to_bytes(2, "big")
    else:
        head = b"\x81\x7f" + size.to_bytes(8, "big")
    return head + payload


def outlet_of(scope: Any) -> FrameTransport | None:
    found = scope.get("extensions", {}).get(FRAMES)
    return found["outlet"] if found else None
