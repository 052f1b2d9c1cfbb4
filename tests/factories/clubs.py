"""Clubs and who is in them."""

from __future__ import annotations

from typing import Any

import models
from tests.factories.core import columns, new_id, now, numbers


def make_club(**values: Any) -> models.Club:
    defaults = {
        "id": new_id(),
        "name": f"Club {next(numbers)}",
        "kind": models.ClubKind.CLUB,
        "visibility": models.ClubVisibility.PUBLIC,
        "join_policy": models.JoinPolicy.OPEN,
        "version": 1,
    }
    return models.Club(**defaults | columns(values))


def make_membership(club: models.Club, user: models.User, **values: Any) -> models.ClubMembership:
    defaults = {
        "id": new_id(),
        "club_id": club.id,
        "user_id": user.id,
        "role": models.ClubRole.MEMBER,
        "state": models.MembershipState.ACTIVE,
        "joined_at": now(),
    }
    return models.ClubMembership(**defaults | columns(values))
