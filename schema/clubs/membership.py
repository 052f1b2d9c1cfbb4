from __future__ import annotations

from datetime import datetime
from uuid import UUID

import strawberry

import models
from auth.permissions import Permission
from errors import Forbidden, InvalidId, InvalidStatus, NotFound, OutsideKnownTime, TooLong
from resolvers.clubs import membership as rules
from resolvers.core.moments import TimeNeedsOffset
from schema.clubs.clubs import ClubMembership
from schema.core import ids
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.quotas import INVITATIONS, JOINS
from schema.core.roots import MutationInput, Payload, mutation

HOSTS = "Those who run the club, and moderators of the platform, whose doing is audited."


@strawberry.input(description="A club to join.")
class JoinClubInput(MutationInput):
    club_id: strawberry.ID = strawberry.field(description="The club.")


@strawberry.input(description="A club to leave.")
class LeaveClubInput(MutationInput):
    club_id: strawberry.ID = strawberry.field(description="The club.")


@strawberry.input(description="Whom to invite, and where.")
class InviteToClubInput(MutationInput):
    club_id: strawberry.ID = strawberry.field(description="The club.")
    user_id: strawberry.ID = strawberry.field(description="The person.")


@strawberry.input(description="A request to approve.")
class ApproveClubMemberInput(MutationInput):
    membership_id: strawberry.ID = strawberry.field(description="A membership in the state PENDING.")


@strawberry.input(description="A request to refuse.")
class RejectClubMemberInput(MutationInput):
    membership_id: strawberry.ID = strawberry.field(description="A membership in the state PENDING.")


@strawberry.input(description="Someone to put out, or an invitation to take back.")
class RemoveClubMemberInput(MutationInput):
    membership_id: strawberry.ID = strawberry.field(
        description="A membership in any state. INVITED becomes LEFT, every other one BANNED."
    )
    reason: str | None = strawberry.field(
        default=None, description="For the person, at most 1000 characters.", metadata=checked(rules.check_reason)
    )
    until: datetime | None = strawberry.field(
        default=None,
        description="When the ban ends by itself; null means when a host lifts it.",
        metadata=checked(each=rules.check_until),
    )


@strawberry.input(description="Someone who may come back.")
class LiftClubBanInput(MutationInput):
    membership_id: strawberry.ID = strawberry.field(description="A membership in the state BANNED.")


@strawberry.input(description="A member and their new role.")
class ChangeClubMemberRoleInput(MutationInput):
    membership_id: strawberry.ID = strawberry.field(description="A membership in the state ACTIVE.")
    role: models.ClubRole = strawberry.field(description="The role from now on.")


@strawberry.input(description="The member who becomes the owner in one's place.")
class TransferClubOwnershipInput(MutationInput):
    membership_id: strawberry.ID = strawberry.field(description="An active membership of someone who is no owner.")


@strawberry.type(description="What a change of a membership answers.")
class ClubMembershipPayload(Payload):
    membership: models.ClubMembership | None = strawberry.field(
        default=None, graphql_type=ClubMembership | None, description="The membership as it is now."
    )


def _membership(id: strawberry.ID) -> UUID:
    return ids.decode(id, "ClubMembership")


@strawberry.type
class ClubMembershipMutations:
    @mutation(
        description="Join a club. OPEN: one is a member at once. APPROVAL: one asks, and those who run the club are "
        "told. INVITE_ONLY: one needs an invitation, which this accepts. Whoever was put out is RESTRICTED.",
        access=Permission.CLUB_JOIN,
        raises=[
            InvalidId,
            NotFound,
            rules.AlreadyMember,
            rules.InvitationNeeded,
            rules.PutOut,
            rules.PutOutUntil,
        ],
        quotas=[JOINS],
    )
    async def join_club(self, info: Info, input: JoinClubInput) -> ClubMembershipPayload:
        club_id = ids.decode(input.club_id, "Club")
        async with info.context.writing() as uow:
            membership = await rules.join(uow, info.context.viewer, club_id=club_id)
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description="Leave a club and its chat, take a request back, or decline an invitation. Places that one has at "
        "its events stay, and so do roles at them, which `removeEventHost` takes.",
        access=SIGNED_IN,
        raises=[InvalidId, NotFound, rules.LastOwner, rules.NotMember],
    )
    async def leave_club(self, info: Info, input: LeaveClubInput) -> ClubMembershipPayload:
        club_id = ids.decode(input.club_id, "Club")
        async with info.context.writing() as uow:
            membership = await rules.leave(uow, info.context.viewer, club_id=club_id)
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description="Invite someone, who is told. Whoever has asked to join is a member at once; for whoever was put "
        f"out the ban has to be lifted first. {HOSTS}",
        access=SIGNED_IN,
        raises=[Forbidden, InvalidId, InvalidStatus, NotFound, rules.AlreadyMember],
        quotas=[INVITATIONS],
    )
    async def invite_to_club(self, info: Info, input: InviteToClubInput) -> ClubMembershipPayload:
        club_id = ids.decode(input.club_id, "Club")
        user_id = ids.decode(input.user_id, "User")
        async with info.context.writing() as uow:
            membership = await rules.invite(uow, info.context.viewer, club_id=club_id, user_id=user_id)
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description=f"Let someone in who has asked, and tell them. {HOSTS}",
        access=SIGNED_IN,
        raises=[Forbidden, InvalidId, InvalidStatus, NotFound],
    )
    async def approve_club_member(self, info: Info, input: ApproveClubMemberInput) -> ClubMembershipPayload:
        membership_id = _membership(input.membership_id)
        async with info.context.writing() as uow:
            membership = await rules.decide(uow, info.context.viewer, membership_id=membership_id, is_approved=True)
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description=f"Refuse someone who has asked, and tell them. {HOSTS}",
        access=SIGNED_IN,
        raises=[Forbidden, InvalidId, InvalidStatus, NotFound],
    )
    async def reject_club_member(self, info: Info, input: RejectClubMemberInput) -> ClubMembershipPayload:
        membership_id = _membership(input.membership_id)
        async with info.context.writing() as uow:
            membership = await rules.decide(uow, info.context.viewer, membership_id=membership_id, is_approved=False)
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description="Put out someone whose role is below one's own: they lose their places at the club's events that "
        "are not over and their roles at all of its events, leave its chats, are told, and cannot join or ask to until "
        "the ban ends. Of an event that is left without an organizer, the longest co-organizer becomes one; the club's "
        f"owners and administrators run all of them. Or take an invitation back. {HOSTS}",
        access=SIGNED_IN,
        raises=[
            Forbidden,
            InvalidId,
            NotFound,
            OutsideKnownTime,
            TimeNeedsOffset,
            TooLong,
            rules.BanEndsInPast,
            rules.LastOwner,
        ],
    )
    async def remove_club_member(self, info: Info, input: RemoveClubMemberInput) -> ClubMembershipPayload:
        membership_id = _membership(input.membership_id)
        async with info.context.writing() as uow:
            membership = await rules.remove(
                uow, info.context.viewer, membership_id=membership_id, reason=input.reason, until=input.until
            )
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description=f"Let someone who was put out join again as anyone may, and tell them. {HOSTS}",
        access=SIGNED_IN,
        raises=[Forbidden, InvalidId, InvalidStatus, NotFound],
    )
    async def lift_club_ban(self, info: Info, input: LiftClubBanInput) -> ClubMembershipPayload:
        membership_id = _membership(input.membership_id)
        async with info.context.writing() as uow:
            membership = await rules.lift_ban(uow, info.context.viewer, membership_id=membership_id)
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description="Give a member another role. Owners give every role; administrators give and take roles below "
        "their own; moderators of the platform all, audited.",
        access=SIGNED_IN,
        raises=[Forbidden, InvalidId, InvalidStatus, NotFound, rules.LastOwner],
    )
    async def change_club_member_role(self, info: Info, input: ChangeClubMemberRoleInput) -> ClubMembershipPayload:
        membership_id = _membership(input.membership_id)
        async with info.context.writing() as uow:
            membership = await rules.change_role(uow, info.context.viewer, membership_id=membership_id, role=input.role)
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description="Hand one's ownership to another member in one step, and be an administrator from then on. "
        "For owners.",
        access=SIGNED_IN,
        raises=[Forbidden, InvalidId, InvalidStatus, NotFound],
    )
    async def transfer_club_ownership(self, info: Info, input: TransferClubOwnershipInput) -> ClubMembershipPayload:
        membership_id = _membership(input.membership_id)
        async with info.context.writing() as uow:
            membership = await rules.transfer(uow, info.context.viewer, membership_id=membership_id)
        return ClubMembershipPayload(membership=membership)
