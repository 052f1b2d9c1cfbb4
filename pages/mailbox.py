"""`/dev/mailbox`: the mails that development has "sent". Not there in production, nor where SMTP_URL is set."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup, escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from integrations.mail import KEY, mailbox_folder
from settings import Settings

MOST = 200
HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'self'; frame-src 'self'; form-action 'none'; "
    "base-uri 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
BODY_HEADERS = HEADERS | {
    # The mail as a mail program shows it: styles within, nothing from outside, no scripts, links open elsewhere.
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'self'; sandbox allow-popups allow-popups-to-escape-sandbox",
}
LINK = re.compile(r"https?://[^\s<>\"']+")

STYLE = """
body { margin: 2rem auto; max-width: 50rem; padding: 0 1rem; color: #1c1c1a; background: #fff;
  font: 16px/1.5 system-ui, sans-serif; }
table { border-collapse: collapse; width: 100%; }
th, td { padding: .4rem .8rem .4rem 0; border-bottom: 1px solid #dcdcd6; text-align: left; vertical-align: top; }
td.time { white-space: nowrap; color: #5c5c56; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; padding: 1rem; border: 1px solid #dcdcd6; font: inherit; }
iframe { width: 100%; height: 32rem; border: 1px solid #dcdcd6; }
"""

_pages = Environment(autoescape=True, undefined=StrictUndefined)
_LAYOUT = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{{ title }}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="stylesheet" href="/dev/mailbox/style.css"></head><body>%s</body></html>
"""
LIST = _pages.from_string(
    _LAYOUT
    % """<h1>Mailbox</h1>
{% if mails %}<table><thead><tr><th>Sent</th><th>To</th><th>Subject</th></tr></thead><tbody>
{% for key, mail in mails %}<tr><td class="time">{{ mail["Date"] }}</td><td>{{ mail["To"] }}</td>
<td><a href="/dev/mailbox/{{ key }}">{{ mail["Subject"] }}</a></td></tr>
{% endfor %}</tbody></table>
{% else %}<p>No mail yet.</p>{% endif %}"""
)
MAIL = _pages.from_string(
    _LAYOUT
    % """<p><a href="/dev/mailbox">Mailbox</a></p><h1>{{ title }}</h1>
<p>To {{ mail["To"] }}, {{ mail["Date"] }}</p>
<h2>As text</h2><pre>{{ text }}</pre>
<h2>As HTML</h2><iframe title="The mail as HTML" src="/dev/mailbox/{{ key }}/html"></iframe>"""
)


def mailbox_routes(settings: Settings) -> list[Route]:
    """Return the pages, or nothing in production and where SMTP_URL is set."""
    if settings.is_production or settings.smtp_url:
        return []
    folder = mailbox_folder(settings)

    async def index(_request: Request) -> Response:
        mails = await asyncio.to_thread(_newest, folder)
        return _page(LIST.render(title="Mailbox", mails=mails))

    async def style(_request: Request) -> Response:
        return Response(STYLE, media_type="text/css", headers=HEADERS)

    async def show(request: Request) -> Response:
        key = request.path_params["key"]
        mail = await asyncio.to_thread(_read, folder, key)
        if mail is None:
            return _page(LIST.render(title="Not found", mails=[]), status=404)
        return _page(MAIL.render(title=mail["Subject"], key=key, mail=mail, text=_linked(_part(mail, "plain"))))

    async def html(request: Request) -> Response:
        mail = await asyncio.to_thread(_read, folder, request.path_params["key"])
        if mail is None:
            return Response(status_code=404, headers=HEADERS)
        return HTMLResponse(_part(mail, "html"), headers=BODY_HEADERS)

    pages = {"": index, "/style.css": style, "/{key}": show, "/{key}/html": html}
    own = urlsplit(settings.url).hostname or ""
    return [Route(f"/dev/mailbox{path}", _for_own_hosts(page, own)) for path, page in pages.items()]


Page = Callable[[Request], Awaitable[Response]]


def _for_own_hosts(page: Page, own: str) -> Page:
    """Refuse names that are not ours: a page elsewhere may let its own name lead to this machine and read mail."""

    async def show(request: Request) -> Response:
        if not _is_own_host(request.url.hostname or "", own):
            return Response("Ask by localhost, an IP address or PUBLIC_URL.", status_code=421, headers=HEADERS)
        return await page(request)

    return show


def _is_own_host(host: str, own: str) -> bool:
    if host in (own, "localhost") or host.endswith(".localhost"):
        return True
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _page(content: str, status: int = 200) -> Response:
    return HTMLResponse(content, status_code=status, headers=HEADERS)


def _newest(folder: Path) -> list[tuple[str, EmailMessage]]:
    """Keys and mails, newest first. One that goes away in the meantime is left out."""
    files = sorted(folder.glob("[!.]*.eml"), key=lambda file: file.stat().st_mtime_ns, reverse=True)[:MOST]
    read = [(file.stem, _read(folder, file.stem)) for file in files]
    return [(key, mail) for key, mail in read if mail is not None]


def _read(folder: Path, key: str) -> EmailMessage | None:
    if not KEY.fullmatch(key):
        return None
    try:
        found: Any = message_from_bytes((folder / f"{key}.eml").read_bytes(), policy=default)
    except FileNotFoundError:
        return None
    return found  # type: ignore[no-any-return]  # the policy makes EmailMessages


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    return str(part.get_content()) if part is not None else ""


def _linked(text: str) -> Markup:
    """Escape the text and turn its addresses into links."""
    pieces, last = [], 0
    for found in LINK.finditer(text):
        address = escape(found.group())
        pieces += [escape(text[last : found.start()]), Markup(f'<a href="{address}" rel="noreferrer">{address}</a>')]
        last = found.end()
    return Markup("").join([*pieces, escape(text[last:])])
