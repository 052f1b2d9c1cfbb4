"""Telling people something, whatever caused it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from database import UnitOfWork
from models import NotificationType
from resolvers.notifications.notifications import Notice, notify_all


async def notify(
    uow: UnitOfWork,
    recipients: Iterable[UUID],
    type: NotificationType,
    *,
    subject: Any = None,
    actor_id: UUID | None = None,
    **params: Any,
) -> None:
    await notify_all(uow, [Notice(recipients=recipients, type=type, subject=subject, actor_id=actor_id, params=params)])
