"""Writing the state of a membership under the club's lock, with its domain event, audit entry and news it ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar
from uuid import UUID

from sqlalchemy import func

from auth.viewer import GUEST, Viewer
from auth.visibility.clubs import memberships_visible_to
from database import UnitOfWork, on_conflict
from dataloaders.clubs.viewer_can import owner_counts
from errors import ErrorCode, InvalidStatus, NotFound, UserError, _
from models import ClubMembership, ClubRole, DomainEvent, MembershipState, NotificationType, utcnow
from resolvers.clubs.clubs import LockedClub, lock
from resolvers.core import audit
from resolvers.notifications.notifications import Notice, topic_of


class AlreadyMember(UserError):
    code = ErrorCode.ALREADY_MEMBER
    message = _("Already a member of this club.")


class LastOwner(UserError):
    code = ErrorCode.LAST_OWNER
    message = _("A club must have at least one owner. Make someone else an owner first.")


@dataclass(frozen=True, kw_only=True)
class MembershipChanged(DomainEvent):
    name: ClassVar[str] = "club.membership.changed"
    subject_type: ClassVar[str] = "ClubMembership"
    club_id: UUID
    user_id: UUID
    state: str
    role: str


@dataclass(frozen=True)
class Ban:
    """Why someone is put out, and until when; null means until a host lifts it."""

    reason: str | None = None
    until: datetime | None = None


def refusal_unless(state: MembershipState, member: ClubMembership) -> UserError | None:
    return None if member.state is state else InvalidStatus(path=("membershipId",), status=member.state)


ENDED_BY_LEAVING = {
    MembershipState.PENDING: NotificationType.CLUB_JOIN_REQUESTED,
    MembershipState.INVITED: NotificationType.CLUB_INVITATION,
    MembershipState.ACTIVE: NotificationType.CLUB_JOIN_APPROVED,
    MembershipState.BANNED: NotificationType.CLUB_MEMBER_REMOVED,
}


ENDED_BY_ENTERING = {
    MembershipState.ACTIVE: NotificationType.CLUB_JOIN_REJECTED,
    MembershipState.BANNED: NotificationType.CLUB_BAN_LIFTED,
}


def ended_topics(member: ClubMembership, before: MembershipState | None) -> list[str]:
    """Topics of what people were told of a membership and is no longer so, by the state that it had before."""
    if member.state is before:
        return []
    left = ENDED_BY_LEAVING.get(before) if before else None
    news = [one for one in (left, ENDED_BY_ENTERING.get(member.state)) if one]
    return [topic_of(one, member.club_id, member.user_id) for one in news]


def news_of(
    standing: LockedClub,
    member: ClubMembership,
    type: NotificationType,
    former: MembershipState | None,
    **more: Any,
) -> Notice:
    """Make the news of a membership, which ends what its `former` state was told. For its person, unless `more`, as of
    `Notice`, names others.
    """
    return Notice(
        type=type,
        subject=standing.club,
        topic=topic_of(type, member.club_id, member.user_id),
        ends=ended_topics(member, former),
        **{"recipients": [member.user_id], **more},
    )


async def lock_membership(uow: UnitOfWork, viewer: Viewer, membership_id: UUID) -> tuple[LockedClub, ClubMembership]:
    """Return a membership that the viewer may see, with its club locked. Raises `NotFound`."""
    visible = memberships_visible_to(viewer).where(ClubMembership.id == membership_id)
    club_id = await uow.session.scalar(visible.with_only_columns(ClubMembership.club_id))
    if club_id is None:
        raise NotFound(path=("membershipId",))
    try:
        standing = await lock(uow, viewer, club_id)
    except NotFound:
        raise NotFound(path=("membershipId",)) from None
    return standing, await uow.session.get_one(ClubMembership, membership_id, populate_existing=True)


async def keep_an_owner(uow: UnitOfWork, member: ClubMembership) -> None:
    """Check that an owner stays. Raises `LastOwner` where the club, which is locked, would be left without one."""
    counted = owner_counts(GUEST).where(ClubMembership.club_id == member.club_id)
    owners = await uow.session.scalar(counted.with_only_columns(func.count()))
    if refusal := refusal_to_step_down(member, owners=owners or 0):
        raise refusal


def refusal_to_step_down(member: ClubMembership, *, owners: int) -> UserError | None:
    """Return why somebody cannot leave, be removed or get another role in a club with so many owners."""
    is_owner = member.role is ClubRole.OWNER and member.state is MembershipState.ACTIVE
    return LastOwner() if is_owner and owners == 1 else None


async def enter(
    uow: UnitOfWork,
    standing: LockedClub,
    user_id: UUID,
    known: ClubMembership | None,
    state: MembershipState,
    *,
    decided_by_id: UUID | None = None,
    ban: Ban | None = None,
) -> ClubMembership:
    """Write a state, on the row of someone known here or on a new one. Every change of state begins as MEMBER."""
    member = known or ClubMembership(club_id=standing.club.id, user_id=user_id)
    member.state, member.role = state, ClubRole.MEMBER
    member.ban_reason, member.banned_until = (ban.reason, ban.until) if ban else (None, None)
    member.decided_by_id = decided_by_id or member.decided_by_id
    if state is MembershipState.ACTIVE:
        member.joined_at = utcnow()
    async with on_conflict(uow.session, uq_club_memberships_club_id_user_id=AlreadyMember(path=("clubId",))):
        uow.session.add(member)
    record_change(uow, member)
    return member


def record_change(uow: UnitOfWork, member: ClubMembership) -> None:
    uow.record(
        MembershipChanged(
            subject_id=member.id,
            club_id=member.club_id,
            user_id=member.user_id,
            state=member.state.value,
            role=member.role.value,
        )
    )


def leave_trail(
    uow: UnitOfWork,
    viewer: Viewer,
    standing: LockedClub,
    member: ClubMembership,
    action: str,
    *,
    before: Mapping[str, Any],
) -> None:
    """Note what staff do in a club that is not their own: as mere members they act by their platform role too."""
    if standing.acts_as_staff:
        audit.note(
            uow, viewer, action, subject_type="ClubMembership", subject_id=member.id,
            before=before, after=audited_state(member),
        )  # fmt: skip


def audited_state(member: ClubMembership | None) -> dict[str, Any]:
    """Return what the trail tells of a membership."""
    return audit.snapshot(member, "state", "role", "ban_reason", "banned_until") if member is not None else {}
