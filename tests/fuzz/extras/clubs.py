"""Clubs that not everybody sees, and every state of a membership."""

from __future__ import annotations

import models
from models import ClubVisibility, JoinPolicy, MembershipState
from tests.factories import in_days, make_club, make_membership
from tests.fuzz.extras.given import Given, Rows


def rows(given: Given) -> Rows:
    private = make_club(
        name="Закрытый клуб",
        visibility=ClubVisibility.PRIVATE,
        join_policy=JoinPolicy.INVITE_ONLY,
        description="Только свои",
    )
    unlisted = make_club(name="Unlisted club", visibility=ClubVisibility.UNLISTED, join_policy=JoinPolicy.APPROVAL)
    given.clubs = {"private": private, "unlisted": unlisted}
    return [
        private,
        unlisted,
        make_membership(private, given.people["anna"], role=models.ClubRole.OWNER),
        make_membership(private, given.people["shy"], role=models.ClubRole.ADMIN),
        make_membership(private, given.people["boris"], state=MembershipState.INVITED, joined_at=None),
        make_membership(unlisted, given.people["anna"], role=models.ClubRole.MODERATOR),
        make_membership(unlisted, given.people["shy"]),
        make_membership(unlisted, given.people["gone"], role=models.ClubRole.OWNER),
        make_membership(unlisted, given.people["boris"], state=MembershipState.PENDING, joined_at=None),
        make_membership(unlisted, given.people["vera"], state=MembershipState.LEFT),
        make_membership(
            unlisted, given.people["max"], state=MembershipState.BANNED, ban_reason="Реклама", banned_until=in_days(30)
        ),
        make_membership(given.demo_clubs[0], given.people["shy"]),
        make_membership(given.demo_clubs[0], given.people["gone"], state=MembershipState.REJECTED, joined_at=None),
    ]
