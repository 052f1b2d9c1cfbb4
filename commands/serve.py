"""One API process."""

from __future__ import annotations

import gc
import socket
from argparse import Namespace
from importlib import import_module
from typing import Any

import uvicorn

from commands.listening import listen
from commands.local import need_home, need_servers
from commands.logs import LineWriter, set_up_logging
from settings import Settings
from transport.http.direct import DirectProtocol
from transport.live.frames import FrameProtocol


def configuration(settings: Settings, **options: Any) -> uvicorn.Config:
    """How uvicorn serves us; `options` for tests."""
    chosen: dict[str, Any] = {
        "app": "app:create_app",
        "factory": True,
        "loop": "uvloop",
        "http": DirectProtocol,
        "ws": FrameProtocol,
        "ws_max_size": settings.max_body_bytes,
        "ws_ping_interval": 20,
        "ws_ping_timeout": 20,
        "ws_per_message_deflate": False,
        "timeout_graceful_shutdown": 3,
        "timeout_keep_alive": 65,
        # `transport/http/proxies.py` does that, for addresses of IPv4 on a socket of IPv6 too.
        "proxy_headers": False,
        "server_header": False,
        "access_log": False,
        "log_config": None,
    }
    return uvicorn.Config(**chosen | options)


def settle_memory() -> None:
    """Free answers without the collector of cycles. What a server is made of lives as long as it does, and answers
    are freed without the collector of cycles: it need
    neither look at the former again nor run after every few rows. Measured on the feed, it took an eighth of the CPU.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 50)


class ApiServer(uvicorn.Server):
    """Writes the last lines before uvicorn ends the process by the signal that it has caught."""

    def __init__(self, config: uvicorn.Config, lines: LineWriter) -> None:
        super().__init__(config)
        self._lines = lines

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        await super().shutdown(sockets)
        self._lines.flush()


def main(settings: Settings, _arguments: Namespace) -> int:
    """Serve until SIGTERM or Ctrl-C."""
    need_servers(settings)
    need_home(settings)
    listening = listen(settings)
    lines = set_up_logging(settings)
    import_module("app")
    settle_memory()
    ApiServer(configuration(settings), lines).run(sockets=[listening])
    return 0
