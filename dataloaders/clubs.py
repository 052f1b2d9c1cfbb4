from __future__ import annotations

from typing import Any

from sqlalchemy import Select, func, select
from sqlalchemy.dialects.postgresql import distinct_on

from auth.viewer import Viewer
from auth.visibility import (
    clubs_listed_to,
    clubs_visible_to,
    events_listed_to,
    memberships_visible_to,
    users_visible_to,
)
from dataloaders.base import many, one, pages, value
from dataloaders.filters import among
from dataloaders.pages import Key
from models import (
    Club,
    ClubMembership,
    ClubRole,
    Event,
    EventStatus,
    MembershipState,
    User,
    utcnow,
)

ACTIVE = ClubMembership.state == MembershipState.ACTIVE


def own_memberships(viewer: Viewer) -> Select[ClubMembership]:
    return select(ClubMembership).where(ClubMembership.user_id == viewer.id)


def clubs_of_members(viewer: Viewer) -> Select[Club]:
    """Staff who look at someone's clubs see all of them."""
    return (
        clubs_listed_to(viewer, hidden_too=True).join(ClubMembership, ClubMembership.club_id == Club.id).where(ACTIVE)
    )


def owners(viewer: Viewer) -> Select[User]:
    mine = ClubMembership.user_id == User.id
    return users_visible_to(viewer).join(ClubMembership, mine).where(ACTIVE, ClubMembership.role == ClubRole.OWNER)


def first_owners(viewer: Viewer) -> Select[User]:
    first = (ClubMembership.club_id, ClubMembership.joined_at, ClubMembership.id)
    return owners(viewer).ext(distinct_on(ClubMembership.club_id)).order_by(*first)


def member_counts(_viewer: Viewer) -> Any:
    return select(ClubMembership.club_id, func.count()).where(ACTIVE).group_by(ClubMembership.club_id)


def upcoming_events(viewer: Viewer) -> Select[Event]:
    """Staff who look at a club see all of its events."""
    listed = events_listed_to(viewer, hidden_too=True)
    return listed.where(Event.status == EventStatus.PUBLISHED, Event.ends_at > utcnow())


def narrowed_memberships(statement: Select[Any], _viewer: Viewer, filter: Any) -> Select[Any]:
    return statement.where(*among(ClubMembership.state, filter.states), *among(ClubMembership.role, filter.roles))


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
owners_by_club_id = many(
    User,
    key=ClubMembership.club_id,
    select=owners,
    order_by=[ClubMembership.created_at, User.id],
    limit=20,
    typical=2,
)
owner_by_club_id = one(User, key=ClubMembership.club_id, select=first_owners)
member_count = value(key=ClubMembership.club_id, select=member_counts, default=0)
events_by_club_id = pages(
    Event, key=Event.club_id, select=upcoming_events, order_by=[Event.starts_at, Event.id], typical=5
)

membership_by_id = one(ClubMembership, key=ClubMembership.id, select=memberships_visible_to)
members_by_club_id = pages(
    ClubMembership,
    key=ClubMembership.club_id,
    select=memberships_visible_to,
    order_by=[ClubMembership.created_at, ClubMembership.id],
    filter=narrowed_memberships,
    typical=20,
)
own_by_club_id = one(ClubMembership, key=ClubMembership.club_id, select=own_memberships)
own_by_user_id = pages(
    ClubMembership,
    key=ClubMembership.user_id,
    select=own_memberships,
    order_by=[Key(ClubMembership.created_at, descending=True), Key(ClubMembership.id, descending=True)],
    filter=narrowed_memberships,
    typical=5,
)
