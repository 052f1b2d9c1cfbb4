"""Telling people what became of a service at which they have a place."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from database import UnitOfWork
from models import Event, NotificationType, Service, ServiceType
from resolvers.notifications import notify


async def tell(
    uow: UnitOfWork,
    people: Iterable[UUID],
    news: NotificationType,
    event: Event,
    service: Service,
    *,
    actor_id: UUID | None,
    **params: Any,
) -> None:
    """The notice carries the service's name in each language: it is put into words when read."""
    type = await uow.session.get_one(ServiceType, service.service_type_id)
    name = {"ru": type.name_ru, "en": type.name_en}
    await notify(uow, people, news, subject=event, actor_id=actor_id, service=name, **params)
