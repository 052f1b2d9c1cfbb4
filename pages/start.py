"""`/`: in development where to go from here, in production name and version, or a redirect (`ROOT_REDIRECT`)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from importlib.metadata import version

import orjson
from jinja2 import Environment, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from settings import Settings

HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
START = Environment(autoescape=True, undefined=StrictUndefined).from_string(
    """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Wingding</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>
body { margin: 2rem auto; max-width: 40rem; padding: 0 1rem; color: #1c1c1a; background: #fff;
  font: 16px/1.5 system-ui, sans-serif; }
td, th { padding: .2rem 1.5rem .2rem 0; text-align: left; }
</style></head><body>
<h1>Wingding {{ version }}</h1>
<p>An API server for communities that meet. Requests go to <code>{{ url }}/graphql</code>.</p>
<ul>{% for path, words in links %}<li><a href="{{ path }}">{{ words }}</a></li>{% endfor %}</ul>
{% if accounts %}<h2>Demo accounts</h2>
<table><thead><tr><th>login</th><th>role</th><th>password</th></tr></thead><tbody>
{% for handle, role in accounts %}<tr><td>{{ handle }}</td><td>{{ role }}</td><td>{{ password }}</td></tr>
{% endfor %}</tbody></table>{% endif %}
</body></html>
"""
)


def start_route(
    settings: Settings,
    *,
    links: Sequence[tuple[str, str]],
    accounts: Callable[[], Awaitable[Sequence[tuple[str, str]]]],
    password: str,
) -> Route:
    """Return the page at `/`. In development it tells of `links`, and of the demo accounts that `accounts` finds, by
    handle and role.
    """
    release = version("wingding")

    async def start(_request: Request) -> Response:
        given = {"url": settings.url, "links": links, "accounts": await accounts(), "password": password}
        page = START.render(version=release, **given)
        return HTMLResponse(page, headers=HEADERS)

    async def name(_request: Request) -> Response:
        if settings.root_redirect:
            return RedirectResponse(settings.root_redirect)
        return Response(orjson.dumps({"name": "wingding", "version": release}), media_type="application/json")

    return Route("/", name if settings.is_production else start)
