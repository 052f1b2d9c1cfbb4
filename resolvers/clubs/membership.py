"""Joining a club and leaving it, and what those who run it decide about members.

The club's row is locked first, so that no two decisions about its members cross; the unique constraint on club and
person stands behind that. The club's chat follows in the same transaction, notices come last.

Nothing that a person does leads out of the state BANNED: they neither join nor ask nor leave, until it ends by its date
or a host lifts it.
"""

from __future__ import annotations

from functools import partial
from uuid import UUID

from sqlalchemy import Select, String, case, cast, select

from auth.viewer import GUEST, Viewer
from auth.visibility.people import users_visible_to
from database import UnitOfWork
from errors import ErrorCode, Forbidden, InvalidStatus, NotFound, UserError, _, check_text
from models import ClubMembership, ClubRole, JoinPolicy, MembershipState, NotificationType, User, utcnow
from resolvers.chat import members
from resolvers.clubs.clubs import RANKS, LockedClub, lock, membership
from resolvers.clubs.membership_states import (
    AlreadyMember,
    audited_state,
    ended_topics,
    enter,
    keep_an_owner,
    leave_trail,
    lock_membership,
    news_of,
    record_change,
    refusal_unless,
)
from resolvers.core import audit
from resolvers.notifications.notification_writing import withdraw_news
from resolvers.notifications.notifications import notify_all

check_reason = partial(check_text, maximum=1000, multiline=True)

OPEN_STATES = (MembershipState.ACTIVE, MembershipState.PENDING, MembershipState.INVITED)
"""States that one can leave: membership, a request, an invitation."""


class InvitationNeeded(UserError):
    code = ErrorCode.INVITATION_NEEDED
    message = _("This club can be joined by invitation only.")


class PutOut(UserError):
    code = ErrorCode.RESTRICTED
    message = _("You were removed from this club.")


class PutOutUntil(UserError):
    code = ErrorCode.RESTRICTED
    message = _("You were removed from this club. You can come back after {opens_at}.")


class NotMember(UserError):
    code = ErrorCode.NOT_MEMBER
    message = _("Not a member of this club.")


async def join(uow: UnitOfWork, viewer: Viewer, *, club_id: UUID) -> ClubMembership:
    """Become a member, or ask to. Asking again changes nothing and tells nobody twice."""
    standing = await lock(uow, viewer, club_id)
    own, user_id = standing.own, viewer.require_user()
    if refusal := refusal_to_join(standing):
        raise refusal
    if own is not None and has_asked(standing):
        return own
    before = own.state if own is not None else None
    if (own is not None and own.state is MembershipState.INVITED) or standing.club.join_policy is JoinPolicy.OPEN:
        member = await _admit(uow, standing, user_id, own)
        await withdraw_news(uow, *ended_topics(member, before))
        return member
    asked = await enter(uow, standing, user_id, own, MembershipState.PENDING)
    type, hosts = NotificationType.CLUB_JOIN_REQUESTED, await _hosts(uow, club_id)
    told = news_of(standing, asked, type, before, recipients=hosts, actor_id=user_id, is_quiet=True)
    await notify_all(uow, [told])
    return asked


def has_asked(standing: LockedClub) -> bool:
    """Whether the viewer waits for an answer, so that asking again changes nothing."""
    is_open = standing.club.join_policy is JoinPolicy.OPEN
    return standing.own is not None and standing.own.state is MembershipState.PENDING and not is_open


def refusal_to_join(standing: LockedClub) -> UserError | None:
    own = standing.own
    if own is not None and own.state is MembershipState.ACTIVE:
        return AlreadyMember(path=("clubId",))
    if own is not None and own.is_banned_at(utcnow()):
        if own.banned_until is not None:
            return PutOutUntil(path=("clubId",), opens_at=own.banned_until)
        return PutOut(path=("clubId",))
    is_invited = own is not None and own.state is MembershipState.INVITED
    if standing.club.join_policy is JoinPolicy.INVITE_ONLY and not is_invited:
        return InvitationNeeded(path=("clubId",))
    return None


async def invite(uow: UnitOfWork, viewer: Viewer, *, club_id: UUID, user_id: UUID) -> ClubMembership:
    """Invite someone. Whoever has asked to join is a member at once."""
    standing = await lock(uow, viewer, club_id)
    standing.require(ClubRole.MODERATOR)
    person = await uow.session.scalar(users_visible_to(viewer).where(User.id == user_id).with_only_columns(User.id))
    if person is None:
        raise NotFound(path=("userId",))
    known = await membership(uow, club_id, user_id)
    if known is not None and known.state is MembershipState.ACTIVE:
        raise AlreadyMember(path=("userId",))
    if known is not None and known.state is MembershipState.INVITED:
        return known
    if known is not None and known.state is MembershipState.PENDING:
        return await _decide(uow, viewer, standing, known, is_approved=True)
    if known is not None and known.is_banned_at(utcnow()):
        # A host who does not know of the ban would lift it unawares.
        raise InvalidStatus(path=("userId",), status=known.state)
    before, state = audited_state(known), known.state if known is not None else None
    invited = await enter(uow, standing, user_id, known, MembershipState.INVITED, decided_by_id=viewer.id)
    leave_trail(uow, viewer, standing, invited, "club.invite", before=before)
    type = NotificationType.CLUB_INVITATION
    await notify_all(uow, [news_of(standing, invited, type, state, actor_id=viewer.id, is_quiet=True)])
    return invited


async def decide(uow: UnitOfWork, viewer: Viewer, *, membership_id: UUID, is_approved: bool) -> ClubMembership:
    """Answer a request to join."""
    standing, asked = await lock_membership(uow, viewer, membership_id)
    if refusal := refusal_to_decide(standing, asked):
        raise refusal
    return await _decide(uow, viewer, standing, asked, is_approved=is_approved)


def refusal_to_decide(standing: LockedClub, asked: ClubMembership) -> UserError | None:
    if not standing.has(ClubRole.MODERATOR):
        return Forbidden(path=("membershipId",))
    return refusal_unless(MembershipState.PENDING, asked)


async def _decide(
    uow: UnitOfWork, viewer: Viewer, standing: LockedClub, asked: ClubMembership, *, is_approved: bool
) -> ClubMembership:
    before = audited_state(asked)
    asked.decided_by_id = viewer.id
    if is_approved:
        await _admit(uow, standing, asked.user_id, asked)
    else:
        await enter(uow, standing, asked.user_id, asked, MembershipState.REJECTED)
    leave_trail(uow, viewer, standing, asked, "club.approve" if is_approved else "club.reject", before=before)
    type = NotificationType.CLUB_JOIN_APPROVED if is_approved else NotificationType.CLUB_JOIN_REJECTED
    await notify_all(uow, [news_of(standing, asked, type, MembershipState.PENDING, actor_id=viewer.id)])
    return asked


async def leave(uow: UnitOfWork, viewer: Viewer, *, club_id: UUID) -> ClubMembership:
    """Leave a club, take a request back, or decline an invitation."""
    standing = await lock(uow, viewer, club_id)
    own = standing.own
    if own is None or not is_open(own):
        raise NotMember(path=("clubId",))
    before = own.state
    await keep_an_owner(uow, own)
    await enter(uow, standing, own.user_id, own, MembershipState.LEFT)
    if before is MembershipState.ACTIVE:
        await members.leave_club_chat(uow, club_id, own.user_id)
    await withdraw_news(uow, *ended_topics(own, before))
    return own


def open_to(user_id: UUID) -> Select[UUID]:
    """Ids of the clubs of which someone is a member, has asked to be, or was invited."""
    return select(ClubMembership.club_id).where(
        ClubMembership.user_id == user_id, ClubMembership.state.in_(OPEN_STATES)
    )


async def leave_all(uow: UnitOfWork, user_id: UUID) -> list[str]:
    """Take someone out of all clubs, which are locked. A club without an owner passes to whoever of the highest role
    has been there longest. Answers topics of what others were told and is no longer so.
    """
    own = (
        await uow.session.scalars(
            select(ClubMembership)
            .where(ClubMembership.user_id == user_id, ClubMembership.state.in_(OPEN_STATES))
            .order_by(ClubMembership.club_id)
            .execution_options(populate_existing=True)
        )
    ).all()
    topics = []
    for member in own:
        if member.state is MembershipState.ACTIVE and member.role is ClubRole.OWNER:
            await _hand_on(uow, member)
        before, member.state, member.role = member.state, MembershipState.LEFT, ClubRole.MEMBER
        topics += ended_topics(member, before)
        record_change(uow, member)
    await uow.session.flush()
    return topics


async def _hand_on(uow: UnitOfWork, owner: ClubMembership) -> None:
    """Give a locked club that loses its owner another one, if it has none and anybody is left."""
    others = await uow.session.scalars(
        select(ClubMembership)
        .join(User, User.id == ClubMembership.user_id)
        .where(
            ClubMembership.club_id == owner.club_id,
            ClubMembership.user_id != owner.user_id,
            ClubMembership.state == MembershipState.ACTIVE,
            User.is_active,
        )
        .order_by(
            case({role.value: rank for role, rank in RANKS.items()}, value=cast(ClubMembership.role, String)).desc(),
            User.deletion_at.is_not(None),
            ClubMembership.joined_at,
            ClubMembership.id,
        )
        .limit(1)
    )
    heir = others.one_or_none()
    if heir is None or heir.role is ClubRole.OWNER:
        return
    before = audited_state(heir)
    heir.role = ClubRole.OWNER
    audit.note(
        uow, GUEST, "club.change_role", subject_type="ClubMembership", subject_id=heir.id,
        before=before, after=audited_state(heir),
    )  # fmt: skip
    await uow.session.flush()
    record_change(uow, heir)


def is_open(own: ClubMembership | None) -> bool:
    """Whether there is something to leave. Besides, an owner has to stay: `refusal_to_step_down`."""
    return own is not None and own.state in OPEN_STATES


async def _admit(uow: UnitOfWork, standing: LockedClub, user_id: UUID, known: ClubMembership | None) -> ClubMembership:
    member = await enter(uow, standing, user_id, known, MembershipState.ACTIVE)
    await members.join_club_chat(uow, standing.club.id, user_id)
    return member


async def _hosts(uow: UnitOfWork, club_id: UUID) -> list[UUID]:
    """Return the ids of members who may answer requests."""
    found = await uow.session.scalars(
        select(ClubMembership.user_id).where(
            ClubMembership.club_id == club_id,
            ClubMembership.state == MembershipState.ACTIVE,
            ClubMembership.role != ClubRole.MEMBER,
        )
    )
    return list(found)
