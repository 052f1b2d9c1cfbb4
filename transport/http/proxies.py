"""What trusted proxies say of a request: for whom they speak, and by which scheme it came to them."""

from __future__ import annotations

from starlette.types import ASGIApp, Receive, Scope, Send

from auth.addresses import Proxies
from settings import Settings


class ProxyHeaders:
    """Pure ASGI: sets `client` and `scheme` of the scope, as `transport/http/direct.py` does past ASGI."""

    def __init__(self, app: ASGIApp, settings: Settings) -> None:
        self._app = app
        self._proxies = Proxies(settings.trusted_proxies)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] in ("http", "websocket") and scope.get("client"):
            peer, port = scope["client"]
            address = self._proxies.client(peer, self._said(scope, b"x-forwarded-for"))
            scope["client"] = (address, port)
            scheme = self._said(scope, b"x-forwarded-proto")
            if scheme in ("http", "https") and self._proxies.believes(peer):
                scope["scheme"] = scheme if scope["type"] == "http" else scheme.replace("http", "ws")
        await self._app(scope, receive, send)

    def _said(self, scope: Scope, name: bytes) -> str | None:
        values = [value for key, value in scope["headers"] if key == name]
        return b",".join(values).decode("latin-1") if values else None
