"""Reading chats for all who follow them from this process, with little SQL for many chats and many members."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Select,
    Uuid,
    and_,
    any_,
    bindparam,
    case,
    column,
    exists,
    func,
    literal,
    literal_column,
    select,
    true,
    update,
)

from auth.viewer import IS_OPEN, Viewer
from auth.visibility.chat import chats_of, messages_visible_to
from database import RECORDING, Database, Writing, recording, recording_values
from database.rows import Values, attributes, row_class, text_of
from dataloaders.chat.reading import unread
from dataloaders.core.rule_statements import Statement
from dataloaders.core.selects import columns_of
from errors import NotFound
from models import Chat, ChatMember, Message, Notification, NotificationType, Role, Session, User, utcnow
from realtime.batching import Batcher
from realtime.streams import BATCH, Reading
from resolvers.notifications import inbox

MOST_KNOWN = 5_000
"""Chats whose memberships are kept. More are followed rarely; their memberships are read more often."""


def _statement() -> tuple[str, list[str]]:
    """Return SQL for the next messages of several chats, each after a number, with a stamp of each chat's memberships.

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


def _places() -> tuple[str, list[str]]:
    """For users with their sessions: from where on they see a chat, how far it has come, and their role now.

    Without a row for those who are no members. The role is null where the session is over, or there was none.
    """
    columns = {name: column(name, Uuid()) for name in ("chat_id", "user_id", "session_id")}
    given = [bindparam(name, type_=ARRAY(Uuid())) for name in ("chats", "users", "sessions")]
    wanted = func.unnest(*given).table_valued(*columns.values(), name="wanted").render_derived()
    is_member = and_(
        ChatMember.chat_id == wanted.c.chat_id, ChatMember.user_id == wanted.c.user_id, ChatMember.left_at.is_(None)
    )
    return text_of(
        select(
            *wanted.c,
            ChatMember.joined_sequence.label("floor"),
            Chat.last_sequence.label("head"),
            User.role.label("role"),
        )
        .select_from(wanted)
        .join(ChatMember, is_member)
        .join(Chat, Chat.id == wanted.c.chat_id)
        .outerjoin(Session, and_(Session.id == wanted.c.session_id, IS_OPEN))
        .outerjoin(User, and_(User.id == Session.user_id, User.is_active))
    )


def _joined() -> tuple[str, list[str]]:
    """From where on each of some users sees a chat's messages. Without a row for those who are no members now."""
    return text_of(
        select(ChatMember.user_id, ChatMember.joined_sequence).where(
            ChatMember.chat_id == bindparam("chat_id", type_=Uuid()),
            ChatMember.user_id == any_(bindparam("users", type_=ARRAY(Uuid()))),
            ChatMember.left_at.is_(None),
        )
    )


SQL, PARAMETERS = _statement()
JOINED, JOINED_PARAMETERS = _joined()
PLACES, PLACES_PARAMETERS = _places()


@dataclass(frozen=True)
class ChatPosition:
    """A member's position in a chat: messages after `floor` are theirs to see, and `head` is the newest. `role` is that
    of their session now, null once it is over.
    """

    floor: int
    head: int
    role: Role | None


@dataclass(frozen=True)
class ChatReading(Reading[Message]):
    stamp: int | None = None
    """The stamp of the chat's memberships; null if there are no entries."""


@dataclass(frozen=True)
class _Known:
    stamp: int
    since: Mapping[UUID, int | None]


Wanted = tuple[UUID, int]
"""A chat and the number after which messages are wanted."""
Found = tuple[Sequence[Any], int | None]
"""Messages as rows, and the chat's stamp."""
NONE: Found = ((), None)
Visitor = tuple[UUID, UUID, UUID | None]
"""A chat, a user, and the session by which they come."""


class ChatReads:
    """One for a process."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[UUID, _Known] = {}
        self._messages = Batcher(self._read)
        self._places = Batcher(self._look_up)

    async def after(self, chat_id: UUID, number: int) -> Found:
        """Read the next messages after a number, at most `BATCH`. Simultaneous calls are read together."""
        return await self._messages.load((chat_id, number)) or NONE

    async def place(self, chat_id: UUID, viewer: Viewer) -> ChatPosition | None:
        """Return a viewer's place in a chat, null if they are not a member. Simultaneous calls are read together."""
        return await self._places.load((chat_id, viewer.require_user(), viewer.session_id))

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
        given = {"chat_id": chat_id, "users": missing}
        rows = await self._database.fetch(JOINED, [given[name] for name in JOINED_PARAMETERS], Values)
        found = {row["user_id"]: row["joined_sequence"] for row in rows}
        since = {**before, **dict.fromkeys(missing), **found}
        self._known[chat_id] = _Known(stamp, since)
        if len(self._known) > MOST_KNOWN:
            del self._known[next(iter(self._known))]
        return since

    def forget(self, chat_id: UUID) -> None:
        """Nobody follows the chat any more."""
        self._known.pop(chat_id, None)

    async def _read(self, wanted: Sequence[Wanted]) -> dict[Wanted, Found]:
        given = {"chats": [chat_id for chat_id, _ in wanted], "numbers": [number for _, number in wanted]}
        rows = await self._database.fetch(SQL, [given[name] for name in PARAMETERS], row_class(Message))
        found: dict[Wanted, tuple[list[Any], int]] = {}
        for row in rows:
            found.setdefault((row["chat_id"], row["number"]), ([], row["stamp"]))[0].append(row)
        return {**found}

    async def _look_up(self, wanted: Sequence[Visitor]) -> dict[Visitor, ChatPosition]:
        chats, users, sessions = zip(*wanted, strict=True)
        given = {"chats": chats, "users": users, "sessions": sessions}
        rows = await self._database.fetch(PLACES, [given[name] for name in PLACES_PARAMETERS], row_class(User))
        return {
            (row["chat_id"], row["user_id"], row["session_id"]): ChatPosition(row["floor"], row["head"], row.role)
            for row in rows
        }


@dataclass(frozen=True)
class MarkedChat:
    """A chat whose read marker was moved, what is unread after it, and the membership, as asyncpg gives it."""

    chat: Chat
    unread: int
    membership: Mapping[str, Any]


async def mark_read(uow: Writing, viewer: Viewer, *, chat_id: UUID, message_id: UUID | None) -> MarkedChat:
    """Move the read marker up to a message, or to the last one. It never moves back."""
    viewer.require_user()
    recorded = recording_values(has_sink=uow.has_sink)
    found = await uow.write(MARK_READ.bind(viewer, read_id=chat_id, message_id=message_id, **recorded))
    if not found:
        is_member = await uow.read(IS_MEMBER.bind(viewer, read_id=chat_id))
        raise NotFound(path=("messageId",) if is_member else ("chatId",))
    [chat] = found
    return MarkedChat(chat, chat["unread"], {name: chat[f"member_{name}"] for name in attributes(ChatMember)})


def _is_member(viewer: Viewer) -> Select[UUID]:
    return chats_of(viewer).where(Chat.id == bindparam("read_id", type_=Uuid())).with_only_columns(Chat.id)


def _mark_read(viewer: Viewer) -> Select[Any]:
    """Move a marker, and answer the chat; nothing where the chat or the message is hidden.

    A membership that changed while the statement waited for its row is looked at as it is then. Who has been in the
    chat needs no notice of it any more; the next message may bring a new one. Whoever was told waits for a message that
    is being sent: it is either among those that are read now, or finds that they are to be told of it. Who is told at
    this very moment stays told.
    """
    # SQLAlchemy would set a column that is named like a parameter.
    chat_id, message_id = bindparam("read_id", type_=Uuid()), bindparam("message_id", type_=Uuid())
    message = messages_visible_to(viewer).where(Message.id == message_id, Message.chat_id == chat_id)
    sequence = message.with_only_columns(Message.sequence).correlate(None).scalar_subquery()
    was_told = (
        select(Chat.last_sequence)
        .join(ChatMember, ChatMember.chat_id == Chat.id)
        .where(Chat.id == chat_id, ChatMember.user_id == viewer.id, ChatMember.is_told)
        .with_for_update(read=True, of=Chat)
        .cte("was_told")
    )
    has_been_told = select(func.count()).select_from(was_told).scalar_subquery() > 0
    # The lock shows it as it is after the wait.
    last_now = func.coalesce(select(was_told.c.last_sequence).scalar_subquery(), Chat.last_sequence)
    target = func.coalesce(sequence, case((message_id.is_(None), last_now)))
    moved = (
        update(ChatMember.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(
            ChatMember.chat_id == Chat.id,
            Chat.id == chat_id,
            ChatMember.user_id == viewer.id,
            ChatMember.left_at.is_(None),
            target.is_not(None),
        )
        .values(
            read_sequence=func.greatest(ChatMember.read_sequence, target),
            is_told=and_(ChatMember.is_told, ~has_been_told),
        )
        .returning(
            *columns_of(Chat, attributes(Chat)),
            # Who waited for another device sees the chat as it was before, and the marker as it is now.
            func.greatest(unread(), 0).label("unread"),
            *(getattr(ChatMember, name).label(f"member_{name}") for name in attributes(ChatMember)),
        )
        .cte("moved")
    )
    settled = inbox.settling(
        viewer,
        Notification.type == NotificationType.NEW_MESSAGE,
        Notification.subject_id == chat_id,
        exists(select(moved.c.id)),
        now=literal(utcnow()),
    ).cte("settled")
    return select(*moved.c).add_cte(*recording(inbox.have_been_read(settled)))


IS_MEMBER = Statement(_is_member, given=("read_id",))


MARK_READ = Statement(_mark_read, given=("read_id", "message_id", *RECORDING), rows=row_class(Chat))
