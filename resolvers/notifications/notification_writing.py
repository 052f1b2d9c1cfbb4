"""Writing notifications by one statement, and ending what was told and is no longer so."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    CTE,
    ColumnElement,
    FromClause,
    Integer,
    Interval,
    Select,
    Text,
    Uuid,
    and_,
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

from database import RecordedEvents, UnitOfWork, owed_to, stream_of
from models import (
    Channel,
    Inbox,
    Notification,
    NotificationPreference,
    NotificationType,
    StreamEvent,
    User,
    utcnow,
)
from realtime.streams import inbox_stream
from resolvers.notifications.broadcasts import FORMER
from resolvers.notifications.preferences import NOT_BY_EMAIL

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


class NotificationShown(NotificationSent):
    """The same event, of a notification that its reader wants no mail about: no job is owed."""

    has_job: ClassVar[bool] = False


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
    "repeats": Text(),
    "withdraws": Text(),
    "position": Integer(),
}
"""What a statement knows of each notice to each person."""


def notices_parameter() -> FromClause:
    """Notices that come as the parameter `notices`: a list of objects, which costs less to hand over than arrays."""
    given = func.jsonb_to_recordset(bindparam("notices", type_=JSONB()))
    columns = (column(name, type_) for name, type_ in ADDRESSED.items())
    return given.table_valued(*columns).render_derived(name="listed", with_types=True)


def _judged(listed: FromClause, given_that: ColumnElement[bool]) -> CTE:
    """Return the notices, and of each whether it is wanted: some turn its type off. What the person is called stands
    beside the parameters, which come first.
    """
    turned_off = exists().where(
        NotificationPreference.user_id == listed.c.user_id,
        NotificationPreference.type == listed.c.type,
        NotificationPreference.channel == Channel.IN_APP,
        NotificationPreference.is_enabled.is_(False),
    )
    person = func.jsonb_strip_nulls(func.jsonb_build_object("person", User.display_name))
    columns = [one for one in listed.c if one.name != "params"]
    params = person.concat(listed.c.params).label("params")
    chosen = select(*columns, params, (~turned_off).label("is_wanted")).select_from(listed)
    return chosen.outerjoin(User, User.id == listed.c.person_id).where(given_that).cte("judged")


def _news(judged: CTE, now: Any) -> CTE:
    """Return what is new among the notices. What was told before of their topics is updated where it stands; what is
    no longer so, also for those who do not want to hear the news that end it.

    Its place in the stream stays: the stream has no gap, and nothing comes twice. Locked in the order of the stream,
    as marking does.
    """
    is_repeat = Notification.topic.is_not_distinct_from(judged.c.repeats)
    is_recent = Notification.created_at > now - literal(QUIET, Interval())
    earlier = (
        select(Notification.id, judged.c.position, judged.c.params, judged.c.actor_id, is_repeat.label("is_repeat"))
        .join(judged, judged.c.user_id == Notification.user_id)
        .where(
            Notification.topic == any_(array([judged.c.repeats, judged.c.withdraws])),
            or_(and_(is_repeat, judged.c.is_wanted, is_recent), and_(~is_repeat, is_so())),
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
    repeats = exists().where(updated.c.position == judged.c.position, updated.c.is_repeat)
    return select(judged).where(judged.c.is_wanted, ~repeats).cte("fresh")


def is_so() -> ColumnElement[bool]:
    """Whether what a notification tells was not ended."""
    is_so: ColumnElement[bool] = ~Notification.params.has_key(WITHDRAWN)
    return is_so


def _withdrawn() -> ColumnElement[Any]:
    return Notification.params.concat(literal({WITHDRAWN: True}, JSONB()))


async def withdraw_news(
    uow: UnitOfWork, *topics: str, changed: Sequence[tuple[str, str]] = (), among: Sequence[ColumnElement[bool]] = ()
) -> None:
    """Note that what people were told under these topics is no longer so. The notifications say that; nobody is told
    anew.

    `changed` are topics with fields that were changed again: of what was told under them, only that ends. `among`
    narrows the notifications.
    """
    ends = Notification.topic == any_(literal(list(topics), ARRAY(Text)))
    is_former, params = ends, _withdrawn()
    if changed:
        again = _ChangedAgain(changed)
        is_former, params = or_(ends, again.is_told), case((ends, params), else_=again.params)
    told = (
        select(Notification.id)
        .where(is_former, is_so(), *among)
        .order_by(Notification.user_id, Notification.sequence)
        .with_for_update()
    )
    await uow.session.execute(
        update(Notification)
        .where(Notification.id.in_(told.cte("told").select()))
        .values(params=params, updated_at=utcnow())
        .execution_options(synchronize_session=False)
    )


class _ChangedAgain:
    """The fields of a notification of changes that were changed again."""

    def __init__(self, changed: Sequence[tuple[str, str]]) -> None:
        told = func.jsonb_array_elements(Notification.params["changes"]).table_valued(column("value", JSONB()))
        change, keys = told.c.value, [f"{topic} {field}" for topic, field in changed]
        is_again = func.concat(Notification.topic, " ", change["field"].astext) == any_(literal(keys, ARRAY(Text)))
        is_former = or_(change.has_key(FORMER), is_again)
        marked = case((is_former, change.concat(literal({FORMER: True}, JSONB()))), else_=change)
        under = Notification.topic == any_(literal(sorted({topic for topic, _ in changed}), ARRAY(Text)))
        self.is_told = and_(under, _each(exists().select_from(told).where(is_again)))
        changes = _each(select(func.jsonb_agg(marked)).select_from(told)).scalar_subquery()
        is_all = ~_each(exists().select_from(told).where(~is_former))
        self.params = Notification.params.concat(func.jsonb_build_object("changes", changes, type_=JSONB())).concat(
            case((is_all, literal({WITHDRAWN: True}, JSONB())), else_=literal({}, JSONB()))
        )


def _each(statement: Any) -> Any:
    """Make a statement about each notification of the one around it."""
    return statement.correlate(Notification)


def inserted_notifications(
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
    judged = _judged(listed, given_that)
    wanted = _news(judged, now) if has_topics else select(judged).where(judged.c.is_wanted).cte("fresh")
    counted = select(wanted.c.user_id, func.count().label("number")).group_by(wanted.c.user_id).cte("counted")
    numbering = insert(Inbox).from_select(
        ["user_id", "last_sequence"], select(*counted.c).order_by(counted.c.user_id), include_defaults=False
    )
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


def notification_events(told: CTE) -> RecordedEvents:
    """Return the events of notices that `inserted_notifications` has written."""
    values = {
        "subject_id": told.c.id,
        "stream": stream_of(inbox_stream, told.c.user_id),
        "sequence": told.c.sequence,
        "user_id": told.c.user_id,
        "type": told.c.type,
    }
    consumers = case(
        (is_mailed(told.c.user_id, told.c.type), owed_to(NotificationSent)), else_=owed_to(NotificationShown)
    )
    return RecordedEvents(NotificationSent, told, values, consumers)


def is_mailed(user_id: Any, type: Any) -> ColumnElement[bool]:
    """In SQL, whether somebody wants a mail about news of a type, and can have one. The job asks again."""
    chosen = select(NotificationPreference.is_enabled).where(
        NotificationPreference.user_id == user_id,
        NotificationPreference.type == type,
        NotificationPreference.channel == Channel.EMAIL,
    )
    has_address = exists().where(
        User.id == user_id, User.is_active, User.email.is_not(None), User.email_verified_at.is_not(None)
    )
    return and_(func.coalesce(chosen.scalar_subquery(), type.not_in(NOT_BY_EMAIL)), has_address)


def _write() -> Select[UUID, UUID, NotificationType, int, bool]:
    told = inserted_notifications(notices_parameter(), bindparam("now", type_=Notification.created_at.type))
    mailed = is_mailed(told.c.user_id, told.c.type).label("is_mailed")
    return select(told.c.id, told.c.user_id, told.c.type, told.c.sequence, mailed).order_by(told.c.id)


WRITE = _write()
