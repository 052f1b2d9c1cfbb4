"""Presence in chats: who follows them live from this process, and the mark that says so in PostgreSQL.

The mark runs out by itself, so that a crash leaves nobody "there" for longer than `LIFETIME`. It is kept alive by one
statement a process and interval, however many follow.
"""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from contextvars import Context
from datetime import timedelta
from uuid import UUID

import structlog
from sqlalchemy import ARRAY, Update, Uuid, and_, bindparam, func, null, select, tuple_, update

from database import Database, is_outage
from models import ChatMember
from realtime.batching import Batcher
from realtime.tasks import end

log = structlog.get_logger()

LIFETIME = timedelta(seconds=60)
REFRESH = 20.0
"""Seconds between refreshments."""

Watch = tuple[UUID, UUID]
"""A chat and a member of it."""


def _marking(*, is_there: bool) -> Update:
    """Rows that someone else holds are left to the next time: no one waits for another.

    A member who also follows from another process is away for a moment after leaving here: a notice too many.
    """
    given = [bindparam(name, type_=ARRAY(Uuid())) for name in ("chats", "users")]
    wanted = func.unnest(*given).table_valued("chat_id", "user_id").render_derived()
    free = (
        select(ChatMember.chat_id, ChatMember.user_id)
        .join(wanted, and_(ChatMember.chat_id == wanted.c.chat_id, ChatMember.user_id == wanted.c.user_id))
        .where(ChatMember.left_at.is_(None))
        .with_for_update(skip_locked=True, of=ChatMember)
    )
    return (
        update(ChatMember.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(tuple_(ChatMember.chat_id, ChatMember.user_id).in_(free))
        .values(watching_until=func.now() + LIFETIME if is_there else null())
    )


MARK = {is_there: _marking(is_there=is_there) for is_there in (False, True)}


class ChatPresence:
    """Made once by each entry point. Its task lives only while someone watches."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._open: dict[UUID, Counter[UUID]] = defaultdict(Counter)
        self._ended: set[Watch] = set()
        self._has_ended = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._arriving = Batcher(self._arrive)

    def members(self, chat_id: UUID) -> Collection[UUID]:
        """Return the members who follow the chat from this process."""
        return frozenset(self._open.get(chat_id, ()))

    async def begin(self, chat_id: UUID, user_id: UUID) -> None:
        """Note that the member is there until `end`, which must follow also where this fails: no notice of a new
        message is needed.
        """
        self._open[chat_id][user_id] += 1
        self._ended.discard((chat_id, user_id))
        if self._task is None:
            self._task = asyncio.create_task(self._keep(), name="watching", context=Context())
        await self._arriving.load((chat_id, user_id))

    def end(self, chat_id: UUID, user_id: UUID) -> None:
        """Nothing is awaited here: whoever leaves may be in the middle of being cancelled."""
        watchers = self._open[chat_id]
        watchers[user_id] -= 1
        if watchers[user_id] <= 0:
            del watchers[user_id]
            self._ended.add((chat_id, user_id))
            self._has_ended.set()
        if not watchers:
            del self._open[chat_id]

    async def stop(self) -> None:
        """Before the database goes: say that nobody is there any more."""
        if self._task is not None:
            await end([self._task])
            self._task = None
        ended = [*self._ended, *self._watches()]
        self._ended.clear()
        await self._try(ended, is_there=False)

    def _watches(self) -> list[Watch]:
        return [(chat_id, user_id) for chat_id, users in self._open.items() for user_id in users]

    async def _keep(self) -> None:
        due = asyncio.get_running_loop().time() + REFRESH
        while self._open or self._ended:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(due):
                    await self._has_ended.wait()
            self._has_ended.clear()
            ended, self._ended = self._ended, set()
            await self._try(ended, is_there=False)
            if asyncio.get_running_loop().time() >= due:
                await self._try(self._watches(), is_there=True)
                due += REFRESH
        self._task = None

    async def _try(self, watches: Iterable[Watch], *, is_there: bool) -> None:
        try:
            await self._mark(watches, is_there=is_there)
        except Exception as error:
            if not is_outage(error):
                raise
            log.warning("watching.database_lost", error=type(error).__name__)

    async def _arrive(self, watches: Sequence[Watch]) -> dict[Watch, None]:
        await self._mark([one for one in watches if one[1] in self.members(one[0])], is_there=True)
        return {}

    async def _mark(self, watches: Iterable[Watch], *, is_there: bool) -> None:
        """One statement for all."""
        ordered = sorted(watches)
        if ordered:
            chats, users = (list(ids) for ids in zip(*ordered, strict=True))
            await self._database.execute(MARK[is_there], {"chats": chats, "users": users})
