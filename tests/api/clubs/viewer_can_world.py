"""Clubs of each way in, with people of each role and state, and their memberships."""

from __future__ import annotations

from typing import Any

from models import ClubRole, ClubVisibility, JoinPolicy, MembershipState
from tests.api.core.viewer_can_stage import GUEST, Case, Looked, some, with_id
from tests.factories import in_days, make_category, make_club, make_membership, make_venue


async def world(save: Any) -> dict[str, Looked]:
    states = {one.value: {"state": one} for one in MembershipState if one is not MembershipState.ACTIVE}
    states["ban that ended"] = {"state": MembershipState.BANNED, "banned_until": in_days(-1)}
    users = some(*ClubRole.__members__, *states, "second owner", "stranger", "friend")
    found = {policy.value: make_club(join_policy=policy) for policy in JoinPolicy}
    found |= {"two owners": make_club(), "private": make_club(visibility=ClubVisibility.PRIVATE)}
    category, venue = make_category(), make_venue()
    await save(*users.values(), *found.values(), category, venue)
    members = [make_membership(club, users[role.name], role=role) for club in found.values() for role in ClubRole]
    members += [make_membership(club, users[name], **one) for club in found.values() for name, one in states.items()]
    await save(*members, make_membership(found["two owners"], users["second owner"], role=ClubRole.OWNER))
    event = {"categoryId": category, "venueId": venue, "title": "Walk", "visibility": "CLUB"}
    event |= {"startsAt": in_days(3).isoformat(), "endsAt": in_days(4).isoformat()}
    of_clubs = [
        Case(name, club, with_id("clubId", club, update={"expectedVersion": 1, "name": "New"},
             invite={"userId": users["friend"]}, createEvent=event))
        for name, club in found.items()
    ]  # fmt: skip
    names = {user.id: name for name, user in users.items()}
    others = {ClubRole.OWNER: "ADMIN", ClubRole.MEMBER: "MODERATOR"}
    of_members = [
        Case(
            f"{names[one.user_id]} of {club}",
            one,
            with_id("membershipId", one, changeRole={"role": others.get(one.role, "MEMBER")}),
        )
        for club in ("OPEN", "two owners")
        for one in members
        if one.club_id == found[club].id
    ]
    hosts = {name: users[name] for name in (*ClubRole.__members__, "stranger", "INVITED", "platform moderator")}
    return {"Club": Looked(GUEST | users, of_clubs), "ClubMembership": Looked(GUEST | hosts, of_members)}
