"""Joining a club and leaving it, and what those who run it decide about members.

The club's row is locked first, so that no two decisions about its members cross; the unique constraint on club and
person stands behind that. The club's chat follows in the same transaction, notices come last.

Nothing that a person does leads out of the state BANNED: they neither join nor ask nor leave, until it ends by its date
or a host lifts it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, ClassVar, Protocol
from uuid import UUID

from sqlalchemy import Select, String, case, cast, func, select

from auth.viewer import GUEST, Viewer
from auth.visibility.clubs import memberships_visible_to
from auth.visibility.people import users_visible_to
from database import UnitOfWork, on_conflict
from dataloaders.clubs.viewer_can import owner_counts
from errors import ErrorCode, Forbidden, InvalidStatus, NotFound, UserError, _, check_text, refuse
from models import (
    ClubMembership,
    ClubRole,
    DomainEvent,
    JoinPolicy,
    MembershipState,
    NotificationType,
    User,
    utcnow,
)
from resolvers.booking import locks
from resolvers.booking.putting_out import end_places
from resolvers.chat import members
from resolvers.clubs.clubs import RANKS, LockedClub, lock, membership
from resolvers.core import audit
from resolvers.core.moments import check_moment, in_utc
from resolvers.notifications.notifications import Notice, notify_all, topic_of, withdraw_news

check_reason = partial(check_text, maximum=1000, multiline=True)

OPEN_STATES = (MembershipState.ACTIVE, MembershipState.PENDING, MembershipState.INVITED)
"""States that one can leave: membership, a request, an invitation."""


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


class AlreadyMember(UserError):
    code = ErrorCode.ALREADY_MEMBER
    message = _("Already a member of this club.")


class InvitationNeeded(UserError):
    code = ErrorCode.INVITATION_NEEDED
    message = _("This club can be joined by invitation only.")


class PutOut(UserError):
    code = ErrorCode.RESTRICTED
    message = _("You were removed from this club.")


class PutOutUntil(UserError):
    code = ErrorCode.RESTRICTED
    message = _("You were removed from this club. You can come back after {opens_at}.")


class BanEndsInPast(UserError):
    code = ErrorCode.INVALID
    message = _("The end of a ban must be in the future.")


class LastOwner(UserError):
    code = ErrorCode.LAST_OWNER
    message = _("A club must have at least one owner. Make someone else an owner first.")


class NotMember(UserError):
    code = ErrorCode.NOT_MEMBER
    message = _("Not a member of this club.")


@dataclass(frozen=True, kw_only=True)
class MembershipChanged(DomainEvent):
    name: ClassVar[str] = "club.membership.changed"
    subject_type: ClassVar[str] = "ClubMembership"
    club_id: UUID
    user_id: UUID
    state: str
    role: str


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
        await withdraw_news(uow, *_ended(member, before))
        return member
    asked = await _enter(uow, standing, user_id, own, MembershipState.PENDING)
    news = NotificationType.CLUB_JOIN_REQUESTED
    told = Notice(
        recipients=await _hosts(uow, club_id),
        type=news,
        subject=standing.club,
        actor_id=user_id,
        topic=topic_of(news, club_id, user_id),
        is_quiet=True,
        ends=_ended(asked, before),
    )
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
    before, state = _state_of(known), known.state if known is not None else None
    invited = await _enter(uow, standing, user_id, known, MembershipState.INVITED, decided_by_id=viewer.id)
    _leave_trail(uow, viewer, standing, invited, "club.invite", before=before)
    news = NotificationType.CLUB_INVITATION
    told = Notice(
        recipients=[user_id],
        type=news,
        subject=standing.club,
        actor_id=viewer.id,
        topic=topic_of(news, club_id, user_id),
        is_quiet=True,
        ends=_ended(invited, state),
    )
    await notify_all(uow, [told])
    return invited


async def decide(uow: UnitOfWork, viewer: Viewer, *, membership_id: UUID, is_approved: bool) -> ClubMembership:
    """Answer a request to join."""
    standing, asked = await _found(uow, viewer, membership_id)
    if refusal := refusal_to_decide(standing, asked):
        raise refusal
    return await _decide(uow, viewer, standing, asked, is_approved=is_approved)


def refusal_to_decide(standing: LockedClub, asked: ClubMembership) -> UserError | None:
    if not standing.has(ClubRole.MODERATOR):
        return Forbidden(path=("membershipId",))
    return _unless(MembershipState.PENDING, asked)


async def _decide(
    uow: UnitOfWork, viewer: Viewer, standing: LockedClub, asked: ClubMembership, *, is_approved: bool
) -> ClubMembership:
    before = _state_of(asked)
    asked.decided_by_id = viewer.id
    if is_approved:
        await _admit(uow, standing, asked.user_id, asked)
    else:
        await _enter(uow, standing, asked.user_id, asked, MembershipState.REJECTED)
    _leave_trail(uow, viewer, standing, asked, "club.approve" if is_approved else "club.reject", before=before)
    type_ = NotificationType.CLUB_JOIN_APPROVED if is_approved else NotificationType.CLUB_JOIN_REJECTED
    told = Notice(
        recipients=[asked.user_id],
        type=type_,
        subject=standing.club,
        actor_id=viewer.id,
        topic=topic_of(type_, asked.club_id, asked.user_id),
        ends=_ended(asked, MembershipState.PENDING),
    )
    await notify_all(uow, [told])
    return asked


async def remove(
    uow: UnitOfWork, viewer: Viewer, *, membership_id: UUID, reason: str | None = None, until: datetime | None = None
) -> ClubMembership:
    """Put someone out, be they a member, waiting, or gone of their own will; or take an invitation back.

    Who is put out loses all places at the club's events that are not over and all roles at its events, and leaves its
    chats. Of who is put out already, the reason and the end change.
    """
    standing, member = await _found(uow, viewer, membership_id)
    if refusal := refusal_to_remove(standing, member, actor_id=viewer.require_user()):
        raise refusal
    ban = _checked_ban(reason, until)
    await _keep_an_owner(uow, member)
    # Taken before the membership changes: whoever takes a place at one of them asks for the membership under its lock.
    # Who gives a role shares the lock of the club.
    event_ids = await locks.lock_events_of_club(uow, standing.club.id, user_id=member.user_id)
    before, state, user_id = _state_of(member), member.state, member.user_id
    if state is MembershipState.INVITED:
        await _enter(uow, standing, user_id, member, MembershipState.LEFT, decided_by_id=viewer.id)
        _leave_trail(uow, viewer, standing, member, "club.remove", before=before)
        await withdraw_news(uow, *_ended(member, state))
        return member
    await _enter(uow, standing, user_id, member, MembershipState.BANNED, decided_by_id=viewer.id, ban=ban)
    _leave_trail(uow, viewer, standing, member, "club.remove", before=before)
    actor_id = viewer.require_user()
    ended = await end_places(uow, [member.user_id], event_ids, actor_id=actor_id, reason=ban.reason)
    by_staff = standing.acts_as_staff
    ended_too = [await also(uow, viewer, user_id, standing.club.id, by_staff=by_staff) for also in ENDED_BY_REMOVAL]
    await members.leave_chats_of_club(uow, standing.club.id, member.user_id)
    told = Notice(
        recipients=[member.user_id],
        type=NotificationType.CLUB_MEMBER_REMOVED,
        subject=standing.club,
        actor_id=actor_id,
        params={"reason": ban.reason},
        topic=topic_of(NotificationType.CLUB_MEMBER_REMOVED, member.club_id, user_id),
        ends=_ended(member, state),
    )
    places = [one.notice(actor_id=actor_id, reason=ban.reason) for one in ended]
    notices = [notice for one in ended_too for notice in one.notices]
    await notify_all(uow, [told, *places, *notices], ends=[topic for one in ended_too for topic in one.topics])
    return member


def refusal_to_remove(standing: LockedClub, member: ClubMembership, *, actor_id: UUID) -> UserError | None:
    """Besides, an owner has to stay: `refusal_to_step_down`."""
    is_below = standing.has(ClubRole.MODERATOR) and standing.rank > RANKS[member.role]
    return None if is_below and member.user_id != actor_id else Forbidden(path=("membershipId",))


@dataclass(frozen=True)
class Ban:
    """Why someone is put out, and until when; null means until a host lifts it."""

    reason: str | None = None
    until: datetime | None = None


def check_until(problems: list[UserError], until: datetime, *path: str) -> None:
    """A ban ends in the future."""
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
    standing, member = await _found(uow, viewer, membership_id)
    if refusal := refusal_to_lift(standing, member):
        raise refusal
    before = _state_of(member)
    await _enter(uow, standing, member.user_id, member, MembershipState.LEFT, decided_by_id=viewer.id)
    _leave_trail(uow, viewer, standing, member, "club.lift_ban", before=before)
    news = NotificationType.CLUB_BAN_LIFTED
    told = Notice(
        recipients=[member.user_id],
        type=news,
        subject=standing.club,
        actor_id=viewer.id,
        topic=topic_of(news, member.club_id, member.user_id),
        ends=_ended(member, MembershipState.BANNED),
    )
    await notify_all(uow, [told])
    return member


def refusal_to_lift(standing: LockedClub, member: ClubMembership) -> UserError | None:
    if not standing.has(ClubRole.MODERATOR):
        return Forbidden(path=("membershipId",))
    return _unless(MembershipState.BANNED, member)


def _unless(state: MembershipState, member: ClubMembership) -> UserError | None:
    return None if member.state is state else InvalidStatus(path=("membershipId",), status=member.state)


async def change_role(uow: UnitOfWork, viewer: Viewer, *, membership_id: UUID, role: ClubRole) -> ClubMembership:
    """Owners give every role; administrators give and take roles below their own; so do staff, who may do all."""
    standing, member = await _found(uow, viewer, membership_id)
    if refusal := refusal_to_change_role(standing, member, role):
        raise refusal
    if member.role is role:
        return member
    if role is not ClubRole.OWNER:
        await _keep_an_owner(uow, member)
    before = _state_of(member)
    member.role = role
    _leave_trail(uow, viewer, standing, member, "club.change_role", before=before)
    await uow.session.flush()
    _record(uow, member)
    return member


def refusal_to_change_role(standing: LockedClub, member: ClubMembership, role: ClubRole) -> UserError | None:
    """Besides, an owner has to stay: `refusal_to_step_down`."""
    if not standing.has(ClubRole.ADMIN):
        return Forbidden(path=("membershipId",))
    if refusal := _unless(MembershipState.ACTIVE, member):
        return refusal
    is_below = standing.rank > max(RANKS[member.role], RANKS[role])
    return None if standing.has(ClubRole.OWNER) or is_below else Forbidden(path=("role",))


async def transfer(uow: UnitOfWork, viewer: Viewer, *, membership_id: UUID) -> ClubMembership:
    """Hand one's ownership to another member, in one step: one owner goes, one comes. The old one becomes ADMIN."""
    standing, heir = await _found(uow, viewer, membership_id)
    if refusal := refusal_to_transfer(standing, heir):
        raise refusal
    own = standing.own
    assert own is not None
    heir.role, own.role = ClubRole.OWNER, ClubRole.ADMIN
    await uow.session.flush()
    _record(uow, heir)
    _record(uow, own)
    return heir


def refusal_to_transfer(standing: LockedClub, heir: ClubMembership) -> UserError | None:
    if standing.own_rank != RANKS[ClubRole.OWNER]:
        return Forbidden(path=("membershipId",))
    if heir.state is not MembershipState.ACTIVE or heir.role is ClubRole.OWNER:
        return InvalidStatus(path=("membershipId",), status=heir.state)
    return None


async def leave(uow: UnitOfWork, viewer: Viewer, *, club_id: UUID) -> ClubMembership:
    """Leave a club, take a request back, or decline an invitation."""
    standing = await lock(uow, viewer, club_id)
    own = standing.own
    if own is None or not is_open(own):
        raise NotMember(path=("clubId",))
    before = own.state
    await _keep_an_owner(uow, own)
    await _enter(uow, standing, own.user_id, own, MembershipState.LEFT)
    if before is MembershipState.ACTIVE:
        await members.leave_club_chat(uow, club_id, own.user_id)
    await withdraw_news(uow, *_ended(own, before))
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
        topics += _ended(member, before)
        _record(uow, member)
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
    before = _state_of(heir)
    heir.role = ClubRole.OWNER
    audit.note(
        uow, GUEST, "club.change_role", subject_type="ClubMembership", subject_id=heir.id,
        before=before, after=_state_of(heir),
    )  # fmt: skip
    await uow.session.flush()
    _record(uow, heir)


def is_open(own: ClubMembership | None) -> bool:
    """Whether there is something to leave. Besides, an owner has to stay: `refusal_to_step_down`."""
    return own is not None and own.state in OPEN_STATES


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


def _ended(member: ClubMembership, before: MembershipState | None) -> list[str]:
    """Topics of what people were told of a membership and is no longer so, by the state that it had before."""
    if member.state is before:
        return []
    left = ENDED_BY_LEAVING.get(before) if before else None
    news = [one for one in (left, ENDED_BY_ENTERING.get(member.state)) if one]
    return [topic_of(one, member.club_id, member.user_id) for one in news]


async def _found(uow: UnitOfWork, viewer: Viewer, membership_id: UUID) -> tuple[LockedClub, ClubMembership]:
    """A membership that the viewer may see, with its club locked. Raises `NotFound`."""
    visible = memberships_visible_to(viewer).where(ClubMembership.id == membership_id)
    club_id = await uow.session.scalar(visible.with_only_columns(ClubMembership.club_id))
    if club_id is None:
        raise NotFound(path=("membershipId",))
    try:
        standing = await lock(uow, viewer, club_id)
    except NotFound:
        raise NotFound(path=("membershipId",)) from None
    return standing, await uow.session.get_one(ClubMembership, membership_id, populate_existing=True)


async def _keep_an_owner(uow: UnitOfWork, member: ClubMembership) -> None:
    """Raises `LastOwner` where the club, which is locked, would be left without one."""
    counted = owner_counts(GUEST).where(ClubMembership.club_id == member.club_id)
    owners = await uow.session.scalar(counted.with_only_columns(func.count()))
    if refusal := refusal_to_step_down(member, owners=owners or 0):
        raise refusal


def refusal_to_step_down(member: ClubMembership, *, owners: int) -> UserError | None:
    """Of someone who leaves, is put out or gets another role, in a club with so many owners."""
    is_owner = member.role is ClubRole.OWNER and member.state is MembershipState.ACTIVE
    return LastOwner() if is_owner and owners == 1 else None


async def _admit(uow: UnitOfWork, standing: LockedClub, user_id: UUID, known: ClubMembership | None) -> ClubMembership:
    member = await _enter(uow, standing, user_id, known, MembershipState.ACTIVE)
    await members.join_club_chat(uow, standing.club.id, user_id)
    return member


async def _enter(
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
    _record(uow, member)
    return member


def _record(uow: UnitOfWork, member: ClubMembership) -> None:
    uow.record(
        MembershipChanged(
            subject_id=member.id,
            club_id=member.club_id,
            user_id=member.user_id,
            state=member.state.value,
            role=member.role.value,
        )
    )


def _leave_trail(
    uow: UnitOfWork,
    viewer: Viewer,
    standing: LockedClub,
    member: ClubMembership,
    action: str,
    *,
    before: Mapping[str, Any],
) -> None:
    """What staff do in a club that is not their own is audited: as mere members they act by their platform role too."""
    if standing.acts_as_staff:
        audit.note(
            uow, viewer, action, subject_type="ClubMembership", subject_id=member.id,
            before=before, after=_state_of(member),
        )  # fmt: skip


def _state_of(member: ClubMembership | None) -> dict[str, Any]:
    """What the trail tells of a membership."""
    return audit.snapshot(member, "state", "role", "ban_reason", "banned_until") if member is not None else {}


async def _hosts(uow: UnitOfWork, club_id: UUID) -> list[UUID]:
    """Those who may answer requests."""
    found = await uow.session.scalars(
        select(ClubMembership.user_id).where(
            ClubMembership.club_id == club_id,
            ClubMembership.state == MembershipState.ACTIVE,
            ClubMembership.role != ClubRole.MEMBER,
        )
    )
    return list(found)
