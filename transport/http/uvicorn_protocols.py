"""uvicorn's protocols, and what this project leans on in them.

uvicorn offers its protocols by name (`--http httptools`, `--ws websockets-sansio`). That they can be extended is
promised nowhere. `transport/http/direct.py` extends the one of HTTP, `transport/live/frames.py` that of WebSockets.
Both take them from here, and `tests/libraries/test_private_names.py` compares `LEANS_ON` with the installed uvicorn.
"""

from __future__ import annotations

from typing import Any

from uvicorn.config import Config
from uvicorn.protocols.http.flow_control import HIGH_WATER_LIMIT
from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from uvicorn.server import ServerState

__all__ = [
    "HIGH_WATER_LIMIT",
    "LEANS_ON",
    "STATUS_LINE",
    "Config",
    "HttpToolsProtocol",
    "ServerState",
    "WebSocketsSansIOProtocol",
]

LEANS_ON: dict[type[Any], set[str]] = {
    HttpToolsProtocol: {
        "connection_lost", "connection_made", "data_received", "on_body", "on_header", "on_headers_complete",
        "on_message_begin", "on_message_complete", "on_response_complete", "on_url", "pause_writing", "resume_writing",
        "send_400_response", "shutdown", "client", "cycle", "expect_100_continue", "flow", "headers", "logger", "loop",
        "parser", "server_state", "tasks", "transport", "url",
    },
    WebSocketsSansIOProtocol: {
        "connection_lost", "connection_made", "handle_connect", "pause_writing", "resume_writing", "app", "close_sent",
        "config", "conn", "disconnected", "handshake_complete", "logger", "queue", "request", "response", "scope",
        "transport", "writable",
    },
    ServerState: {"default_headers"},
}  # fmt: skip
"""Methods and attributes, by class."""
