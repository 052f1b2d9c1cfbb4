"""Long connections: whom they speak for, how many one caller may hold, and when their time is over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import structlog
from sqlalchemy.exc import DBAPIError

from auth.viewer import Viewer, viewer_of_session
from errors import _
from realtime.streams import access_stream
from schema.context import Caller
from schema.ports import Ports
from transport.requests import BadRequest

log = structlog.get_logger()

SESSION_ENDED = _("Your session has ended. Sign in again.")
TOKEN_EXPIRED = "TOKEN_EXPIRED"
TOKEN_REVOKED = "TOKEN_REVOKED"
RETRY_SECONDS = 1.0


class Seats:
    """Counts long connections of this process by user, or by address for those without one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    def key(self, viewer: Viewer, caller: Caller) -> str:
        return f"user {viewer.id}" if viewer.id else f"address {caller.address}"

    def take(self, key: str) -> bool:
        if self._taken[key] >= self._most:
            return False
        self._taken[key] += 1
        return True

    def leave(self, key: str) -> None:
        self._taken[key] -= 1
        if self._taken[key] <= 0:
            del self._taken[key]

    @contextmanager
    def taken(self, key: str) -> Iterator[None]:
        """Raises `BadRequest` (429) where there is none left."""
        if not self.take(key):
            raise BadRequest("Too many connections.", status=429, code="RATE_LIMITED", headers={"Retry-After": "30"})
        try:
            yield
        finally:
            self.leave(key)


async def renewed(ports: Ports, viewer: Viewer) -> Viewer | None:
    """The viewer as they are now; null once their session has ended. Guests stay guests."""
    if viewer.user is None or viewer.session_id is None or viewer.expires_at is None:
        return viewer
    async with ports.database.reading() as session:
        return await viewer_of_session(
            session, session_id=viewer.session_id, user_id=viewer.user.id, expires_at=viewer.expires_at
        )


async def end_of_session(ports: Ports, viewer: Viewer) -> str:
    """Wait until the viewer's session or token has ended; the reason. For a guest that is never."""
    if viewer.user is None or viewer.expires_at is None:
        await asyncio.Event().wait()
        return TOKEN_REVOKED
    try:
        async with asyncio.timeout((viewer.expires_at - datetime.now(UTC)).total_seconds()):
            async with ports.hub.listen(access_stream(viewer.user.id)) as listener:
                # It may have ended between the token's check and the listening.
                while await _is_valid(ports, viewer):
                    await listener.get()
                    listener.get_all()
    except TimeoutError:
        return TOKEN_EXPIRED
    return TOKEN_REVOKED


async def _is_valid(ports: Ports, viewer: Viewer) -> bool:
    """Asks until PostgreSQL answers: a session is not over because the database is away."""
    while True:
        try:
            return await renewed(ports, viewer) is not None
        except (DBAPIError, OSError) as error:
            log.warning("session.not_checked", error=type(error).__name__)
            await asyncio.sleep(RETRY_SECONDS)
