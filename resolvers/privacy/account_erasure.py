"""Carrying out the deletion of an account: what goes, what is handed on, what stays without a name.

`docs/accounts.md` has the table. The row of the person stays, emptied: what they wrote keeps an author, and past events
keep their numbers. A check of the database holds the row to it, and triggers refuse it any new place or membership.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import delete, func, or_, select, update

from auth.viewer import GUEST
from database import Contended, UnitOfWork
from models import (
    TAKING_PART,
    AuditEntry,
    Base,
    Booking,
    Club,
    DataExport,
    DomainEvent,
    Event,
    EventHost,
    IdempotencyKey,
    Identity,
    Inbox,
    KnownDevice,
    Notification,
    NotificationPreference,
    OneTimeToken,
    Password,
    ReadMark,
    Registration,
    Role,
    SecurityNotice,
    Session,
    User,
    UserInterest,
    is_over,
    utcnow,
)
from resolvers.booking import locks
from resolvers.booking.putting_out import end_places
from resolvers.booking.registrations import coming
from resolvers.chat import members
from resolvers.clubs import membership
from resolvers.core import audit
from resolvers.events import hosts
from resolvers.notifications.notifications import notify_all
from resolvers.people import sessions
from resolvers.people.accounts import NO_KEY

EMPTIED = (
    "email", "email_verified_at", "claimed_email", "handle_changed_at", "deletion_at", "bio", "location", "birth_date",
    "first_name", "last_name", "patronymic", "phone", "comment",
)  # fmt: skip
ERASED: tuple[type[Base], ...] = (
    Password, Identity, KnownDevice, OneTimeToken, SecurityNotice, UserInterest, NotificationPreference, Notification,
    Inbox, ReadMark, DataExport,
)  # fmt: skip
"""Tables whose rows of the person go."""


@dataclass(frozen=True, kw_only=True)
class UserDeleted(DomainEvent):
    name: ClassVar[str] = "user.deleted"
    subject_type: ClassVar[str] = "User"


@dataclass(frozen=True)
class Involvement:
    """Clubs and coming events that somebody has to do with."""

    club_ids: frozenset[UUID]
    event_ids: frozenset[UUID]

    def __le__(self, other: Involvement) -> bool:
        return self.club_ids <= other.club_ids and self.event_ids <= other.event_ids


async def carry_out(uow: UnitOfWork, user_id: UUID) -> bool:
    """Delete an account whose time has come. False where it was deleted, or kept, in the meantime.

    Locks as every write does: clubs, events, services; then the person, who takes no place any more from then on.
    Raises `Contended` where they got into something new just before.
    """
    seen = await _bonds(uow, user_id)
    await uow.session.execute(
        select(Club.id).where(Club.id.in_(seen.club_ids)).order_by(Club.id).with_for_update(key_share=True)
    )
    events = {event.id: event for event in await locks.lock_events(uow, seen.event_ids)}
    user = await uow.session.get(User, user_id, with_for_update=NO_KEY, populate_existing=True)
    if user is None or user.deletion_at is None or user.deletion_at > utcnow():
        return False
    if not await _bonds(uow, user_id) <= seen:
        raise Contended
    ended = await end_places(uow, [user_id], events, actor_id=user_id, reason=None)
    topics = await membership.leave_all(uow, user_id)
    notices = await hosts.step_down(uow, user_id, list(events.values()))
    await members.leave_all(uow, user_id)
    told = await _told_of(uow, user_id)
    await notify_all(uow, [*notices, *(one.notice(actor_id=user_id, reason=None) for one in ended)], ends=topics)
    # Whoever is signing in holds the password: their session is there, and ended with the others, or is never opened.
    await _run(uow, delete(Password).where(Password.user_id == user_id))
    await sessions.end_all(uow, user_id)
    await _erase(uow, user, told)
    audit.note(
        uow, GUEST, "user.delete", subject_type="User", subject_id=user_id,
        before={"isActive": True}, after={"isActive": False},
    )  # fmt: skip
    uow.record(UserDeleted(subject_id=user_id))
    return True


async def _bonds(uow: UnitOfWork, user_id: UUID) -> Involvement:
    clubs = await uow.session.scalars(membership.open_to(user_id))
    taking_part = select(Registration.event_id).where(
        Registration.user_id == user_id, Registration.admission.in_(TAKING_PART)
    )
    hosting = select(EventHost.event_id).where(EventHost.user_id == user_id)
    coming_ones = select(Event.id).where(
        or_(Event.id.in_(taking_part), Event.id.in_(hosting)),
        ~is_over(Event.ends_at, func.now()),
        Event.deleted_at.is_(None),
    )
    return Involvement(frozenset(clubs), frozenset(await uow.session.scalars(coming_ones)))


async def _told_of(uow: UnitOfWork, user_id: UUID) -> Sequence[str]:
    """Topics under which others were told of the person, whoever caused it."""
    registered = await uow.session.scalars(select(Registration.event_id).where(Registration.user_id == user_id))
    return [coming(event_id, user_id) for event_id in registered]


async def _erase(uow: UnitOfWork, user: User, topics: Sequence[str]) -> None:
    """Remove everything about the person, also from what others were told. The last locks, after those of inboxes."""
    session = uow.session
    await session.flush()
    for entity in ERASED:
        await _run(uow, delete(entity).where(entity.user_id == user.id))  # type: ignore[attr-defined]  # each has an owner
    await _run(uow, delete(Session).where(Session.user_id == user.id))
    await _run(uow, delete(IdempotencyKey).where(IdempotencyKey.scope == str(user.id)))
    for rows in (Registration, Booking):
        silent = {"note": None, "staff_note": None, "cancel_reason": None}
        await _run(uow, update(rows).where(rows.user_id == user.id).values(**silent))
    about = (AuditEntry.subject_type == "User", AuditEntry.subject_id == user.id, AuditEntry.action == "user.edit")
    await _run(uow, update(AuditEntry).where(*about).values(before={}, after={}))
    naming = (
        select(Notification.id)
        .where(or_(Notification.actor_id == user.id, Notification.topic.in_(topics)))
        .order_by(Notification.user_id, Notification.sequence)
        .with_for_update()
    )
    nameless = Notification.params.op("-")("person")
    named = Notification.id.in_(naming.cte("naming").select())
    await _run(uow, update(Notification).where(named).values(params=nameless))
    for name in EMPTIED:
        setattr(user, name, None)
    user.display_name, user.privacy = "", {}
    user.role, user.is_trusted, user.is_active, user.deleted_at = Role.USER, False, False, utcnow()
    # No handle that somebody chooses begins so: theirs is free.
    user.handle = f"~{user.id.hex}"
    await session.flush()


async def _run(uow: UnitOfWork, statement: Any) -> None:
    await uow.session.execute(statement.execution_options(synchronize_session=False))
