from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select
from sqlalchemy.dialects.postgresql import distinct_on

from auth.viewer import Viewer
from auth.visibility.clubs import memberships_of_club, memberships_visible_to
from auth.visibility.people import users_visible_to
from dataloaders.core.declarations import many, one, pages, value
from dataloaders.core.filter_conditions import among
from dataloaders.core.keyset_pages import Key
from models import (
    Club,
    ClubMembership,
    ClubRole,
    MembershipState,
    User,
)

ACTIVE = ClubMembership.state == MembershipState.ACTIVE


def own_memberships(viewer: Viewer) -> Select[ClubMembership]:
    return select(ClubMembership).where(ClubMembership.user_id == viewer.id)


def owners(viewer: Viewer) -> Select[User]:
    mine = ClubMembership.user_id == User.id
    return users_visible_to(viewer).join(ClubMembership, mine).where(ACTIVE, ClubMembership.role == ClubRole.OWNER)


def first_owners(viewer: Viewer) -> Select[User]:
    first = (ClubMembership.club_id, ClubMembership.joined_at, ClubMembership.id)
    return owners(viewer).ext(distinct_on(ClubMembership.club_id)).order_by(*first)


def member_counts(_viewer: Viewer) -> Any:
    return select(Club.id, Club.member_count)


def narrowed_memberships(statement: Select[Any], _viewer: Viewer, filter: Any) -> Select[Any]:
    return statement.where(*among(ClubMembership.state, filter.states), *among(ClubMembership.role, filter.roles))


def members_in_parts(viewer: Viewer, club_id: Any, filter: Any) -> list[Select[ClubMembership]]:
    parts = memberships_of_club(viewer, club_id, filter.states)
    return [part.where(*among(ClubMembership.role, filter.roles)) for part in parts]


owners_by_club_id = many(
    User,
    key=ClubMembership.club_id,
    select=owners,
    order_by=[ClubMembership.created_at, User.id],
    limit=20,
    typical=2,
)
owner_by_club_id = one(User, key=ClubMembership.club_id, select=first_owners)
member_count = value(key=Club.id, select=member_counts, default=0)
membership_by_id = one(ClubMembership, key=ClubMembership.id, select=memberships_visible_to)
members_by_club_id = pages(
    ClubMembership,
    key=ClubMembership.club_id,
    select=memberships_visible_to,
    parts=members_in_parts,
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
