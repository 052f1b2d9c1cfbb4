"""What members may do in a club, and who owns it."""

from __future__ import annotations

from uuid import UUID

from auth.viewer import Viewer
from database import UnitOfWork
from errors import Forbidden, InvalidStatus, UserError
from models import ClubMembership, ClubRole, MembershipState
from resolvers.clubs.clubs import RANKS, LockedClub
from resolvers.clubs.membership_states import (
    audited_state,
    keep_an_owner,
    leave_trail,
    lock_membership,
    record_change,
    refusal_unless,
)


async def change_role(uow: UnitOfWork, viewer: Viewer, *, membership_id: UUID, role: ClubRole) -> ClubMembership:
    """Owners give every role; administrators give and take roles below their own; so do staff, who may do all."""
    standing, member = await lock_membership(uow, viewer, membership_id)
    if refusal := refusal_to_change_role(standing, member, role):
        raise refusal
    if member.role is role:
        return member
    if role is not ClubRole.OWNER:
        await keep_an_owner(uow, member)
    before = audited_state(member)
    member.role = role
    leave_trail(uow, viewer, standing, member, "club.change_role", before=before)
    await uow.session.flush()
    record_change(uow, member)
    return member


def refusal_to_change_role(standing: LockedClub, member: ClubMembership, role: ClubRole) -> UserError | None:
    """Besides, an owner has to stay: `refusal_to_step_down`."""
    if not standing.has(ClubRole.ADMIN):
        return Forbidden(path=("membershipId",))
    if refusal := refusal_unless(MembershipState.ACTIVE, member):
        return refusal
    is_below = standing.rank > max(RANKS[member.role], RANKS[role])
    return None if standing.has(ClubRole.OWNER) or is_below else Forbidden(path=("role",))


async def transfer(uow: UnitOfWork, viewer: Viewer, *, membership_id: UUID) -> ClubMembership:
    """Hand one's ownership to another member, in one step: one owner goes, one comes. The old one becomes ADMIN."""
    standing, heir = await lock_membership(uow, viewer, membership_id)
    if refusal := refusal_to_transfer(standing, heir):
        raise refusal
    own = standing.own
    assert own is not None
    heir.role, own.role = ClubRole.OWNER, ClubRole.ADMIN
    await uow.session.flush()
    record_change(uow, heir)
    record_change(uow, own)
    return heir


def refusal_to_transfer(standing: LockedClub, heir: ClubMembership) -> UserError | None:
    if standing.own_rank != RANKS[ClubRole.OWNER]:
        return Forbidden(path=("membershipId",))
    if heir.state is not MembershipState.ACTIVE or heir.role is ClubRole.OWNER:
        return InvalidStatus(path=("membershipId",), status=heir.state)
    return None
