"""Everything that must hold between tables, recounted from the rows themselves (`docs/domain.md`, "Capacity", rule 5).

Each invariant is one statement that yields what breaks it: the id of the subject and what was found. A statement is
its own snapshot, so the check is right while the server is writing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Select,
    String,
    and_,
    exists,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy.ext.asyncio import AsyncSession

from models import (
    HOLDING,
    TAKING_PART,
    Admission,
    AvailabilityChange,
    Booking,
    Chat,
    ChatMember,
    Club,
    ClubMembership,
    ClubWords,
    DataExport,
    Event,
    EventHost,
    EventStatus,
    EventWords,
    Identity,
    Inbox,
    KnownDevice,
    MembershipState,
    Message,
    ModerationItem,
    ModerationState,
    Notification,
    Password,
    Registration,
    Service,
    Session,
    User,
    UserInterest,
    is_over,
)


@dataclass(frozen=True)
class Violation:
    """One row that breaks an invariant."""

    invariant: str
    subject_id: UUID
    detail: str

    def __str__(self) -> str:
        return f"{self.invariant}: {self.subject_id} {self.detail}"


def _counted(owner: Any, rows: Any, key: Any) -> Select[UUID, str]:
    """Owners whose `taken` differs from the number of distinct people who hold a place there."""
    people = func.count(rows.user_id.distinct())
    return (
        select(owner.id, _found(taken=owner.taken, people=people, rows=func.count(rows.id)))
        .outerjoin(rows, and_(key == owner.id, rows.admission.in_(HOLDING)))
        .group_by(owner.id)
        .having(or_(owner.taken != people, owner.taken != func.count(rows.id)))
    )


def _found(**values: Any) -> ColumnElement[str]:
    """`name=value` pairs, in words."""
    parts: list[Any] = []
    for name, value in values.items():
        parts += [literal(f"{name}="), func.coalesce(value.cast(String), "null"), literal(" ")]
    return func.concat(*parts[:-1])


def _stream(owner: Any, owner_id: Any, last: Any, entries: Any, key: Any, *, starts_at_one: bool) -> Select[UUID, str]:
    """Owners whose stream does not end with the last number given out, or has a hole.

    A stream that is trimmed may begin later than with 1, or be empty.
    """
    newest, number = func.max(entries.sequence), func.count(entries.sequence)
    expected = last if starts_at_one else newest - func.min(entries.sequence) + 1
    broken = or_(func.coalesce(newest, 0 if starts_at_one else last) != last, number != func.coalesce(expected, 0))
    return (
        select(owner_id, _found(last=last, newest=newest, rows=number))
        .select_from(owner)
        .outerjoin(entries, key == owner_id)
        .group_by(owner_id)
        .having(broken)
    )


def _chat_without_participant() -> Select[UUID, str]:
    member = exists().where(
        ChatMember.chat_id == Chat.id, ChatMember.user_id == Registration.user_id, ChatMember.left_at.is_(None)
    )
    # Who was put out of a club has left the chats of its past events, too.
    return (
        select(Registration.id, literal("its person is not in the event's chat"))
        .join(Chat, Chat.event_id == Registration.event_id)
        .join(Event, Event.id == Registration.event_id)
        .where(Registration.admission.in_(HOLDING), ~is_over(Event.ends_at, func.now()), ~member)
    )


def _chat_with_stranger() -> Select[UUID, str]:
    registered = exists().where(
        Registration.event_id == Chat.event_id,
        Registration.user_id == ChatMember.user_id,
        Registration.admission.in_(HOLDING),
    )
    hosting = exists().where(EventHost.event_id == Chat.event_id, EventHost.user_id == ChatMember.user_id)
    return (
        select(Chat.id, func.concat("has a member who holds no place: ", ChatMember.user_id))
        .join(ChatMember, ChatMember.chat_id == Chat.id)
        .where(Chat.event_id.is_not(None), ChatMember.left_at.is_(None), ~registered, ~hosting)
    )


def _banned_with_place() -> Select[UUID, str]:
    still = or_(ClubMembership.banned_until.is_(None), ClubMembership.banned_until > func.now())
    return (
        select(Registration.id, func.concat("its person was put out of the club ", Event.club_id))
        .join(Event, Event.id == Registration.event_id)
        .join(
            ClubMembership,
            and_(ClubMembership.club_id == Event.club_id, ClubMembership.user_id == Registration.user_id),
        )
        .where(Registration.admission.in_(TAKING_PART), ~is_over(Event.ends_at, func.now()))
        .where(ClubMembership.state == MembershipState.BANNED, still)
    )


def _banned_with_role() -> Select[UUID, str]:
    still = or_(ClubMembership.banned_until.is_(None), ClubMembership.banned_until > func.now())
    return (
        select(EventHost.event_id, func.concat("is hosted by one who was put out of its club: ", EventHost.user_id))
        .join(Event, Event.id == EventHost.event_id)
        .join(
            ClubMembership,
            and_(ClubMembership.club_id == Event.club_id, ClubMembership.user_id == EventHost.user_id),
        )
        .where(ClubMembership.state == MembershipState.BANNED, still)
    )


def _removed_with_role() -> Select[UUID, str]:
    return (
        select(EventHost.event_id, func.concat("is hosted by one who was put out of it: ", EventHost.user_id))
        .join(
            Registration,
            and_(Registration.event_id == EventHost.event_id, Registration.user_id == EventHost.user_id),
        )
        .where(Registration.admission == Admission.REJECTED)
    )


def _deleted_with(entity: Any, *conditions: ColumnElement[bool]) -> Select[UUID, str]:
    """Select deleted accounts that still own rows."""
    having = exists().where(entity.user_id == User.id, *conditions)
    return select(User.id, literal(f"is deleted and has {entity.__tablename__}")).where(
        User.deleted_at.is_not(None), having
    )


def _deleted_with_anything() -> CompoundSelect[UUID, str]:
    coming = exists().where(
        Event.id == Registration.event_id, ~is_over(Event.ends_at, func.now()), Event.deleted_at.is_(None)
    )
    states = (MembershipState.ACTIVE, MembershipState.PENDING, MembershipState.INVITED)
    return union_all(
        _deleted_with(Registration, Registration.admission.in_(TAKING_PART), coming),
        _deleted_with(ClubMembership, ClubMembership.state.in_(states)),
        _deleted_with(ChatMember, ChatMember.left_at.is_(None)),
        *(
            _deleted_with(entity)
            for entity in (EventHost, Session, Password, Identity, KnownDevice, UserInterest, DataExport)
        ),
    )


def _booking_without_registration() -> Select[UUID, str]:
    registered = exists().where(
        Registration.event_id == Booking.event_id,
        Registration.user_id == Booking.user_id,
        Registration.admission.in_(HOLDING),
    )
    return select(Booking.id, literal("its person is not registered")).where(
        Booking.admission.in_(HOLDING), ~registered
    )


def _booking_elsewhere() -> Select[UUID, str]:
    return (
        select(Booking.id, literal("its service belongs to another event"))
        .join(Service, Service.id == Booking.service_id)
        .where(Service.event_id != Booking.event_id)
    )


def _service_above_event() -> Select[UUID, str]:
    return (
        select(Service.id, _found(capacity=Service.capacity, event=Event.capacity))
        .join(Event, Event.id == Service.event_id)
        .where(Service.cancelled_at.is_(None), Service.capacity > Event.capacity)
    )


def _service_apart_from_archive() -> Select[UUID, str]:
    return (
        select(Service.id, _found(archived=Service.is_archived, event=Event.status))
        .join(Event, Event.id == Service.event_id)
        .where(Service.is_archived != (Event.status == EventStatus.ARCHIVED))
    )


def _services_without_limit() -> Select[UUID, str]:
    offering = exists().where(Service.event_id == Event.id, Service.cancelled_at.is_(None))
    return select(Event.id, literal("offers services without a capacity")).where(Event.capacity.is_(None), offering)


def _undecidable() -> Select[UUID, str]:
    """Select moderation items whose event is not in the state for them, and events that wait without an item."""
    waiting = and_(ModerationItem.event_id == Event.id, ModerationItem.state == ModerationState.PENDING)
    submitted = exists().where(waiting, ModerationItem.revision_id.is_(None))
    proposed = exists().where(waiting, ModerationItem.revision_id.is_not(None))
    is_submitted = Event.status == EventStatus.PENDING_REVIEW
    may_be_proposed = and_(
        Event.status.in_((EventStatus.PUBLISHED, EventStatus.CANCELLED, EventStatus.ARCHIVED)),
        Event.deleted_at.is_(None),
    )
    return select(Event.id, _found(status=Event.status)).where(
        or_(submitted != is_submitted, and_(proposed, ~may_be_proposed))
    )


def _oversold(owner: Any) -> Select[UUID, str]:
    return select(owner.id, _found(taken=owner.taken, capacity=owner.capacity)).where(owner.taken > owner.capacity)


def _words(owner: Any, kept: Any, key: Any, *columns: str) -> Select[UUID, str]:
    """Events or clubs that are found by other words than theirs, as after an upgrade that brings other stems."""
    kind = owner.__tablename__.removesuffix("s")
    ids = func.array(select(owner.id).scalar_subquery())
    documents = getattr(func, f"{kind}_documents")(ids).table_valued(key.key, *columns, name="documents")
    differs = [getattr(kept, name).is_distinct_from(documents.c[name]) for name in columns]
    return (
        select(owner.id, literal("is found by other words than its own"))
        .join(documents, documents.c[key.key] == owner.id)
        .outerjoin(kept, key == owner.id)
        .where(or_(*differs))
    )


INVARIANTS: dict[str, Select[UUID, str] | CompoundSelect[UUID, str]] = {
    "event.taken is the number of people": _counted(Event, Registration, Registration.event_id),
    "service.taken is the number of bookings": _counted(Service, Booking, Booking.service_id),
    "event is not oversold": _oversold(Event),
    "service is not oversold": _oversold(Service),
    "service is not larger than its event": _service_above_event(),
    "service is archived with its event": _service_apart_from_archive(),
    "event with services has a capacity": _services_without_limit(),
    "what waits can be decided": _undecidable(),
    "booking has a registration": _booking_without_registration(),
    "booking and service share an event": _booking_elsewhere(),
    "who was put out of a club has no place": _banned_with_place(),
    "who was put out of a club has no role": _banned_with_role(),
    "who was put out of an event has no role": _removed_with_role(),
    "a deleted account has nothing": _deleted_with_anything(),
    "participant is in the chat": _chat_without_participant(),
    "only participants are in the chat": _chat_with_stranger(),
    "event is found by its words": _words(
        Event, EventWords, EventWords.event_id, "starts_at", "created_at", "is_archived", "words"
    ),
    "club is found by its words": _words(Club, ClubWords, ClubWords.club_id, "words"),
    "availability stream is whole": _stream(
        Event, Event.id, Event.availability_sequence, AvailabilityChange, AvailabilityChange.event_id,
        starts_at_one=False,
    ),
    "chat stream is whole": _stream(
        Chat, Chat.id, Chat.last_sequence, Message, Message.chat_id, starts_at_one=True
    ),
    "inbox stream is whole": _stream(
        Inbox, Inbox.user_id, Inbox.last_sequence, Notification, Notification.user_id, starts_at_one=True
    ),
}  # fmt: skip


async def find_violations(session: AsyncSession, *, most: int = 100) -> Sequence[Violation]:
    """Return what breaks an invariant, at most `most` for each. An empty answer means that all of them hold."""
    violations = []
    for name, statement in INVARIANTS.items():
        found = (await session.execute(statement.limit(most))).all()
        violations += [Violation(name, subject_id, detail) for subject_id, detail in found]
    return violations
