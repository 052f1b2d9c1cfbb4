"""What the demo data lacks: every state, kind and visibility that an answer can show, and rows that hide others."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncSession

import models
from schema.core.ports import Ports
from tests.fuzz.extras import booking, chat, clubs, events, moderation, notifications, people, privacy, reviews
from tests.fuzz.extras.given import Given, Rows

AREAS = (people, clubs, events, booking, reviews, moderation, chat, privacy, notifications)
"""Each makes its rows from what those before it have made."""


async def extras(ports: Ports, people_by_handle: dict[str, models.User]) -> Rows:
    """Change some rows of the demo data, and return further ones."""
    async with ports.database.writing() as uow:
        await uow.session.execute(update(models.User).where(models.User.handle == "anna").values(**people.ANNA))
        await uow.session.execute(update(models.Inbox).values(last_sequence=40))
    async with ports.database.reading() as session:
        given = Given(
            people=dict(people_by_handle),
            category=await _first(session, models.EventCategory.slug),
            venue=await _first(session, models.Venue.name),
            service_type=await _first(session, models.ServiceType.slug),
            demo_clubs=list(await session.scalars(select(models.Club).order_by(models.Club.name, models.Club.id))),
        )
    return [row for area in AREAS for row in area.rows(given)]


async def _first(session: AsyncSession, column: Any) -> Any:
    return (await session.scalars(select(column.class_).order_by(column).limit(1))).one()
