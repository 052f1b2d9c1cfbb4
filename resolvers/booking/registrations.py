"""Taking part in an event: registering directly, and cancelling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from auth.permissions import Permission
from auth.rights import Part, part_at
from auth.viewer import Viewer
from database import UnitOfWork, Writing, recording_values
from errors import Forbidden, UserError, check_text, refuse
from models import (
    HOLDING,
    Admission,
    Event,
    EventHost,
    EventRole,
    NotificationType,
    PaymentPolicy,
    Registration,
    User,
)
from resolvers.booking import admission, locks
from resolvers.booking.changes import Facts, Leave, Register
from resolvers.booking.registration_writing import LOOK, TAKE_PLACE
from resolvers.booking.time_conflicts import TimeConflict, of_column
from resolvers.core import audit
from resolvers.core.money import Price
from resolvers.notifications.notifications import Notice, notice_rows, notify_all, topic_of

check_note = partial(check_text, maximum=1000, multiline=True)
check_reason = partial(check_text, maximum=1000, multiline=True)


@dataclass(frozen=True)
class Placed:
    """A new registration, and of its event what was read under the same lock, as asyncpg gives it."""

    registration: Registration
    event: Mapping[str, Any]
    conflicts: list[TimeConflict]
    """What else the person does at that time, as it was seen before the place was taken."""


async def register(uow: Writing, viewer: Viewer, *, event_id: UUID, note: str | None = None) -> Placed:
    """Take a place at an event without services. Raises what `bookability` and this module name."""
    user_id = viewer.require_user()
    wanted = Register(event_id=event_id, user_id=user_id, note=checked_note(note) or None, path=("eventId",))

    def news(facts: Facts) -> dict[str, Any]:
        event = facts.events[event_id].row
        told = _news(event, set(event["organizers"]) - {user_id}, user_id=user_id, actor_id=user_id)
        return {"notices": notice_rows(told), **recording_values(has_sink=uow.has_sink)}

    statements = admission.InOneStatement(LOOK, TAKE_PLACE, news)
    changed = await admission.change(uow, viewer, [wanted], actor_id=user_id, statements=statements)
    event, [entry] = changed.facts.events[event_id].row, changed.entries
    return Placed(
        changed.registration_of(event_id, user_id),
        {**event, "taken": entry["taken"]},
        of_column(event["conflicts"], "eventId"),
    )


def checked_note(note: str | None) -> str | None:
    problems: list[UserError] = []
    checked = check_note(problems, note, "note")
    refuse(problems)
    return checked


def checked_reason(reason: str | None) -> str | None:
    """Why a place is taken away, for the person who had it."""
    problems: list[UserError] = []
    checked = check_reason(problems, reason, "reason")
    refuse(problems)
    return checked


async def cancel(
    uow: UnitOfWork, viewer: Viewer, *, event_id: UUID, user_id: UUID | None = None, reason: str | None = None
) -> Registration:
    """Give a place back, with all bookings at the event: one's own, or that of `user_id` for who may cancel for others,
    who may say why. Possible until the event has ended.
    """
    actor_id, reason = viewer.require_user(), checked_reason(reason)
    user_id = user_id or actor_id
    event = (await locks.lock(uow, event_id, viewer=viewer)).event
    if user_id != actor_id and not may_cancel_for_others(await part_at(uow.session, viewer, event)):
        raise Forbidden(path=("userId",))
    wanted = Leave(event_id=event_id, user_id=user_id, reason=reason, path=("eventId",))
    changed = await admission.change_under_lock(uow, viewer, [wanted], actor_id=actor_id)
    registration: Registration = changed.registration_of(event_id, user_id)
    if user_id != actor_id:
        seen = changed.facts.people[event_id, user_id].registration.seen
        audit.note(
            uow, viewer, "registration.cancel", subject_type="Registration", subject_id=registration.id,
            before={"admission": seen}, after={"admission": Admission.CANCELLED, "reason": reason},
        )  # fmt: skip
    await notify_all(uow, [cancelled(event, user_id, actor_id=actor_id, reason=reason)])
    return registration


def may_cancel_for_others(part: Part) -> bool:
    """Return whether somebody may register others, or may change the event."""
    return part.viewer.can(Permission.REGISTER_OTHERS) or part.may_edit


def cancelled(event: Event, user_id: UUID, *, actor_id: UUID, reason: str | None) -> Notice:
    """Return what somebody is told whose place was given back, by themself or by others."""
    return Notice(
        recipients=[user_id],
        type=NotificationType.REGISTRATION_CANCELLED,
        subject=event,
        actor_id=actor_id if actor_id != user_id else None,
        params={"reason": reason},
        topic=topic_of(NotificationType.REGISTRATION_CANCELLED, event.id, user_id),
        is_quiet=actor_id == user_id,
        ends=of_place(event.id, user_id),
    )


def coming(event_id: UUID, user_id: UUID) -> str:
    """Return the topic under which organisers are told of a participant."""
    return topic_of(NotificationType.PARTICIPANT_JOINED, event_id, user_id)


def of_place(event_id: UUID, user_id: UUID) -> list[str]:
    """Topics of what anybody was told of a person's place at an event, and is no longer so once it ends."""
    return [topic_of(type, event_id, user_id) for type in OF_PLACE]


OF_PLACE = (
    NotificationType.REGISTRATION_CONFIRMED,
    NotificationType.EVENT_REACTIVATED,
    NotificationType.PARTICIPANT_JOINED,
)


async def welcome(
    uow: UnitOfWork,
    events: Sequence[Event],
    *,
    user_id: UUID,
    actor_id: UUID,
    booked: Mapping[UUID, Sequence[Mapping[str, Any]]],
    ends: Sequence[str],
) -> None:
    """Tell someone new, and the organisers. Takes the last locks there are.

    `booked` are services with their times by event, as notices keep them; `ends` as those of a notice.
    """
    hosts = await _hosts(uow.session, [event.id for event in events])
    notices = []
    for event in events:
        organizers = _organizers(hosts.get(event.id, {})) - {user_id}
        services = booked.get(event.id, ())
        notices += _news(event, organizers, user_id=user_id, actor_id=actor_id, services=services)
    await notify_all(uow, notices, ends=ends)


def _news(
    event: Event,
    organizers: Iterable[UUID],
    *,
    user_id: UUID,
    actor_id: UUID,
    services: Sequence[Mapping[str, Any]] = (),
) -> list[Notice]:
    return [
        Notice(
            recipients=[user_id],
            type=NotificationType.REGISTRATION_CONFIRMED,
            subject=event,
            params=_price(event) | ({"services": list(services)} if services else {}),
            topic=topic_of(NotificationType.REGISTRATION_CONFIRMED, event.id, user_id),
            is_quiet=actor_id == user_id,
            withdraws=topic_of(NotificationType.REGISTRATION_CANCELLED, event.id, user_id),
        ),
        Notice(
            recipients=organizers,
            type=NotificationType.PARTICIPANT_JOINED,
            subject=event,
            actor_id=actor_id,
            params={"user_id": str(user_id)},
            topic=coming(event.id, user_id),
            is_quiet=True,
        ),
    ]


def _price(event: Event) -> dict[str, Any]:
    """Return what is to be paid at the door, if anything."""
    if event.payment_policy is PaymentPolicy.FREE:
        return {}
    return {"price": Price.of(event).kept()}


def _organizers(roles: Mapping[UUID, EventRole]) -> set[UUID]:
    return {user_id for user_id, role in roles.items() if role is not EventRole.STAFF}


async def _hosts(session: AsyncSession, event_ids: Sequence[UUID]) -> dict[UUID, dict[UUID, EventRole]]:
    """Hosts of some events with their roles."""
    found = await session.execute(
        select(EventHost.event_id, EventHost.user_id, EventHost.role).where(EventHost.event_id.in_(event_ids))
    )
    hosts: dict[UUID, dict[UUID, EventRole]] = {}
    for event_id, user_id, role in found:
        hosts.setdefault(event_id, {})[user_id] = role
    return hosts


def participant_ids(event_id: UUID) -> Select[UUID]:
    """Select everyone who holds a place at the event and has an account still."""
    return (
        select(Registration.user_id)
        .join(User, User.id == Registration.user_id)
        .where(Registration.event_id == event_id, Registration.admission.in_(HOLDING), User.is_active)
    )
