"""The types of `viewerCan` for this area."""

from __future__ import annotations

import strawberry

from schema.core.viewer_can import WHAT_COUNTS, can


@strawberry.type(description=f"What the caller may do with a club now. {WHAT_COUNTS}")
class ClubViewerCan:
    update: bool = can("updateClub", "Change it.")
    join: bool = can("joinClub", "Become a member, ask to, or accept an invitation. False while a request waits.")
    leave: bool = can("leaveClub", "Leave, take a request back, or decline an invitation.")
    invite: bool = can("inviteToClub", "Invite people.")
    create_event: bool = can("createEvent", "Make an event of this club.")


@strawberry.type(description=f"What the caller may do with a membership now. {WHAT_COUNTS}")
class ClubMembershipViewerCan:
    approve: bool = can("approveClubMember", "Let the person in who has asked.")
    reject: bool = can("rejectClubMember", "Refuse the person who has asked.")
    remove: bool = can("removeClubMember", "Put the person out, or take an invitation back.")
    lift_ban: bool = can("liftClubBan", "Let the person come back.")
    change_role: bool = can("changeClubMemberRole", "Give the person another role.")
    transfer_ownership: bool = can("transferClubOwnership", "Hand one's ownership over to the person.")
