"""What members may do in a club, and who owns it."""

from __future__ import annotations

import strawberry

import models
from errors import Forbidden, InvalidId, InvalidStatus, NotFound
from resolvers.clubs import membership_states, ranks
from schema.clubs.membership import ClubMembershipPayload, decode_membership
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.roots import MutationInput, mutation


@strawberry.input(description="Input of `changeClubMemberRole`.")
class ChangeClubMemberRoleInput(MutationInput):
    membership_id: strawberry.ID = strawberry.field(description="A membership in the state ACTIVE.")
    role: models.ClubRole = strawberry.field(description="The new role.")


@strawberry.input(description="Input of `transferClubOwnership`.")
class TransferClubOwnershipInput(MutationInput):
    membership_id: strawberry.ID = strawberry.field(
        description="The active membership of the new owner, who must not be an owner already."
    )


@strawberry.type
class ClubRankMutations:
    @mutation(
        description="Give a member another role. Owners may give every role. Administrators may give and take "
        "roles below their own. Moderators of the platform may give every role; their calls are "
        "audited.",
        access=SIGNED_IN,
        raises=[Forbidden, InvalidId, InvalidStatus, NotFound, membership_states.LastOwner],
    )
    async def change_club_member_role(self, info: Info, input: ChangeClubMemberRoleInput) -> ClubMembershipPayload:
        membership_id = decode_membership(input.membership_id)
        async with info.context.writing() as uow:
            membership = await ranks.change_role(uow, info.context.viewer, membership_id=membership_id, role=input.role)
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description="Hand the caller's ownership to another member in one step. The caller becomes an "
        "administrator. Only owners may do this.",
        access=SIGNED_IN,
        raises=[Forbidden, InvalidId, InvalidStatus, NotFound],
    )
    async def transfer_club_ownership(self, info: Info, input: TransferClubOwnershipInput) -> ClubMembershipPayload:
        membership_id = decode_membership(input.membership_id)
        async with info.context.writing() as uow:
            membership = await ranks.transfer(uow, info.context.viewer, membership_id=membership_id)
        return ClubMembershipPayload(membership=membership)
