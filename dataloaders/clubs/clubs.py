from __future__ import annotations

from typing import Any

from sqlalchemy import Select

from auth.viewer import Viewer
from auth.visibility.clubs import clubs_listed_to, clubs_visible_to
from auth.visibility.events import events_listed_to
from dataloaders.clubs.membership import ACTIVE
from dataloaders.core.declarations import one, pages
from dataloaders.core.filter_conditions import among
from models import (
    Club,
    ClubMembership,
    Event,
    EventStatus,
    is_over,
    utcnow,
)


def clubs_of_members(viewer: Viewer) -> Select[Club]:
    """Staff who look at someone's clubs see all of them."""
    return (
        clubs_listed_to(viewer, hidden_too=True).join(ClubMembership, ClubMembership.club_id == Club.id).where(ACTIVE)
    )


def upcoming_events(viewer: Viewer) -> Select[Event]:
    """Staff who look at a club see all of its events."""
    listed = events_listed_to(viewer, hidden_too=True)
    return listed.where(Event.status == EventStatus.PUBLISHED, ~is_over(Event.ends_at, utcnow()))


def narrowed_clubs(statement: Select[Any], _viewer: Viewer, filter: Any) -> Select[Any]:
    """`statement` is that of `clubs_of_members`."""
    return statement.where(*among(Club.kind, filter.kinds), *among(ClubMembership.role, filter.roles))


by_id = one(Club, key=Club.id, select=clubs_visible_to)
by_user_id = pages(
    Club,
    key=ClubMembership.user_id,
    select=clubs_of_members,
    order_by=[Club.name_key, Club.id],
    filter=narrowed_clubs,
    typical=5,
)
events_by_club_id = pages(
    Event, key=Event.club_id, select=upcoming_events, order_by=[Event.starts_at, Event.id], typical=5
)
