from __future__ import annotations

from typing import Any

from sqlalchemy import Select, select

from auth.viewer import Viewer
from dataloaders.core.declarations import Many, Selecting, many, one
from models import ClubInterest, EventInterest, Interest, UserInterest

MOST = 50
"""Interests of one person, club or event."""


def catalogue(_viewer: Viewer) -> Select[Interest]:
    return select(Interest)


def _chosen_in(link: Any) -> Selecting:
    def chosen(_viewer: Viewer) -> Select[Interest]:
        return select(Interest).join(link, link.interest_id == Interest.id)

    return chosen


def _of(link: Any, key: Any) -> Many:
    return many(
        Interest, key=key, select=_chosen_in(link), order_by=[Interest.slug, Interest.id], limit=MOST, typical=3
    )


by_id = one(Interest, key=Interest.id, select=catalogue)
by_user_id = _of(UserInterest, UserInterest.user_id)
by_club_id = _of(ClubInterest, ClubInterest.club_id)
by_event_id = _of(EventInterest, EventInterest.event_id)
