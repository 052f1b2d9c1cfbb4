"""Notices to people: rows made in the transaction of what caused them (S0-75 … S0-81)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    Interval,
    Select,
    Text,
    Uuid,
    any_,
    bindparam,
    case,
    column,
    exists,
    func,
    literal,
    or_,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB, array, insert
from sqlalchemy.types import TypeEngine

from database import Happened, UnitOfWork, stream_of
from models import (
    Channel,
    Event,
    Inbox,
    Notification,
    NotificationPreference,
    NotificationType,
    StreamEvent,
    User,
    utcnow,
    uuid7,
)
from realtime.streams import inbox_stream

QUIET = timedelta(days=1)
"""For so long a repeat is no news."""
WITHDRAWN = "withdrawn"
"""Parameter of a notification whose news is no longer so."""


@dataclass(frozen=True, kw_only=True)
class NotificationSent(StreamEvent):
    name: ClassVar[str] = "notification.sent"
    subject_type: ClassVar[str] = "Notification"
    has_job: ClassVar[bool] = True
    user_id: UUID
    type: str


@dataclass(frozen=True, kw_only=True)
class Notice:
    """The same news for several people.

    `params` fill the words of its type (`notification_words.Wording`); the subject's name and time and the person's
    name are added here. The person is the one whose `user_id` is among the parameters, else the actor.
    """

    recipients: Iterable[UUID]
    type: NotificationType
    subject: Any = None
    """An entity, or a row of one."""
    actor_id: UUID | None = None
    """Who caused it: never told about it themself."""
    params: Mapping[str, Any] = field(default_factory=dict)
    topic: str | None = None
    """From `topic_of`: a repeat within a day updates what was told, instead of telling again."""
    withdraws: str | None = None
    """The topic of what the same people were told and is no longer so."""
    ends: Sequence[str] = ()
    """Topics of what others were told and is no longer so. Of those `notify_all` alone takes care."""


def topic_of(kind: str, subject_id: UUID, person_id: UUID) -> str:
    """Names what someone may do again and again, such as joining an event and leaving it."""
    return f"{kind}:{subject_id}:{person_id}"


async def notify(
    uow: UnitOfWork,
    recipients: Iterable[UUID],
    type: NotificationType,
    *,
    subject: Any = None,
    actor_id: UUID | None = None,
    topic: str | None = None,
    **params: Any,
) -> None:
    """One notice for each recipient, but never for the actor. See `notify_all` for more than one in a unit of work."""
    notice = Notice(recipients=recipients, type=type, subject=subject, actor_id=actor_id, params=params, topic=topic)
    await notify_all(uow, [notice])


async def notify_all(uow: UnitOfWork, notices: Iterable[Notice], *, ends: Sequence[str] = ()) -> None:
    """All notices of a unit of work at once, in one statement. `ends` are topics as those of `Notice.ends`.

    Inboxes are locked in the order of their ids, so two calls in one unit of work could wait for each other with
    those of another. Call it once, after all other locks of the unit of work are taken.
    """
    notices = list(notices)
    if ended := [*ends, *(topic for notice in notices for topic in notice.ends)]:
        await withdraw_news(uow, *ended)
    rows = addressed(notices)
    if not rows:
        return
    await uow.session.flush()
    written = await uow.session.execute(WRITE, {"notices": rows, "now": utcnow()})
    for id, user_id, type, sequence in written:
        stream = inbox_stream(user_id)
        uow.record(NotificationSent(subject_id=id, stream=stream, sequence=sequence, user_id=user_id, type=type.value))


def addressed(notices: Iterable[Notice]) -> list[dict[str, Any]]:
    """What a statement with `given_notices` is given."""
    people = [
        (notice, user_id)
        for notice in notices
        for user_id in sorted(set(notice.recipients))
        if user_id != notice.actor_id
    ]
    return [_row(notice, user_id) | {"position": position} for position, (notice, user_id) in enumerate(people)]


def _row(notice: Notice, user_id: UUID) -> dict[str, Any]:
    return {
        "id": str(uuid7()),
        "user_id": str(user_id),
        "type": notice.type.value,
        "subject_type": notice.subject.__class__.__name__ if notice.subject is not None else None,
        "subject_id": None if notice.subject is None else str(notice.subject.id),
        "actor_id": notice.actor_id and str(notice.actor_id),
        "person_id": _person(notice),
        "params": _subject_facts(notice.subject) | dict(notice.params),
        "topic": notice.topic,
        "withdraws": notice.withdraws,
    }


def _person(notice: Notice) -> str | None:
    known = notice.params.get("user_id") or notice.actor_id
    return str(known) if known else None


def _subject_facts(subject: Any) -> dict[str, Any]:
    """What the words say of the subject. Kept with the notice, so that reading it loads nothing."""
    if getattr(type(subject), "entity", type(subject)) is Event:
        return {
            "name": subject.title,
            "starts_at": subject.starts_at.isoformat(),
            "time_zone": subject.time_zone,
        }
    return {"name": getattr(subject, "name", None) or getattr(subject, "title", None)}


ADDRESSED: dict[str, TypeEngine[Any]] = {
    "id": Uuid(),
    "user_id": Uuid(),
    "type": Notification.__table__.c.type.type,
    "subject_type": Text(),
    "subject_id": Uuid(),
    "actor_id": Uuid(),
    "person_id": Uuid(),
    "params": JSONB(),
    "topic": Text(),
    "withdraws": Text(),
    "position": Integer(),
}
"""What a statement knows of each notice to each person."""


def given_notices() -> FromClause:
    """Notices that come as the parameter `notices`: a list of objects, which costs less to hand over than arrays."""
    given = func.jsonb_to_recordset(bindparam("notices", type_=JSONB()))
    columns = (column(name, type_) for name, type_ in ADDRESSED.items())
    return given.table_valued(*columns).render_derived(name="listed", with_types=True)


def _wanted(listed: FromClause, given_that: ColumnElement[bool]) -> CTE:
    """The notices without those of who turned the type off. What the person is called stands beside the parameters,
    which come first.
    """
    turned_off = exists().where(
        NotificationPreference.user_id == listed.c.user_id,
        NotificationPreference.type == listed.c.type,
        NotificationPreference.channel == Channel.IN_APP,
        NotificationPreference.is_enabled.is_(False),
    )
    person = func.jsonb_strip_nulls(func.jsonb_build_object("person", User.display_name))
    columns = [one for one in listed.c if one.name != "params"]
    chosen = select(*columns, person.concat(listed.c.params).label("params")).select_from(listed)
    return chosen.outerjoin(User, User.id == listed.c.person_id).where(~turned_off, given_that).cte("wanted")


def _news(wanted: CTE, now: Any) -> CTE:
    """What is new among the notices. What was told before of their topics is updated where it stands.

    Its place in the stream stays: the stream has no gap, and nothing comes twice. Locked in the order of the stream,
    as marking does.
    """
    is_repeat = Notification.topic == wanted.c.topic
    earlier = (
        select(Notification.id, wanted.c.position, wanted.c.params, wanted.c.actor_id, is_repeat.label("is_repeat"))
        .join(wanted, wanted.c.user_id == Notification.user_id)
        .where(
            Notification.topic == any_(array([wanted.c.topic, wanted.c.withdraws])),
            or_(~is_repeat, Notification.created_at > now - literal(QUIET, Interval()), wanted.c.topic.is_(None)),
        )
        .order_by(Notification.user_id, Notification.sequence)
        .with_for_update(of=Notification)
        .cte("earlier")
    )
    updated = (
        update(Notification.__table__)  # type: ignore[arg-type]  # typed as FromClause, is a Table
        .where(Notification.id == earlier.c.id)
        .values(
            params=case((earlier.c.is_repeat, earlier.c.params), else_=_withdrawn()),
            actor_id=case((earlier.c.is_repeat, earlier.c.actor_id), else_=Notification.actor_id),
            updated_at=now,
        )
        .returning(earlier.c.position, earlier.c.is_repeat)
        .cte("updated")
    )
    repeats = exists().where(updated.c.position == wanted.c.position, updated.c.is_repeat)
    return select(wanted).where(~repeats).cte("fresh")


def _withdrawn() -> ColumnElement[Any]:
    return Notification.params.concat(literal({WITHDRAWN: True}, JSONB()))


async def withdraw_news(uow: UnitOfWork, *topics: str) -> None:
    """What people were told under these topics is no longer so. The notifications say that; nobody is told anew."""
    told = (
        select(Notification.id)
        .where(Notification.topic.in_(topics))
        .order_by(Notification.user_id, Notification.sequence)
        .with_for_update()
    )
    await uow.session.execute(
        update(Notification)
        .where(Notification.id.in_(told.cte("told").select()))
        .values(params=_withdrawn(), updated_at=utcnow())
        .execution_options(synchronize_session=False)
    )


def telling(
    listed: FromClause,
    now: Any,
    given_that: ColumnElement[bool] = true(),
    *,
    has_topics: bool = True,  # a constant
) -> CTE:
    """Write notices; answers id, user, type and number of each that is wanted and new.

    `listed` has the columns of `ADDRESSED`. `given_that` is looked at before the first lock is taken.
    Left out are those who turned the type off: a notification is its record in the app, mail is a copy of it.
    Numbers are given out under the locks of the inboxes' rows, taken in the order of their ids.
    """
    wanted = _wanted(listed, given_that)
    if has_topics:
        wanted = _news(wanted, now)
    counted = select(wanted.c.user_id, func.count().label("number")).group_by(wanted.c.user_id).cte("counted")
    numbering = insert(Inbox).from_select(["user_id", "last_sequence"], select(*counted.c).order_by(counted.c.user_id))
    numbered = (
        numbering.on_conflict_do_update(
            index_elements=["user_id"], set_={"last_sequence": Inbox.last_sequence + numbering.excluded.last_sequence}
        )
        .returning(Inbox.user_id, Inbox.last_sequence)
        .cte("inboxes_numbered")
    )
    position = func.row_number().over(partition_by=wanted.c.user_id, order_by=wanted.c.position)
    values = {
        "id": wanted.c.id,
        "user_id": wanted.c.user_id,
        "sequence": numbered.c.last_sequence - counted.c.number + position,
        "type": wanted.c.type,
        "subject_type": wanted.c.subject_type,
        "subject_id": wanted.c.subject_id,
        "actor_id": wanted.c.actor_id,
        "params": wanted.c.params,
        "topic": wanted.c.topic,
        "created_at": now,
    }
    source = (
        select(*values.values())
        .join(counted, counted.c.user_id == wanted.c.user_id)
        .join(numbered, numbered.c.user_id == wanted.c.user_id)
    )
    writing = insert(Notification.__table__).from_select(list(values), source)  # type: ignore[arg-type]  # typed as FromClause, is a Table
    answered = (Notification.id, Notification.user_id, Notification.type, Notification.sequence)
    return writing.returning(*answered).cte("told")


def sent(told: CTE) -> Happened:
    """The events of notices that `telling` has written."""
    values = {
        "subject_id": told.c.id,
        "stream": stream_of(inbox_stream, told.c.user_id),
        "sequence": told.c.sequence,
        "user_id": told.c.user_id,
        "type": told.c.type,
    }
    return Happened(NotificationSent, told, values)


def _write() -> Select[UUID, UUID, NotificationType, int]:
    told = telling(given_notices(), bindparam("now", type_=Notification.created_at.type))
    return select(told.c.id, told.c.user_id, told.c.type, told.c.sequence).order_by(told.c.id)


WRITE = _write()
