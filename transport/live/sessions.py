"""Long connections: whom they speak for, how many one caller may hold, and when their time is over."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import Context as ContextVariables
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import structlog

from auth.addresses import network
from auth.viewer import Viewer, roles_of_sessions, viewers_of_sessions
from database import Database, is_outage
from errors import _
from realtime.batching import Batcher
from realtime.hub import Event
from realtime.streams import access_stream
from schema.core.context import Caller
from schema.core.ports import Ports
from transport.operations.requests import BadRequest

log = structlog.get_logger()

SESSION_ENDED = _("Your session has ended. Sign in again.")
TOKEN_EXPIRED = "TOKEN_EXPIRED"
TOKEN_REVOKED = "TOKEN_REVOKED"
RETRY_SECONDS = 1.0


class ConnectionLimiter:
    """Counts long connections of this process by user, or by address for those without one."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._taken: Counter[str] = Counter()

    def key(self, viewer: Viewer, caller: Caller) -> str:
        return f"user {viewer.id}" if viewer.id else f"network {network(caller.address)}"

    def acquire(self, key: str) -> bool:
        if self._taken[key] >= self._most:
            return False
        self._taken[key] += 1
        return True

    def release(self, key: str) -> None:
        self._taken[key] -= 1
        if self._taken[key] <= 0:
            del self._taken[key]

    @contextmanager
    def acquired(self, key: str) -> Iterator[None]:
        """Hold one of the key's connections. Raises `BadRequest` (429) where there is none left."""
        if not self.acquire(key):
            raise BadRequest("Too many connections.", status=429, code="RATE_LIMITED", headers={"Retry-After": "30"})
        try:
            yield
        finally:
            self.release(key)


class ViewerLookup:
    """Looks up who speaks by a socket, for each of its operations: what came with the token may be old.

    Operations that begin at the same time are looked up together, by one statement.
    """

    def __init__(self, database: Database) -> None:
        async def find(session_ids: Sequence[UUID]) -> Mapping[UUID, Viewer]:
            return await viewers_of_sessions(database, session_ids)

        self._viewers: Batcher[UUID, Viewer] = Batcher(find)

    async def current(self, viewer: Viewer) -> Viewer | None:
        """Return the viewer as they are now; null once their session has ended. Guests stay guests."""
        if viewer.session_id is None:
            return viewer
        found = await self._viewers.load(viewer.session_id)
        return None if found is None or found.id != viewer.id else replace(found, expires_at=viewer.expires_at)


class WatchedSession:
    """A long connection whose session is watched. `ended` is called once, with the reason."""

    __slots__ = ("_ended", "_timer", "viewer")

    def __init__(self, viewer: Viewer, ended: Callable[[str], None]) -> None:
        self.viewer = viewer
        self._ended: Callable[[str], None] | None = ended
        self._timer: asyncio.TimerHandle | None = None
        if viewer.expires_at is not None:
            left = (viewer.expires_at - datetime.now(UTC)).total_seconds()
            self._timer = asyncio.get_running_loop().call_later(left, self.end, TOKEN_EXPIRED)

    def end(self, reason: str) -> None:
        ended = self._ended
        self.stop()
        if ended is not None:
            ended(reason)

    def stop(self) -> None:
        self._ended = None
        if self._timer is not None:
            self._timer.cancel()


class SessionWatch:
    """Says when sessions and tokens are over, for all long connections of a process.

    An idle connection costs it no task: it hears the users' access streams, and asks for all who may have ended in one
    statement.
    """

    def __init__(self, ports: Ports) -> None:
        self._ports = ports
        self._watched: dict[str, list[WatchedSession]] = {}
        """By the user's access stream."""
        self._due: dict[WatchedSession, None] = {}
        self._task: asyncio.Task[None] | None = None

    def watch(self, viewer: Viewer, ended: Callable[[str], None]) -> WatchedSession:
        """Begin. A guest is watched for nothing."""
        watched = WatchedSession(viewer, ended)
        if viewer.id is not None:
            channel = access_stream(viewer.id)
            others = self._watched.setdefault(channel, [])
            others.append(watched)
            if len(others) == 1:
                self._ports.hub.join(self, channel)
            # It may have ended between the token's check and the listening.
            self._ask(watched)
        return watched

    def forget(self, watched: WatchedSession) -> None:
        watched.stop()
        self._due.pop(watched, None)
        if watched.viewer.id is not None:
            channel = access_stream(watched.viewer.id)
            others = self._watched[channel]
            others.remove(watched)
            if not others:
                del self._watched[channel]
                self._ports.hub.leave(self, channel)

    @contextmanager
    def ending(self, viewer: Viewer) -> Iterator[asyncio.Future[str]]:
        """Within this block the future gets the reason once the viewer's session or token is over."""
        reason: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        watched = self.watch(viewer, reason.set_result)
        try:
            yield reason
        finally:
            self.forget(watched)
            reason.cancel()

    def put(self, event: Event) -> None:
        """Take an event from the hub."""
        for watched in self._watched.get(event.channel, ()):
            self._ask(watched)

    def _ask(self, watched: WatchedSession) -> None:
        self._due[watched] = None
        if self._task is None:
            self._task = asyncio.create_task(self._look(), name="sessions", context=ContextVariables())

    async def _look(self) -> None:
        try:
            while self._due:
                due = list(self._due)
                self._due.clear()
                for watched in await self._over(due):
                    watched.end(TOKEN_REVOKED)
        finally:
            self._task = None

    async def _over(self, due: Sequence[WatchedSession]) -> list[WatchedSession]:
        """Asks until PostgreSQL answers: a session is not over because the database is away."""
        while True:
            try:
                signed_in = {one: one.viewer.session_id for one in due if one.viewer.session_id is not None}
                roles = await roles_of_sessions(self._ports.database, list(signed_in.values()))
                return [one for one, session_id in signed_in.items() if session_id not in roles]
            except Exception as error:
                if not is_outage(error):
                    raise
                log.warning("session.not_checked", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)


async def session_has_ended(ports: Ports, viewer: Viewer) -> bool:
    """Whether the viewer's session is over. It is not because the database is away, and a guest has none."""
    if viewer.session_id is None:
        return False
    try:
        return viewer.session_id not in await roles_of_sessions(ports.database, [viewer.session_id])
    except Exception as error:
        if not is_outage(error):
            raise
        return False
