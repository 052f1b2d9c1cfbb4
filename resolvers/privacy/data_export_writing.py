"""The contents of a copy of someone's data, written a page at a time.

It holds everything that the person entered or that was noted about them and that they may see, and of others only the
names of events, clubs and chats. `tests/api/privacy/test_data_exports.py` says for each column that points to a person
whether the copy holds it.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import orjson
from sqlalchemy import Row, Select, func, insert, select

from database import UnitOfWork
from models import (
    AuditEntry,
    Booking,
    Chat,
    Club,
    ClubMembership,
    DataExport,
    DataExportPart,
    DataExportState,
    Event,
    EventHost,
    Identity,
    Interest,
    KnownDevice,
    Message,
    ModerationItem,
    Notification,
    NotificationPreference,
    Registration,
    Review,
    SecurityNotice,
    Service,
    ServiceType,
    Session,
    User,
    UserInterest,
    Venue,
    utcnow,
)
from resolvers.notifications.words import words_of
from translations import Reader

PAGE = 500
"""Rows that are in memory at the same time."""
PART = 256 * 1024
MOST_BYTES = 64 * 1024 * 1024
"""Maximum size of a compressed file. Nobody has written so much by hand."""


Rows = Select[*tuple[Any, ...]]


class TooLarge(Exception):
    """The file would be larger than `MOST_BYTES`."""


@dataclass(frozen=True)
class Section:
    """A list in the file. Each row becomes an object with the names of its columns."""

    rows: Callable[[User], Rows]
    shown: Callable[[Row[*tuple[Any, ...]], Reader], dict[str, Any]] = lambda row, _reader: dict(row._mapping)


def _account(user: User) -> Rows:
    return select(
        User.handle, User.email, User.email_verified_at.label("emailVerifiedAt"),
        User.claimed_email.label("claimedEmail"), User.role, User.is_trusted.label("isTrusted"), User.locale,
        User.time_zone.label("timeZone"), User.display_name.label("displayName"), User.bio, User.location,
        User.birth_date.label("birthDate"), User.first_name.label("firstName"), User.last_name.label("lastName"),
        User.patronymic, User.phone, User.privacy, User.handle_changed_at.label("handleChangedAt"),
        User.created_at.label("createdAt"), User.updated_at.label("updatedAt"), User.deletion_at.label("deletionAt"),
    ).where(User.id == user.id)  # fmt: skip


def _sessions(user: User) -> Rows:
    return select(
        Session.user_agent.label("userAgent"), Session.address, Session.created_at.label("createdAt"),
        Session.last_used_at.label("lastUsedAt"), Session.expires_at.label("expiresAt"),
        Session.ended_at.label("endedAt"),
    ).where(Session.user_id == user.id).order_by(Session.id)  # fmt: skip


def _devices(user: User) -> Rows:
    return select(
        KnownDevice.network, KnownDevice.created_at.label("createdAt"), KnownDevice.last_used_at.label("lastUsedAt")
    ).where(KnownDevice.user_id == user.id).order_by(KnownDevice.id)  # fmt: skip


def _identities(user: User) -> Rows:
    return select(Identity.issuer, Identity.subject, Identity.created_at.label("createdAt")).where(
        Identity.user_id == user.id
    ).order_by(Identity.id)  # fmt: skip


def _security_notices(user: User) -> Rows:
    return select(
        SecurityNotice.kind, SecurityNotice.email, SecurityNotice.user_agent.label("userAgent"),
        SecurityNotice.address, SecurityNotice.created_at.label("createdAt"),
    ).where(SecurityNotice.user_id == user.id).order_by(SecurityNotice.id)  # fmt: skip


def _interests(user: User) -> Rows:
    return select(Interest.slug, Interest.name_en.label("nameEn"), Interest.name_ru.label("nameRu")).join(
        UserInterest, UserInterest.interest_id == Interest.id
    ).where(UserInterest.user_id == user.id).order_by(Interest.slug)  # fmt: skip


def _memberships(user: User) -> Rows:
    return select(
        Club.name.label("club"), ClubMembership.state, ClubMembership.role, ClubMembership.joined_at.label("joinedAt"),
        ClubMembership.ban_reason.label("banReason"), ClubMembership.banned_until.label("bannedUntil"),
        ClubMembership.created_at.label("createdAt"), ClubMembership.updated_at.label("updatedAt"),
    ).join(Club, Club.id == ClubMembership.club_id).where(
        ClubMembership.user_id == user.id
    ).order_by(ClubMembership.id)  # fmt: skip


def _hosted(user: User) -> Rows:
    return select(
        Event.title, Event.description, Event.status, EventHost.role, Event.starts_at.label("startsAt"),
        Event.ends_at.label("endsAt"), Event.time_zone.label("timeZone"), Event.capacity,
        EventHost.created_at.label("since"),
    ).join(Event, Event.id == EventHost.event_id).where(
        EventHost.user_id == user.id, Event.deleted_at.is_(None)
    ).order_by(Event.id)  # fmt: skip


def _submissions(user: User) -> Rows:
    return select(
        Event.title.label("event"), ModerationItem.state, ModerationItem.reason,
        ModerationItem.created_at.label("createdAt"), ModerationItem.decided_at.label("decidedAt"),
    ).join(Event, Event.id == ModerationItem.event_id).where(
        ModerationItem.submitted_by_id == user.id
    ).order_by(ModerationItem.id)  # fmt: skip


def _venues(user: User) -> Rows:
    return select(Venue.name, Venue.address, Venue.created_at.label("createdAt")).where(
        Venue.created_by_id == user.id
    ).order_by(Venue.id)  # fmt: skip


def _registrations(user: User) -> Rows:
    return select(
        Event.title.label("event"), Event.starts_at.label("startsAt"), Event.time_zone.label("timeZone"),
        Registration.admission, Registration.attendance, Registration.note,
        Registration.created_at.label("createdAt"), Registration.cancelled_at.label("cancelledAt"),
        Registration.cancel_reason.label("cancelReason"),
    ).join(Event, Event.id == Registration.event_id).where(
        Registration.user_id == user.id
    ).order_by(Registration.id)  # fmt: skip


def _bookings(user: User) -> Rows:
    return select(
        Event.title.label("event"), ServiceType.name_en.label("serviceEn"), ServiceType.name_ru.label("serviceRu"),
        Service.starts_at.label("startsAt"), Booking.admission, Booking.attendance, Booking.note,
        Booking.created_at.label("createdAt"), Booking.cancelled_at.label("cancelledAt"),
        Booking.cancel_reason.label("cancelReason"),
    ).join(Service, Service.id == Booking.service_id).join(
        ServiceType, ServiceType.id == Service.service_type_id
    ).join(Event, Event.id == Booking.event_id).where(Booking.user_id == user.id).order_by(Booking.id)  # fmt: skip


def _reviews(user: User) -> Rows:
    return select(
        Event.title.label("event"), Review.rating, Review.text, Review.status, Review.created_at.label("createdAt"),
        Review.updated_at.label("updatedAt"),
    ).join(Event, Event.id == Review.event_id).where(Review.author_id == user.id).order_by(Review.id)  # fmt: skip


def _messages(user: User) -> Rows:
    name = func.coalesce(Chat.title, Event.title, Club.name).label("chat")
    return select(
        Message.chat_id.label("chatId"), Chat.kind.label("chatKind"), name, Message.body,
        Message.sent_at.label("sentAt"),
    ).join(Chat, Chat.id == Message.chat_id).outerjoin(Event, Event.id == Chat.event_id).outerjoin(
        Club, Club.id == Chat.club_id
    ).where(Message.author_id == user.id).order_by(Message.id)  # fmt: skip


def _notifications(user: User) -> Rows:
    return select(Notification).where(Notification.user_id == user.id).order_by(Notification.sequence)


def _told(row: Row[*tuple[Any, ...]], reader: Reader) -> dict[str, Any]:
    [notification] = row
    words = words_of(notification, reader)
    return {
        "type": notification.type, "title": words.title, "body": words.body, "createdAt": notification.created_at,
        "readAt": notification.read_at,
    }  # fmt: skip


def _preferences(user: User) -> Rows:
    chosen = NotificationPreference
    return select(chosen.type, chosen.channel, chosen.is_enabled.label("isEnabled")).where(
        chosen.user_id == user.id
    ).order_by(chosen.type, chosen.channel)  # fmt: skip


def _audit(user: User) -> Rows:
    """Return what was done to the account, by staff too, without the remarks that staff keep for themselves."""
    return select(
        AuditEntry.action, AuditEntry.before.op("-")("comment").label("before"),
        AuditEntry.after.op("-")("comment").label("after"), AuditEntry.created_at.label("createdAt"),
    ).where(AuditEntry.subject_type == "User", AuditEntry.subject_id == user.id).order_by(AuditEntry.id)  # fmt: skip


def _exports(user: User) -> Rows:
    return select(
        DataExport.state, DataExport.created_at.label("createdAt"), DataExport.finished_at.label("finishedAt")
    ).where(
        DataExport.user_id == user.id, DataExport.state != DataExportState.QUEUED
    ).order_by(DataExport.id)  # fmt: skip


SECTIONS: dict[str, Section] = {
    "account": Section(_account),
    "interests": Section(_interests),
    "sessions": Section(_sessions),
    "knownDevices": Section(_devices),
    "identities": Section(_identities),
    "securityNotices": Section(_security_notices),
    "auditOfAccount": Section(_audit),
    "clubMemberships": Section(_memberships),
    "hostedEvents": Section(_hosted),
    "submissions": Section(_submissions),
    "venues": Section(_venues),
    "registrations": Section(_registrations),
    "bookings": Section(_bookings),
    "reviews": Section(_reviews),
    "messages": Section(_messages),
    "notifications": Section(_notifications, _told),
    "notificationPreferences": Section(_preferences),
    "dataExports": Section(_exports),
}


async def write(uow: UnitOfWork, export: DataExport, user: User, *, kept: timedelta) -> None:
    """Make the file of an export, which is locked. Memory does not grow with it. Raises `TooLarge`."""
    compressor = zlib.compressobj(6, zlib.DEFLATED, 16 + zlib.MAX_WBITS)
    waiting, position, size = bytearray(), 0, 0

    async def keep(least: int) -> None:
        nonlocal position, size
        while len(waiting) >= least and waiting:
            content = bytes(waiting[:PART])
            del waiting[:PART]
            size += len(content)
            if size > MOST_BYTES:
                raise TooLarge
            row = {"export_id": export.id, "position": position, "content": content}
            await uow.session.execute(insert(DataExportPart), row)
            position += 1

    async for piece in _pieces(uow, user):
        waiting += compressor.compress(piece)
        await keep(PART)
    waiting += compressor.flush()
    await keep(0)
    export.state, export.size, export.finished_at = DataExportState.READY, size, utcnow()
    export.expires_at = export.finished_at + kept


async def _pieces(uow: UnitOfWork, user: User) -> AsyncIterator[bytes]:
    """Yield the text of the file: an object with a list for each section."""
    reader = Reader.of(user)
    yield b'{"exportedAt":' + orjson.dumps(utcnow())
    for name, section in SECTIONS.items():
        yield b',\n"' + name.encode() + b'":['
        rows = await uow.session.stream(section.rows(user), execution_options={"yield_per": PAGE})
        separator = b"\n"
        async for page in rows.partitions():
            yield separator + b",\n".join(orjson.dumps(section.shown(row, reader), default=str) for row in page)
            separator = b",\n"
        yield b"]"
    yield b"}\n"
