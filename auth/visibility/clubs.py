"""Clubs and their members."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    exists,
    false,
    or_,
    select,
    true,
)
from sqlalchemy.orm import aliased

from auth.permissions import Permission
from auth.viewer import Viewer
from auth.visibility.people import allows_reading, audiences_with
from models import (
    Audience,
    Club,
    ClubMembership,
    ClubRole,
    ClubVisibility,
    MembershipState,
    User,
)


def clubs_of(user_id: UUID | None) -> Select[UUID]:
    """Ids of the clubs of which someone is an active member."""
    return select(ClubMembership.club_id).where(
        ClubMembership.user_id == user_id, ClubMembership.state == MembershipState.ACTIVE
    )


def _club_is_visible(viewer: Viewer) -> ColumnElement[bool]:
    if viewer.is_staff:
        return true()
    if viewer.id is None:
        return Club.visibility != ClubVisibility.PRIVATE
    invited_or_member = select(ClubMembership.club_id).where(
        ClubMembership.user_id == viewer.id,
        ClubMembership.state.in_((MembershipState.ACTIVE, MembershipState.INVITED)),
    )
    return or_(Club.visibility != ClubVisibility.PRIVATE, Club.id.in_(invited_or_member))


def clubs_visible_to(viewer: Viewer) -> Select[Club]:
    return select(Club).where(_club_is_visible(viewer))


def clubs_listed_to(viewer: Viewer, *, hidden_too: bool = False) -> Select[Club]:
    """As `clubs_visible_to`, without the unlisted ones of others. Staff find hidden clubs if they ask for them."""
    if viewer.is_staff and hidden_too:
        return select(Club)
    listed: ColumnElement[bool] = Club.visibility == ClubVisibility.PUBLIC
    if viewer.id is not None:
        listed = or_(listed, Club.id.in_(clubs_of(viewer.id)))
    return select(Club).where(listed)


def memberships_visible_to(viewer: Viewer) -> Select[ClubMembership]:
    """Active members of clubs that are visible; requests and invitations only to the person and the club's hosts.

    Who hides their clubs is shown to fellow members alone. Those who run a club are always shown with it.
    """
    statement = select(ClubMembership)
    if viewer.is_staff:
        return statement
    person = aliased(User)
    in_the_open = exists().where(person.id == ClubMembership.user_id, allows_reading(viewer, person, "clubs"))
    active = and_(
        ClubMembership.state == MembershipState.ACTIVE,
        ClubMembership.club_id.in_(clubs_visible_to(viewer).with_only_columns(Club.id)),
        or_(
            ClubMembership.role != ClubRole.MEMBER,
            ClubMembership.club_id.in_(clubs_of(viewer.id)) if viewer.id else false(),
            in_the_open.correlate(ClubMembership),
        ),
    )
    if viewer.id is None:
        return statement.where(active)
    return statement.where(
        or_(active, ClubMembership.user_id == viewer.id, ClubMembership.club_id.in_(clubs_hosted_by(viewer.id)))
    )


def memberships_of_club(
    viewer: Viewer, club_id: Any, states: Collection[MembershipState] | None = None
) -> list[Select[ClubMembership]]:
    """Return what `memberships_visible_to` does of one club, in these states, in parts: each state, and to strangers
    those who run the club, and by audience those who do not hide.
    """
    wanted = list(dict.fromkeys(MembershipState if states is None else states))
    in_state = {state: select(ClubMembership).where(ClubMembership.state == state) for state in wanted}
    if viewer.is_staff:
        return list(in_state.values())
    own = aliased(ClubMembership)
    is_in = (own.club_id == club_id, own.user_id == viewer.id, own.state == MembershipState.ACTIVE)
    is_fellow = exists().where(*is_in).correlate_except(own)
    is_host = exists().where(*is_in, own.role != ClubRole.MEMBER).correlate_except(own)
    parts = []
    for state, members in in_state.items():
        if state is MembershipState.ACTIVE:
            parts += _active_members(viewer, club_id, members, is_fellow)
        elif viewer.id is not None:
            parts += [members.where(is_host), members.where(~is_host, ClubMembership.user_id == viewer.id)]
    return parts or [select(ClubMembership).where(false())]


def _active_members(
    viewer: Viewer, club_id: Any, active: Select[ClubMembership], is_fellow: ColumnElement[bool]
) -> list[Select[ClubMembership]]:
    is_visible = clubs_visible_to(viewer).where(Club.id == club_id).correlate_except(Club).exists()
    to_strangers = [ClubMembership.role != ClubRole.MEMBER] + [
        and_(ClubMembership.role == ClubRole.MEMBER, ClubMembership.shown_to == audience)
        for audience in (Audience if viewer.can(Permission.USER_READ_PRIVATE) else audiences_with(viewer))
    ]
    if viewer.id is None:
        return [active.where(is_visible, shown) for shown in to_strangers]
    return [active.where(is_fellow), *(active.where(~is_fellow, is_visible, shown) for shown in to_strangers)]


def clubs_hosted_by(user_id: UUID) -> Select[UUID]:
    """Ids of the clubs where someone is owner, administrator or moderator."""
    return clubs_of(user_id).where(ClubMembership.role != "MEMBER")


def clubs_ruled_by(user_id: UUID) -> Select[UUID]:
    """Ids of the clubs where someone is owner or administrator. They may change every event of the club."""
    return clubs_of(user_id).where(ClubMembership.role.in_((ClubRole.OWNER, ClubRole.ADMIN)))
