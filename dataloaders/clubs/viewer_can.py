"""The columns that `viewerCan` needs from the database, for many rows at once."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from auth.viewer import Viewer
from dataloaders.core.declarations import value
from models import (
    ClubMembership,
    ClubRole,
    MembershipState,
)


def owner_counts(_viewer: Viewer) -> Any:
    """Clubs keep an owner."""
    owning = (ClubMembership.role == ClubRole.OWNER, ClubMembership.state == MembershipState.ACTIVE)
    return select(ClubMembership.club_id, func.count()).where(*owning).group_by(ClubMembership.club_id)


owner_count_by_club_id = value(key=ClubMembership.club_id, select=owner_counts, default=0)
