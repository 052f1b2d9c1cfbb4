"""The types of `viewerCan` for this area."""

from __future__ import annotations

import strawberry

from schema.core.viewer_can import WHAT_COUNTS, can


@strawberry.type(description=f"What the caller can do with a club now. {WHAT_COUNTS}")
class ClubViewerCan:
    update: bool = can("updateClub", "Whether the caller can edit the club.")
    join: bool = can(
        "joinClub",
        "Whether the caller can become a member, ask to, or accept an invitation. False while a request is pending.",
    )
    leave: bool = can("leaveClub", "Whether the caller can leave, withdraw a request, or decline an invitation.")
    invite: bool = can("inviteToClub", "Whether the caller can invite people.")
    create_event: bool = can("createEvent", "Whether the caller can create an event of this club.")


@strawberry.type(description=f"What the caller can do with a membership now. {WHAT_COUNTS}")
class ClubMembershipViewerCan:
    approve: bool = can("approveClubMember", "Whether the caller can accept the request to join.")
    reject: bool = can("rejectClubMember", "Whether the caller can refuse the request to join.")
    remove: bool = can("removeClubMember", "Whether the caller can remove the person or withdraw the invitation.")
    lift_ban: bool = can("liftClubBan", "Whether the caller can lift the ban.")
    change_role: bool = can("changeClubMemberRole", "Whether the caller can give the person another role.")
    transfer_ownership: bool = can(
        "transferClubOwnership", "Whether the caller can hand their own ownership to the person."
    )
