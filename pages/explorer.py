"""GraphiQL for a browser that opens the endpoint: our own files under a policy without any outside host.

`make explorer` builds them into explorer/dist. The page is named by no hash and always asked for anew; the files it
names carry their hash and are kept for good.
"""

from __future__ import annotations

import re
from pathlib import Path

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles
from starlette.types import Message, Receive, Scope, Send

DIST = Path(__file__).parent.parent / "explorer" / "dist"
ASSETS_PATH = "/graphql/explorer/assets"
HOST = re.compile(r"[A-Za-z0-9.-]+(:\d+)?|\[[0-9A-Fa-f:.]+\](:\d+)?")
MISSING = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>Wingding explorer</title></head>
<body>
<h1>The explorer is not built yet</h1>
<p>With Node 20 or newer and npm, run <code>make explorer</code> in the project's folder, then load this page again.
The server need not be restarted.</p>
<p>The API itself answers at this address: send a GraphQL query by POST as <code>application/json</code>.</p>
</body>
</html>
"""


def policy(host: str) -> str:
    """Return the Content-Security-Policy of the page and its workers. `'self'` covers sockets only in new browsers."""
    sockets = f" ws://{host} wss://{host}" if HOST.fullmatch(host) else ""
    return "; ".join(
        (
            "default-src 'none'",
            "script-src 'self'",
            "worker-src 'self'",
            "style-src 'self' 'unsafe-inline'",  # Monaco writes its themes into style elements
            "font-src 'self' data:",
            "img-src 'self' data:",
            f"connect-src 'self'{sockets}",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )


def safe_headers(host: str) -> dict[str, str]:
    return {
        "Content-Security-Policy": policy(host),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "no-referrer",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
    }


def wants_explorer(request: Request) -> bool:
    """Return whether a person opened the address: a GET that accepts HTML by name and has no query."""
    accepted = [part.split(";")[0].strip().lower() for part in request.headers.get("accept", "").split(",")]
    return request.method == "GET" and "text/html" in accepted and "query" not in request.query_params


class Explorer:
    """The page, and the route of its files. Looks for the page each time, so that it may be built while we run."""

    def __init__(self, dist: Path = DIST) -> None:
        self._dist = dist
        self.route = Mount(ASSETS_PATH, app=Assets(directory=dist / "assets", check_dir=False))

    def __call__(self, request: Request) -> Response:
        headers = safe_headers(request.headers.get("host", "")) | {"Cache-Control": "no-cache", "Vary": "Accept"}
        try:
            page = (self._dist / "index.html").read_text()
        except FileNotFoundError:
            return HTMLResponse(MISSING, status_code=503, headers=headers)
        return HTMLResponse(page, headers=headers)


class Assets(StaticFiles):
    """Files whose name has the hash of what is in them."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = Headers(scope=scope).get("host", "")

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                extra = safe_headers(host)
                if message["status"] in (200, 206, 304):
                    extra["Cache-Control"] = "public, max-age=31536000, immutable"
                pairs = [(name.lower().encode(), value.encode()) for name, value in extra.items()]
                message = {**message, "headers": [*message["headers"], *pairs]}
            await send(message)

        await super().__call__(scope, receive, send_with_headers)
