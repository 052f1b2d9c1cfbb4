"""How tests of all mutations call those of this area (`tests/api/core/examples.py`)."""

from __future__ import annotations

from tests.api.core.examples import OWN, Deed, Example, Forbidden

MUTATIONS = {
    "createClub": Example("anna", {"name": "Новый клуб"}, OWN),
    "updateClub": Example(
        "anna",
        {"clubId": "@Club.name=Закрытый клуб", "expectedVersion": 1, "description": None},
        [
            Deed("club.update", lambda of: {"clubId": of.club, "expectedVersion": 1, "name": "New"}, subject="club"),
            Deed(
                "club.update",
                lambda of: {"clubId": of.club, "expectedVersion": 1, "interestIds": [of.jazz]},
                subject="club",
            ),
        ],
    ),
    "joinClub": Example("boris", {"clubId": "@Club.name=Закрытый клуб"}, OWN),
    "leaveClub": Example("anna", {"clubId": "@Club.name=Unlisted club"}, OWN),
    "inviteToClub": Example(
        "anna",
        {"clubId": "@Club.name=Закрытый клуб", "userId": "@User.handle=max"},
        [
            Deed("club.invite", lambda of: {"clubId": of.club, "userId": of.eve}),
        ],
    ),
    "approveClubMember": Example(
        "anna",
        {"membershipId": "@ClubMembership.state=PENDING"},
        [Deed("club.approve", lambda of: {"membershipId": of.asking}, subject="asking")],
    ),
    "rejectClubMember": Example(
        "anna",
        {"membershipId": "@ClubMembership.state=PENDING"},
        [Deed("club.reject", lambda of: {"membershipId": of.asking}, subject="asking")],
    ),
    "removeClubMember": Example(
        "anna",
        {"membershipId": "@ClubMembership.role=ADMIN", "reason": "Реклама"},
        [Deed("club.remove", lambda of: {"membershipId": of.member, "reason": "No"}, subject="member")],
    ),
    "liftClubBan": Example(
        "anna",
        {"membershipId": "@ClubMembership.ban_reason=Реклама"},
        [Deed("club.lift_ban", lambda of: {"membershipId": of.banned}, subject="banned")],
    ),
    "changeClubMemberRole": Example(
        "anna",
        {"membershipId": "@ClubMembership.role=ADMIN", "role": "MEMBER"},
        [Deed("club.change_role", lambda of: {"membershipId": of.member, "role": "MODERATOR"}, subject="member")],
    ),
    "transferClubOwnership": Example(
        "anna", {"membershipId": "@ClubMembership.role=ADMIN"}, Forbidden(lambda of: {"membershipId": of.member})
    ),
}
