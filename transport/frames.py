"""uvicorn's WebSockets with a second door: frames that are written already, without a wait for each.

`websocket.send` makes a frame of a text, through a task's wait, for one socket. A hot chat says the same to a
thousand, so the frame is made once and handed to each socket's transport as it is; the event loop writes what came
together in one turn by one system call. The door is an ASGI extension of our own, in `scope["extensions"][FRAMES]`.
Where a server does not have it, streams are followed one by one, through `websocket.send`.
"""

from __future__ import annotations

import asyncio
from typing import Any, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

FRAMES = "wingding.frames"
TEXT = 0x81
"""First byte of a text message in one frame (RFC 6455, section 5.2)."""


class Outlet(Protocol):
    """Of one socket."""

    writable: asyncio.Event
    """Whether the transport's buffer is not full."""

    @property
    def is_gone(self) -> bool: ...

    def write_frames(self, frames: bytes) -> None:
        """Leaves at the end of this turn, in order with everything else. Nothing happens where the reader has gone."""


class FrameProtocol(WebSocketsSansIOProtocol):
    """One socket. It may not have agreed on an extension, such as compression: frames are sent as they are."""

    async def run_asgi(self) -> None:
        if not self.conn.extensions:
            self.scope["extensions"][FRAMES] = {"outlet": self}
        await super().run_asgi()

    @property
    def is_gone(self) -> bool:
        return self.disconnected or self.close_sent or self.transport.is_closing()

    def write_frames(self, frames: bytes) -> None:
        if not self.is_gone:
            self.transport.write(frames)


def text_frame(payload: bytes) -> bytes:
    """A text as one frame from the server, which are not masked."""
    size = len(payload)
    if size < 126:
        head = bytes((TEXT, size))
    elif size < 1 << 16:
        head = b"\x81\x7e" + size.to_bytes(2, "big")
    else:
        head = b"\x81\x7f" + size.to_bytes(8, "big")
    return head + payload


def outlet_of(scope: Any) -> Outlet | None:
    found = scope.get("extensions", {}).get(FRAMES)
    return found["outlet"] if found else None
