"""What must hold of clubs and whom they keep out."""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import Select, String, and_, func, or_, select

from models import (
    TAKING_PART,
    Club,
    ClubMembership,
    ClubWords,
    Event,
    EventHost,
    MembershipState,
    Registration,
    User,
    is_over,
)
from resolvers.core.invariants import declare, found, words


def _banned_with_place() -> Select[UUID, str]:
    still = or_(ClubMembership.banned_until.is_(None), ClubMembership.banned_until > func.now())
    return (
        select(Registration.id, func.concat("its person was put out of the club ", Event.club_id))
        .join(Event, Event.id == Registration.event_id)
        .join(
            ClubMembership,
            and_(ClubMembership.club_id == Event.club_id, ClubMembership.user_id == Registration.user_id),
        )
        .where(Registration.admission.in_(TAKING_PART), ~is_over(Event.ends_at, func.now()))
        .where(ClubMembership.state == MembershipState.BANNED, still)
    )


def _banned_with_role() -> Select[UUID, str]:
    still = or_(ClubMembership.banned_until.is_(None), ClubMembership.banned_until > func.now())
    return (
        select(EventHost.event_id, func.concat("is hosted by one who was put out of its club: ", EventHost.user_id))
        .join(Event, Event.id == EventHost.event_id)
        .join(
            ClubMembership,
            and_(ClubMembership.club_id == Event.club_id, ClubMembership.user_id == EventHost.user_id),
        )
        .where(ClubMembership.state == MembershipState.BANNED, still)
    )


def _miscounted() -> Select[UUID, str]:
    members = func.count(ClubMembership.id)
    is_member = and_(ClubMembership.club_id == Club.id, ClubMembership.state == MembershipState.ACTIVE)
    return (
        select(Club.id, found(member_count=Club.member_count, members=members))
        .outerjoin(ClubMembership, is_member)
        .group_by(Club.id)
        .having(Club.member_count != members)
    )


def _shown_otherwise() -> Select[UUID, str]:
    """Select members who are shown to others than they have chosen."""
    audience = func.audience_of(User.privacy, "clubs")
    return (
        select(ClubMembership.id, found(shown_to=ClubMembership.shown_to, audience=audience))
        .join(User, User.id == ClubMembership.user_id)
        .where(ClubMembership.state == MembershipState.ACTIVE)
        .where(ClubMembership.shown_to.cast(String).is_distinct_from(audience))
    )


declare(
    {
        "club.member_count is the number of members": _miscounted(),
        "membership is shown as the person chose": _shown_otherwise(),
        "who was put out of a club has no place": _banned_with_place(),
        "who was put out of a club has no role": _banned_with_role(),
        "club is found by its words": words(Club, ClubWords, ClubWords.club_id, "words"),
    }
)
