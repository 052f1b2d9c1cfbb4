"""The socket that an API process serves on."""

from __future__ import annotations

import socket

from errors import StartError
from settings import Settings


def listen(settings: Settings) -> socket.socket:
    """Bind to HOST and PORT. A peer that stops reading is dropped by the kernel after `SEND_TIMEOUT`.

    Raises `StartError` where the address is taken, unknown or not ours.
    """
    try:
        listening = socket.socket(socket.AF_INET6 if ":" in settings.host else socket.AF_INET)
    except OSError as error:
        raise _no_use_of(settings, error) from error
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            milliseconds = int(settings.send_timeout * 1000)
            listening.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, milliseconds)
        listening.bind((settings.host, settings.port))
    except (OSError, TypeError) as error:  # `TypeError`: no name that DNS could know
        listening.close()
        raise _no_use_of(settings, error) from error
    return listening


def _no_use_of(settings: Settings, error: OSError | TypeError) -> StartError:
    why = error.strerror if isinstance(error, OSError) else "not a name of a host"
    return StartError(f"{settings.host}:{settings.port} cannot be used ({why}); choose HOST and PORT")
