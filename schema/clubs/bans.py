"""Putting members out of a club, and letting them come back."""

from __future__ import annotations

from datetime import datetime

import strawberry

from errors import Forbidden, InvalidId, InvalidStatus, NotFound, OutsideKnownTime, TooLong
from resolvers.clubs import bans, membership_states
from resolvers.clubs import membership as rules
from resolvers.core.moments import TimeNeedsOffset
from schema.clubs.membership import HOSTS, ClubMembershipPayload, decode_membership
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.roots import MutationInput, mutation


@strawberry.input(description="Input of `removeClubMember`.")
class RemoveClubMemberInput(MutationInput):
    membership_id: strawberry.ID = strawberry.field(
        description="The membership to end. INVITED becomes LEFT; every other state becomes BANNED."
    )
    reason: str | None = strawberry.field(
        default=None,
        description="Why, at most 1000 characters. The person is notified and reads it.",
        metadata=checked(rules.check_reason),
    )
    until: datetime | None = strawberry.field(
        default=None,
        description="When the ban ends by itself. If omitted or null, the ban lasts until someone lifts it.",
        metadata=checked(each=bans.check_until),
    )


@strawberry.input(description="Input of `liftClubBan`.")
class LiftClubBanInput(MutationInput):
    membership_id: strawberry.ID = strawberry.field(description="A membership in the state BANNED.")


@strawberry.type
class ClubBanMutations:
    @mutation(
        description="Remove a member whose role is below the caller's, or withdraw an invitation. The removed "
        "person loses their places at the club's events that have not ended and their roles at all "
        "of its events, leaves its chats, is notified, and cannot join until the ban ends. If an "
        "event loses its last organizer, its longest-serving co-organizer becomes one; without any, "
        f"the club's owners and administrators run it. {HOSTS}",
        access=SIGNED_IN,
        raises=[
            Forbidden,
            InvalidId,
            NotFound,
            OutsideKnownTime,
            TimeNeedsOffset,
            TooLong,
            bans.BanEndsInPast,
            membership_states.LastOwner,
        ],
    )
    async def remove_club_member(self, info: Info, input: RemoveClubMemberInput) -> ClubMembershipPayload:
        membership_id = decode_membership(input.membership_id)
        async with info.context.writing() as uow:
            membership = await bans.remove(
                uow, info.context.viewer, membership_id=membership_id, reason=input.reason, until=input.until
            )
        return ClubMembershipPayload(membership=membership)

    @mutation(
        description=f"Let a banned person join again under the usual rules, and notify them. {HOSTS}",
        access=SIGNED_IN,
        raises=[Forbidden, InvalidId, InvalidStatus, NotFound],
    )
    async def lift_club_ban(self, info: Info, input: LiftClubBanInput) -> ClubMembershipPayload:
        membership_id = decode_membership(input.membership_id)
        async with info.context.writing() as uow:
            membership = await bans.lift_ban(uow, info.context.viewer, membership_id=membership_id)
        return ClubMembershipPayload(membership=membership)
