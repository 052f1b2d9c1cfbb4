"""Putting members out of a club, and letting them come back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID

from auth.viewer import Viewer
from database import UnitOfWork
from errors import ErrorCode, Forbidden, UserError, _, refuse
from models import ClubMembership, ClubRole, MembershipState, NotificationType, utcnow
from resolvers.booking import locks
from resolvers.booking.putting_out import end_places
from resolvers.chat import members
from resolvers.clubs.clubs import RANKS, LockedClub
from resolvers.clubs.membership import check_reason
from resolvers.clubs.membership_states import (
    Ban,
    audited_state,
    ended_topics,
    enter,
    keep_an_owner,
    leave_trail,
    lock_membership,
    news_of,
    refusal_unless,
)
from resolvers.core.moments import check_moment, in_utc
from resolvers.notifications.notification_writing import withdraw_news
from resolvers.notifications.notifications import Notice, notify_all


@dataclass(frozen=True)
class EndedByRemoval:
    """Notices to send, and topics of earlier notices that no longer hold."""

    notices: Sequence[Notice] = ()
    topics: Sequence[str] = ()


class EndsWithRemoval(Protocol):
    """Ends what someone has elsewhere by their membership, in the transaction that puts them out of the locked club."""

    async def __call__(
        self, uow: UnitOfWork, viewer: Viewer, user_id: UUID, club_id: UUID, *, by_staff: bool
    ) -> EndedByRemoval: ...


ENDED_BY_REMOVAL: list[EndsWithRemoval] = []
"""Filled by areas that this one may not import (`tests/test_layout.py`): events end the roles at the club's events."""


class BanEndsInPast(UserError):
    code = ErrorCode.INVALID
    message = _("The end of a ban must be in the future.")


async def remove(
    uow: UnitOfWork, viewer: Viewer, *, membership_id: UUID, reason: str | None = None, until: datetime | None = None
) -> ClubMembership:
    """Put someone out, be they a member, waiting, or gone of their own will; or take an invitation back.

    Who is put out loses all places at the club's events that are not over and all roles at its events, and leaves its
    chats. Of who is put out already, the reason and the end change.
    """
    standing, member = await lock_membership(uow, viewer, membership_id)
    if refusal := refusal_to_remove(standing, member, actor_id=viewer.require_user()):
        raise refusal
    ban = _checked_ban(reason, until)
    await keep_an_owner(uow, member)
    # Taken before the membership changes: whoever takes a place at one of them asks for the membership under its lock.
    # Who gives a role shares the lock of the club.
    event_ids = await locks.lock_events_of_club(uow, standing.club.id, user_id=member.user_id)
    before, state, user_id = audited_state(member), member.state, member.user_id
    if state is MembershipState.INVITED:
        await enter(uow, standing, user_id, member, MembershipState.LEFT, decided_by_id=viewer.id)
        leave_trail(uow, viewer, standing, member, "club.remove", before=before)
        await withdraw_news(uow, *ended_topics(member, state))
        return member
    await enter(uow, standing, user_id, member, MembershipState.BANNED, decided_by_id=viewer.id, ban=ban)
    leave_trail(uow, viewer, standing, member, "club.remove", before=before)
    actor_id = viewer.require_user()
    ended = await end_places(uow, [member.user_id], event_ids, actor_id=actor_id, reason=ban.reason)
    by_staff = standing.acts_as_staff
    ended_too = [await also(uow, viewer, user_id, standing.club.id, by_staff=by_staff) for also in ENDED_BY_REMOVAL]
    await members.leave_chats_of_club(uow, standing.club.id, member.user_id)
    type, params = NotificationType.CLUB_MEMBER_REMOVED, {"reason": ban.reason}
    told = news_of(standing, member, type, state, actor_id=actor_id, params=params)
    places = [one.notice(actor_id=actor_id, reason=ban.reason) for one in ended]
    notices = [notice for one in ended_too for notice in one.notices]
    await notify_all(uow, [told, *places, *notices], ends=[topic for one in ended_too for topic in one.topics])
    return member


def refusal_to_remove(standing: LockedClub, member: ClubMembership, *, actor_id: UUID) -> UserError | None:
    """Besides, an owner has to stay: `refusal_to_step_down`."""
    is_below = standing.has(ClubRole.MODERATOR) and standing.rank > RANKS[member.role]
    return None if is_below and member.user_id != actor_id else Forbidden(path=("membershipId",))


def check_until(problems: list[UserError], until: datetime, *path: str) -> None:
    """Check that a ban ends in the future."""
    if check_moment(problems, until, *path) and until <= utcnow():
        problems.append(BanEndsInPast(path=path))


def _checked_ban(reason: str | None, until: datetime | None) -> Ban:
    problems: list[UserError] = []
    reason = check_reason(problems, reason, "reason")
    if until is not None:
        check_until(problems, until, "until")
    refuse(problems)
    return Ban(reason, until and in_utc(until))


async def lift_ban(uow: UnitOfWork, viewer: Viewer, *, membership_id: UUID) -> ClubMembership:
    """Let someone who was put out come back as anyone may. They are told."""
    standing, member = await lock_membership(uow, viewer, membership_id)
    if refusal := refusal_to_lift(standing, member):
        raise refusal
    before = audited_state(member)
    await enter(uow, standing, member.user_id, member, MembershipState.LEFT, decided_by_id=viewer.id)
    leave_trail(uow, viewer, standing, member, "club.lift_ban", before=before)
    type = NotificationType.CLUB_BAN_LIFTED
    await notify_all(uow, [news_of(standing, member, type, MembershipState.BANNED, actor_id=viewer.id)])
    return member


def refusal_to_lift(standing: LockedClub, member: ClubMembership) -> UserError | None:
    if not standing.has(ClubRole.MODERATOR):
        return Forbidden(path=("membershipId",))
    return refusal_unless(MembershipState.BANNED, member)
