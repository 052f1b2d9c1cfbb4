from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated
from uuid import UUID

import strawberry

import dataloaders.clubs.clubs
import dataloaders.clubs.membership
import dataloaders.clubs.viewer_can
import dataloaders.people.users
import models
from auth.permissions import Permission
from errors import Forbidden, InvalidId, InvalidStatus, NotFound
from resolvers.clubs import membership as rules
from resolvers.clubs import membership_states, viewer_can
from schema.clubs.viewer_can import ClubMembershipViewerCan
from schema.core import ids
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.node_interface import Node
from schema.core.quotas import INVITATIONS, JOINS
from schema.core.relations import Need, related, signed_in
from schema.core.roots import MutationInput, Payload, mutation
from schema.core.viewer_can import allowed
from schema.people.users import User

if TYPE_CHECKING:
    from schema.clubs.clubs import Club

enum(
    models.MembershipState,
    "The state of a membership.",
    INVITED="The person was invited and has not answered yet.",
    PENDING="The person asked to join and waits for a decision.",
    ACTIVE="The person is a member.",
    REJECTED="The person asked to join and was refused.",
    LEFT="The person left, withdrew their request or declined the invitation; or the invitation was withdrawn or a "
    "ban lifted.",
    BANNED="The person was removed and cannot come back until `bannedUntil`, or until the ban is lifted.",
)

enum(
    models.ClubRole,
    "What a member may do in a club, from weakest to strongest.",
    MEMBER="Takes part in the club.",
    MODERATOR="Decides about requests to join, invites people and removes members.",
    ADMIN="Runs the club: edits it and gives roles below their own.",
    OWNER="Does everything an ADMIN does, gives every role, and can hand the club over. A club always has "
    "at least one owner.",
)

HOSTS = "The people who run the club may do this, and moderators of the platform, whose calls are audited."


@strawberry.input(description=f"Filters a list of memberships. {ALL_HOLD}")
class ClubMembershipFilter(Filter):
    states: list[models.MembershipState] | None = strawberry.field(
        default_factory=lambda: [models.MembershipState.ACTIVE],
        description="Keep memberships in one of these states. Defaults to active members; null means any state. "
        "Requests, invitations and bans are visible only to the person and to the people who run the "
        "club.",
    )
    roles: list[models.ClubRole] | None = strawberry.field(
        default=None, description="Keep memberships with one of these roles."
    )


@strawberry.type(
    description="A person's membership in a club, including requests, invitations, bans and past memberships."
)
class ClubMembership(Node, row=models.ClubMembership, by_id=dataloaders.clubs.membership.membership_by_id):
    role: models.ClubRole = strawberry.field(description="The person's role in the club.")
    state: models.MembershipState = strawberry.field(description="The state of the membership.")
    joined_at: datetime | None = strawberry.field(
        description="When the person last became a member. Null if they never were one."
    )
    ban_reason: str | None = strawberry.field(description="Why the person was removed. Null if no reason was given.")
    banned_until: datetime | None = strawberry.field(
        description="When the ban ends by itself. Null in the state BANNED means that the ban lasts until "
        "someone lifts it."
    )
    user: User | None = related(
        dataloaders.people.users.by_id, key="user_id", description="The person. Null if the caller cannot see them."
    )
    club: Annotated[Club, strawberry.lazy("schema.clubs.clubs")] | None = related(
        dataloaders.clubs.clubs.by_id, key="club_id", description="The club. Null if the caller cannot see it."
    )
    viewer_can = allowed(
        ClubMembershipViewerCan,
        viewer_can.OfMembership,
        *("user_id", "role", "state"),
        club=Need(dataloaders.clubs.clubs.by_id, key="club_id"),
        own=Need(dataloaders.clubs.membership.own_by_club_id, key="club_id", visible=signed_in),
        owners=Need(dataloaders.clubs.viewer_can.owner_count_by_club_id, key="club_id", visible=signed_in),
    )


@strawberry.input(description="Input of `joinClub`.")
class JoinClubInput(MutationInput):
    club_id: strawberry.ID = strawberry.field(description="The club to join.")


@strawberry.input(description="Input of `leaveClub`.")
class LeaveClubInput(MutationInput):
    club_id: strawberry.ID = strawberry.field(description="The club to leave.")


@strawberry.input(description="Input of `inviteToClub`.")
class InviteToClubInput(MutationInput):
    club_id: strawberry.ID = strawberry.field(description="The club to invite the person to.")
    user_id: strawberry.ID = strawberry.field(description="The person to invite.")


@strawberry.input(description="Input of `approveClubMember`.")
class ApproveClubMemberInput(MutationInput):
    membership_id: strawberry.ID = strawberry.field(description="A membership in the state PENDING.")


@strawberry.input(description="Input of `rejectClubMember`.")
class RejectClubMemberInput(MutationInput):
    membership_id: strawberry.ID = strawberry.field(description="A membership in the state PENDING.")


@strawberry.type(description="The result of a mutation that changes a membership.")
class ClubMembershipPayload(Payload):
    membership: models.ClubMembership | None = strawberry.field(
        default=None,
        graphql_type=ClubMembership | None,
        description="The changed membership. Null if the mutation was refused.",
    )


def decode_membership(id: strawberry.ID) -> UUID:
    return ids.decode(id, "ClubMembership")


@strawberry.type
class ClubMembershipMutations:
    @mutation(
        description="Join a club. If its `joinPolicy` is OPEN, the caller becomes a member at once. If it is "
        "APPROVAL, this sends a request, and the people who run the club are notified. If it is "
        "INVITE_ONLY, the caller needs an invitation. Joining accepts a pending invitation. A banned "
        "caller is refused with RESTRICTED.",
        access=Permission.CLUB_JOIN,
        raises=[
            InvalidId,
            NotFound,
            membership_states.AlreadyMember,
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
        description="Leave a club and its chat, withdraw a request, or decline an invitation. The caller keeps "
        "their places at the club's events and their roles at them; use `cancelRegistration` and "
        "`removeEventHost` to give those up.",
        access=SIGNED_IN,
        raises=[InvalidId, NotFound, membership_states.LastOwner, rules.NotMember],
    )
    async def leave_club(self, info: Info, input: LeaveClubInput) -> ClubMembershipPayload:
        club_id = ids.decode(input.club_id, "Club")
        async with info.context.writing() as uow:
            membership = await rules.leave(uow, info.context.viewer, club_id=club_id)
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description="Invite a person to a club and notify them. A person who has already asked to join becomes a "
        f"member at once. A banned person cannot be invited until the ban is lifted. {HOSTS}",
        access=SIGNED_IN,
        raises=[Forbidden, InvalidId, InvalidStatus, NotFound, membership_states.AlreadyMember],
        quotas=[INVITATIONS],
    )
    async def invite_to_club(self, info: Info, input: InviteToClubInput) -> ClubMembershipPayload:
        club_id = ids.decode(input.club_id, "Club")
        user_id = ids.decode(input.user_id, "User")
        async with info.context.writing() as uow:
            membership = await rules.invite(uow, info.context.viewer, club_id=club_id, user_id=user_id)
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description=f"Accept a person's request to join and notify them. {HOSTS}",
        access=SIGNED_IN,
        raises=[Forbidden, InvalidId, InvalidStatus, NotFound],
    )
    async def approve_club_member(self, info: Info, input: ApproveClubMemberInput) -> ClubMembershipPayload:
        membership_id = decode_membership(input.membership_id)
        async with info.context.writing() as uow:
            membership = await rules.decide(uow, info.context.viewer, membership_id=membership_id, is_approved=True)
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description=f"Refuse a person's request to join and notify them. {HOSTS}",
        access=SIGNED_IN,
        raises=[Forbidden, InvalidId, InvalidStatus, NotFound],
    )
    async def reject_club_member(self, info: Info, input: RejectClubMemberInput) -> ClubMembershipPayload:
        membership_id = decode_membership(input.membership_id)
        async with info.context.writing() as uow:
            membership = await rules.decide(uow, info.context.viewer, membership_id=membership_id, is_approved=False)
        return ClubMembershipPayload(membership=membership)
