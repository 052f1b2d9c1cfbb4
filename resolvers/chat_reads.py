"""Reading chats for all who follow them from this process, with little SQL for many chats and many members."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from contextvars import Context
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Uuid,
    any_,
    bindparam,
    column,
    func,
    literal,
    literal_column,
    select,
    true,
)
from sqlalchemy.ext.asyncio import AsyncSession

from database import Database
from models import ChatMember, Message
from models.rows import attributes, row_class, text_of
from realtime.streams import BATCH, Reading

MOST_TOGETHER = 500
"""Chats read by one statement."""
MOST_KNOWN = 5_000
"""Chats whose memberships are kept. More are followed rarely; their memberships are read more often."""
MOST_WORKING = 2
"""Statements at the same time: with more, fewer chats would come together; with one, a slow one would hold up all."""


def _statement() -> tuple[str, list[str]]:
    """The next messages of several chats, each after a number, and the stamp of each chat's memberships.

    The stamp differs as soon as someone joins, leaves, or leaves and returns. It is of the same moment as the messages:
    who left before a message was sent is not in it.
    """
    wanted = (
        func.unnest(bindparam("chats", type_=ARRAY(Uuid())), bindparam("numbers", type_=ARRAY(BigInteger())))
        .table_valued(column("chat_id", Uuid()), column("number", BigInteger()), name="wanted")
        .render_derived()
    )
    chats = select(wanted.c.chat_id).distinct().subquery("chats")
    membership = func.uuid_hash_extended(ChatMember.user_id, ChatMember.joined_sequence, type_=BigInteger())
    present = (ChatMember.chat_id == chats.c.chat_id, ChatMember.left_at.is_(None))
    stamp = select(func.coalesce(func.bit_xor(membership), literal_column("0"))).where(*present).scalar_subquery()
    # Materialised, so that the stamp of a chat is made once and not for each of its messages.
    stamps = select(chats.c.chat_id, stamp.label("stamp")).cte("stamps").prefix_with("MATERIALIZED")
    columns = [getattr(Message, name).label(name) for name in attributes(Message)]
    messages = (
        select(*columns)
        .where(Message.chat_id == wanted.c.chat_id, Message.sequence > wanted.c.number)
        .order_by(Message.sequence)
        .limit(literal_column(str(BATCH)))
        .lateral("message")
    )
    return text_of(
        select(*(messages.c[name] for name in attributes(Message)), wanted.c.number, stamps.c.stamp)
        .select_from(wanted)
        .join(stamps, stamps.c.chat_id == wanted.c.chat_id)
        .join(messages, true())
        .order_by(wanted.c.chat_id, wanted.c.number, messages.c.sequence)
    )


SQL, PARAMETERS = _statement()


@dataclass(frozen=True)
class ChatReading(Reading[Message]):
    stamp: int | None = None
    """Of the chat's memberships; null where there are no entries."""


@dataclass(frozen=True)
class _Known:
    stamp: int
    since: Mapping[UUID, int | None]


Wanted = tuple[UUID, int]
"""A chat and the number after which messages are wanted."""
Found = tuple[Sequence[Any], int | None]
"""Messages as rows, and the chat's stamp."""


class ChatReads:
    """One for a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[UUID, _Known] = {}
        self._waiting: dict[Wanted, list[asyncio.Future[Found]]] = {}
        self._working: set[asyncio.Task[None]] = set()

    async def after(self, chat_id: UUID, number: int) -> Found:
        """The next messages after a number, at most `BATCH`. What is asked for at the same time is read together."""
        future: asyncio.Future[Found] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault((chat_id, number), []).append(future)
        if len(self._working) < MOST_WORKING:
            # In a context of nobody: it reads for others, too.
            task = asyncio.create_task(self._work(), context=Context())
            self._working.add(task)
            task.add_done_callback(self._working.discard)
        return await future

    async def since(self, chat_id: UUID, stamp: int, user_ids: Collection[UUID]) -> Mapping[UUID, int | None]:
        """From where on users see a chat's messages; null for those who are no members. Read once for a stamp."""
        known = self._known.get(chat_id)
        if known is not None and known.stamp == stamp:
            missing = [one for one in user_ids if one not in known.since]
            if not missing:
                return known.since
            before = known.since
        else:
            missing, before = list(user_ids), {}
        async with self._database.reading() as session:
            found = await joined(session, chat_id, missing)
        since = {**before, **dict.fromkeys(missing), **found}
        self._known[chat_id] = _Known(stamp, since)
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return since

    def forget(self, chat_id: UUID) -> None:
        """Nobody follows the chat any more."""
        self._known.pop(chat_id, None)

    async def _work(self) -> None:
        while self._waiting:
            keys = list(self._waiting)[:MOST_TOGETHER]
            wanted = {key: self._waiting.pop(key) for key in keys}
            try:
                found = await self._read(keys)
            except Exception as error:
                for future in (one for futures in wanted.values() for one in futures if not one.done()):
                    future.set_exception(error)
                continue
            for key, futures in wanted.items():
                for future in futures:
                    if not future.done():
                        future.set_result(found.get(key, ((), None)))

    async def _read(self, wanted: Sequence[Wanted]) -> dict[Wanted, Found]:
        given = {"chats": [chat_id for chat_id, _ in wanted], "numbers": [number for _, number in wanted]}
        rows = await self._database.fetch(SQL, [given[name] for name in PARAMETERS], row_class(Message))
        found: dict[Wanted, tuple[list[Any], int]] = {}
        for row in rows:
            found.setdefault((row["chat_id"], row["number"]), ([], row["stamp"]))[0].append(row)
        return {**found}


async def joined(session: AsyncSession, chat_id: UUID, user_ids: Collection[UUID | None]) -> dict[UUID, int]:
    """From where on each of the users who are members now sees the messages."""
    found = await session.execute(
        select(ChatMember.user_id, ChatMember.joined_sequence).where(
            ChatMember.chat_id == chat_id,
            ChatMember.user_id == any_(literal(list(user_ids), ARRAY(Uuid()))),
            ChatMember.left_at.is_(None),
        )
    )
    return dict(found.all())
