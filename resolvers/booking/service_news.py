"""Telling people what became of services at which they have a place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, select

from database import UnitOfWork
from models import HOLDING, Booking, Event, NotificationType, Service, ServiceType
from resolvers.booking.changes import ServiceFacts
from resolvers.notifications.notifications import Notice, Recipients, facts_of, notify_all, topic_of
from resolvers.notifications.words import changes_between


async def tell(
    uow: UnitOfWork, people: Recipients, news: NotificationType, event: Event, service: Service, **others: Any
) -> None:
    """One notice for each. `others` as those of `notice`."""
    await notify_all(uow, [await notice(uow, people, news, event, service, **others)])


async def notice(
    uow: UnitOfWork,
    people: Recipients,
    news: NotificationType,
    event: Event,
    service: Service,
    *,
    actor_id: UUID | None,
    topic: str | None = None,
    ends: Sequence[str] = (),
    **params: Any,
) -> Notice:
    """Make the notice about a service. It carries its name in each language, its time and what the words say of its
    event.
    """
    told = (await as_told(uow, [service]))[event.id]
    params |= facts_of(event) | {"service": told[0]["name"], "services": told}
    return Notice(
        recipients=people,
        type=news,
        subject=service,
        actor_id=actor_id,
        params=params,
        topic=topic,
        ends=ends,
        object_id=event.id,
    )


async def moved(
    uow: UnitOfWork, event: Event, former: Mapping[UUID, Times], *, actor_id: UUID | None, former_zone: str
) -> list[Notice]:
    """Return what those who have a place hear of services that moved along with their event. `former` are their times
    before, told by the clock of the venue that was.
    """
    if not former:
        return []
    is_booked = select(Booking.id).where(Booking.service_id == Service.id, Booking.admission.in_(HOLDING)).exists()
    found = await uow.session.scalars(select(Service).where(Service.id.in_(former), is_booked).order_by(Service.id))
    services = found.all()
    names = await _names(uow, services)
    return [
        Notice(
            recipients=booked_ids(service.id),
            object_id=event.id,
            type=NotificationType.SERVICE_CHANGED,
            subject=service,
            actor_id=actor_id,
            params={
                **facts_of(event),
                "service": names[service.service_type_id],
                "changes": changes_between(
                    dict(zip(TIMES, former[service.id], strict=True)),
                    {"startsAt": service.starts_at, "endsAt": service.ends_at},
                    *TIMES,
                ),
                "former_time_zone": former_zone,
            },
            topic=topic_of(NotificationType.SERVICE_CHANGED, service.id),
        )
        for service in services
    ]


def booked_ids(service_id: UUID) -> Select[UUID]:
    """Select everyone who has a place at a service."""
    return select(Booking.user_id).where(Booking.service_id == service_id, Booking.admission.in_(HOLDING))


TIMES = ("startsAt", "endsAt")


async def as_told(uow: UnitOfWork, services: Iterable[Service | ServiceFacts]) -> dict[UUID, list[dict[str, Any]]]:
    """Services by their event, as a notice keeps them: names and starts, the earliest first."""
    services = sorted(services, key=lambda one: (one.starts_at, one.id))
    names = await _names(uow, services)
    found: dict[UUID, list[dict[str, Any]]] = {}
    for one in services:
        told = {"name": names[one.service_type_id], "starts_at": one.starts_at.isoformat()}
        found.setdefault(one.event_id, []).append(told)
    return found


async def _names(uow: UnitOfWork, services: Iterable[Service | ServiceFacts]) -> dict[UUID, dict[str, str]]:
    """Names of their types in each language."""
    asked = {one.service_type_id for one in services}
    types = await uow.session.scalars(select(ServiceType).where(ServiceType.id.in_(asked)))
    return {type.id: {"ru": type.name_ru, "en": type.name_en} for type in types}


Times = tuple[datetime, datetime]
