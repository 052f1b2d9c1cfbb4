"""One API process."""

from __future__ import annotations

import socket

import uvicorn

from commands.logs import set_up_logging
from settings import Settings


def serve(settings: Settings) -> None:
    """Serve until SIGTERM or Ctrl-C. A peer that stops reading is dropped by the kernel after a while."""
    set_up_logging(settings)
    listening = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if hasattr(socket, "TCP_USER_TIMEOUT"):
        milliseconds = int(settings.send_timeout * 1000)
        listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
    listening.bind((settings.host, settings.port))
    config = uvicorn.Config(
        "app:create_app",
        factory=True,
        loop="uvloop",
        http="httptools",
        ws="websockets-sansio",
        ws_max_size=settings.max_body_bytes,
        ws_ping_interval=20,
        ws_ping_timeout=20,
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=3,
        timeout_keep_alive=65,
        proxy_headers=True,
        forwarded_allow_ips=settings.trusted_proxies,
        server_header=False,
        date_header=False,
        access_log=False,
        log_config=None,
    )
    uvicorn.Server(config).run(sockets=[listening])
