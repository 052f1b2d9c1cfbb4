"""People who may write to each other: they share an active club, or are both at an event."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, and_, or_, select, true

from auth.viewer import Viewer
from auth.visibility.clubs import clubs_of
from auth.visibility.events import hosted_by
from models import HOLDING, Chat, ChatMember, ClubMembership, EventHost, MembershipState, Registration, User


def may_be_written_to(user_id: UUID | None, *, needs_fellowship: bool) -> ColumnElement[bool]:
    """Return the condition that somebody may write to a `User`."""
    return and_(User.is_active, _shares_with(user_id) if needs_fellowship else true())


def others_written_to(viewer: Viewer, *, needs_fellowship: bool) -> Select[Any]:
    """Select the other members of a `Chat` to whom the viewer may write. In a DIRECT chat that is the other person,
    whether or not they are still in it.
    """
    return (
        select(ChatMember.user_id)
        .join(User, User.id == ChatMember.user_id)
        .where(ChatMember.chat_id == Chat.id, ChatMember.user_id != viewer.id)
        .where(may_be_written_to(viewer.id, needs_fellowship=needs_fellowship))
    )


def _shares_with(user_id: UUID | None) -> ColumnElement[bool]:
    in_my_clubs = select(ClubMembership.user_id).where(
        ClubMembership.user_id == User.id,
        ClubMembership.state == MembershipState.ACTIVE,
        ClubMembership.club_id.in_(clubs_of(user_id)),
    )
    at_my_events = _placed_at_event(user_id).union(hosted_by(user_id))
    comes_along = select(Registration.user_id).where(
        Registration.user_id == User.id,
        Registration.admission.in_(HOLDING),
        Registration.event_id.in_(at_my_events),
    )
    hosts = select(EventHost.user_id).where(EventHost.user_id == User.id, EventHost.event_id.in_(at_my_events))
    return or_(in_my_clubs.exists(), comes_along.exists(), hosts.exists())


def _placed_at_event(user_id: UUID | None) -> Select[UUID]:
    return select(Registration.event_id).where(Registration.user_id == user_id, Registration.admission.in_(HOLDING))
