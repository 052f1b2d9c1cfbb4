"""Services inside an event: adding, changing, cancelling and removing them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar, TypedDict
from uuid import UUID

from sqlalchemy import Select, exists, func, select

from auth.permissions import Permission
from auth.rights import acts_as_staff
from auth.viewer import Viewer
from auth.visibility.events import services_visible_to
from database import UnitOfWork, on_conflict
from errors import Forbidden, InvalidStatus, NotFound, UserError, VersionConflict, _, refuse
from models import (
    Booking,
    DomainEvent,
    Event,
    EventStatus,
    NotificationType,
    Service,
    is_over,
    utcnow,
)
from resolvers.booking import admission, availability, bookability, locks, registrations
from resolvers.booking.bookability import CapacityNeeded
from resolvers.booking.changes import Clear, ServiceCapacity
from resolvers.booking.locks import editable
from resolvers.booking.putting_out import ended_by_service
from resolvers.booking.service_news import booked_ids, notice, tell
from resolvers.core import audit
from resolvers.core.moments import in_utc
from resolvers.events import states
from resolvers.events.creation import capacity_refusals
from resolvers.events.lifecycle import HasParticipants, PeopleTookPart
from resolvers.events.states import EventAction
from resolvers.events.validation import (
    EventFrame,
    EventInPast,
    NewService,
    build_services,
    check_places,
    check_times,
    check_window,
    check_within,
)
from resolvers.notifications.notification_writing import withdraw_news
from resolvers.notifications.notifications import notify_all, topic_of
from resolvers.notifications.words import changes_between


class ServiceOver(EventInPast):
    message = _("The service is over.")


class ServiceChanges(TypedDict, total=False):
    """The changes of a service. A key that is absent stays as it is. Type and event of a service never change."""

    starts_at: datetime
    ends_at: datetime
    capacity: int
    window_days: int | None


@dataclass(frozen=True, kw_only=True)
class ServiceAdded(DomainEvent):
    name: ClassVar[str] = "service.added"
    subject_type: ClassVar[str] = "Service"
    event_id: UUID


@dataclass(frozen=True, kw_only=True)
class ServiceUpdated(DomainEvent):
    name: ClassVar[str] = "service.updated"
    subject_type: ClassVar[str] = "Service"
    event_id: UUID
    changes: list[str]


@dataclass(frozen=True, kw_only=True)
class ServiceCancelled(DomainEvent):
    name: ClassVar[str] = "service.cancelled"
    subject_type: ClassVar[str] = "Service"
    event_id: UUID


@dataclass(frozen=True, kw_only=True)
class ServiceDeleted(DomainEvent):
    name: ClassVar[str] = "service.deleted"
    subject_type: ClassVar[str] = "Service"
    event_id: UUID


async def add(uow: UnitOfWork, viewer: Viewer, *, event_id: UUID, wanted: NewService) -> Service:
    """One service more. Whoever registered before it stays registered."""
    event = await editable(uow, viewer, event_id)
    if not viewer.can(Permission.EVENT_OFFER_SERVICES):
        raise Forbidden(path=("eventId",))
    problems: list[UserError] = []
    if refusal := refusal_to_add(event):
        problems.append(refusal)
    already = await uow.session.scalar(_number_of_services(event)) or 0
    built = await build_services(uow, viewer, problems, [wanted], frame=EventFrame.of(event), already=already)
    refuse(problems)
    service = built[0]
    service.event_id = event.id
    service.starts_at, service.ends_at = in_utc(service.starts_at), in_utc(service.ends_at)
    async with on_conflict(uow.session, **capacity_refusals(event, "capacity")):
        uow.session.add(service)
    uow.record(ServiceAdded(subject_id=service.id, event_id=event.id))
    if await acts_as_staff(uow.session, viewer, event):
        audit.note(
            uow, viewer, "service.add", subject_type="Service", subject_id=service.id,
            after={"event_id": event.id, "service_type_id": service.service_type_id, **_snapshot(service)},
        )  # fmt: skip
    await availability.announce(uow, event)
    return service


def refusal_to_add(event: Event) -> UserError | None:
    if refusal := states.refusal(event, EventAction.UPDATE, "eventId"):
        return refusal
    return CapacityNeeded(path=("eventId",)) if event.capacity is None else None


def _number_of_services(event: Event) -> Select[int]:
    return select(func.count()).where(Service.event_id == event.id, Service.deleted_at.is_(None))


async def update(
    uow: UnitOfWork, viewer: Viewer, *, service_id: UUID, expected_version: int, changes: ServiceChanges
) -> Service:
    """Change time, capacity or window. People with a place hear of another time."""
    event, service = await _editable_service(uow, viewer, service_id)
    if service.version != expected_version:
        raise VersionConflict(path=("expectedVersion",), expected_version=service.version)
    if refusal := refusal_to_update(event, service):
        raise refusal
    _check_changes(event, service, changes)
    before, capacity = _snapshot(service), changes.get("capacity", service.capacity)
    service.starts_at = in_utc(changes.get("starts_at", service.starts_at))
    service.ends_at = in_utc(changes.get("ends_at", service.ends_at))
    service.window_days = changes.get("window_days", service.window_days)
    after = _snapshot(service) | {"capacity": capacity}
    changed = [name for name, value in after.items() if value != before[name]]
    if not changed:
        return service
    service.version += 1
    uow.record(ServiceUpdated(subject_id=service.id, event_id=event.id, changes=changed))
    if "capacity" in changed:
        wanted = ServiceCapacity(service_id=service.id, capacity=capacity, path=("capacity",))
        await admission.change_under_lock(uow, viewer, [wanted], actor_id=viewer.require_user())
    await _leave_trail(uow, viewer, event, service, before, changed)
    if {"startsAt", "endsAt"} & set(changed) and event.status is EventStatus.PUBLISHED:
        await tell(
            uow,
            booked_ids(service.id),
            NotificationType.SERVICE_CHANGED,
            event,
            service,
            actor_id=viewer.id,
            topic=topic_of(NotificationType.SERVICE_CHANGED, service.id),
            changes=changes_between(before, _snapshot(service), "startsAt", "endsAt"),
        )
    return service


def refusal_to_update(event: Event, service: Service) -> UserError | None:
    if refusal := states.refusal(event, EventAction.UPDATE, "serviceId"):
        return refusal
    return InvalidStatus(path=("serviceId",), status=EventStatus.CANCELLED) if service.is_cancelled else None


async def _leave_trail(
    uow: UnitOfWork,
    viewer: Viewer,
    event: Event,
    service: Service,
    before: Mapping[str, object],
    changed: Sequence[str],
) -> None:
    """Write audit entries of all changes by staff, and of a capacity changed by anyone (`docs/domain.md`)."""
    if await acts_as_staff(uow.session, viewer, event):
        audit.note(
            uow, viewer, "service.update", subject_type="Service", subject_id=service.id,
            before=before, after=_snapshot(service),
        )  # fmt: skip
    elif "capacity" in changed:
        audit.note(
            uow, viewer, "service.capacity.change", subject_type="Service", subject_id=service.id,
            before={"capacity": before["capacity"]}, after={"capacity": service.capacity},
        )  # fmt: skip


def _snapshot(service: Service) -> dict[str, object]:
    return {
        "startsAt": service.starts_at,
        "endsAt": service.ends_at,
        "capacity": service.capacity,
        "windowDays": service.window_days,
    }


def _check_changes(event: Event, service: Service, changes: ServiceChanges) -> None:
    problems: list[UserError] = []
    starts_at, ends_at = changes.get("starts_at", service.starts_at), changes.get("ends_at", service.ends_at)
    same = (starts_at, ends_at) == (service.starts_at, service.ends_at)
    if not same and states.service_took_place(event, service):
        name = "startsAt" if starts_at != service.starts_at else "endsAt"
        problems.append(ServiceOver(path=(name,)))
    elif check_times(problems, starts_at, ends_at, unchanged=same) and not same:
        check_within(problems, EventFrame.of(event), starts_at, ends_at)
    wanted = changes.get("capacity", service.capacity)
    if check_places(problems, wanted, "capacity"):
        problems += bookability.refusals_of_service_capacity(event, service, wanted, "capacity")
    check_window(problems, changes.get("window_days"), "windowDays")
    refuse(problems)


async def cancel(uow: UnitOfWork, viewer: Viewer, *, service_id: UUID, reason: str | None = None) -> Service:
    """Call a service off: its bookings are cancelled, and registrations whose last booking that was (capacity 2)."""
    event, service = await _editable_service(uow, viewer, service_id)
    reason = registrations.checked_reason(reason)
    if refusal := refusal_to_cancel(event, service):
        raise refusal
    service.cancelled_at, service.cancel_reason = utcnow(), reason
    service.version += 1
    audit.note(
        uow, viewer, "service.cancel", subject_type="Service", subject_id=service.id,
        before={"is_cancelled": False}, after={"is_cancelled": True, "reason": reason},
    )  # fmt: skip
    uow.record(ServiceCancelled(subject_id=service.id, event_id=event.id))
    actor_id = viewer.require_user()
    changed = await admission.change_under_lock(
        uow, viewer, [Clear(service_id=service.id, reason=reason)], actor_id=actor_id, answers=Event
    )
    people = [
        one.user_id for one in changed.people if service.id in one.bookings and one.bookings[service.id].has_ended
    ]
    gone = changed.gone.get(event.id, ())
    await uow.session.refresh(service, ["taken"])
    news = NotificationType.SERVICE_CANCELLED
    ends = [topic_of(NotificationType.SERVICE_CHANGED, service.id)]
    told = await notice(uow, people, news, event, service, actor_id=actor_id, reason=reason, ends=ends)
    await notify_all(uow, [told, ended_by_service(event, gone, actor_id=actor_id, reason=reason)])
    return service


def refusal_to_cancel(event: Event, service: Service) -> UserError | None:
    if refusal := refusal_to_update(event, service):
        return refusal
    return ServiceOver(path=("serviceId",)) if is_over(service.ends_at, utcnow()) else None


async def delete(uow: UnitOfWork, viewer: Viewer, *, service_id: UUID) -> UUID:
    """Remove a service, unless people took part, or have places at it and were not told of its end."""
    event, service = await _editable_service(uow, viewer, service_id)
    if refusal := refusal_to_delete(event, service):
        raise refusal
    audit.note(
        uow, viewer, "service.delete", subject_type="Service", subject_id=service.id,
        before={"event_id": event.id, "service_type_id": service.service_type_id, **_snapshot(service)},
    )  # fmt: skip
    if await uow.session.scalar(select(exists().where(Booking.service_id == service.id))):
        # It stays as a record of those who had booked it.
        service.deleted_at = utcnow()
        service.cancelled_at = service.cancelled_at or service.deleted_at
        service.version += 1
    else:
        await uow.session.delete(service)
    await uow.session.flush()
    uow.record(ServiceDeleted(subject_id=service_id, event_id=event.id))
    await availability.announce(uow, event)
    await withdraw_news(uow, topic_of(NotificationType.SERVICE_CHANGED, service_id))
    return service_id


def refusal_to_delete(event: Event, service: Service) -> UserError | None:
    if not service.taken or event.cancelled_at is not None:
        return None
    can_cancel = refusal_to_cancel(event, service) is None
    return (HasParticipants if can_cancel else PeopleTookPart)(path=("serviceId",), count=service.taken)


async def _editable_service(uow: UnitOfWork, viewer: Viewer, service_id: UUID) -> tuple[Event, Service]:
    """Lock the event and then the service, and return both."""
    found = await uow.session.scalar(
        services_visible_to(viewer).where(Service.id == service_id).with_only_columns(Service.event_id)
    )
    if found is None:
        raise NotFound(path=("serviceId",))
    event = await editable(uow, viewer, found, path=("serviceId",))
    services = await locks.lock_services(uow, [service_id])
    if not services:
        raise NotFound(path=("serviceId",))
    return event, services[0]
