"""Visibility of the moderators' queue."""

from __future__ import annotations

from sqlalchemy import (
    Select,
    false,
    select,
)

from auth.permissions import Permission
from auth.viewer import Viewer
from models import (
    ModerationItem,
)


def moderation_items_visible_to(viewer: Viewer) -> Select[ModerationItem]:
    """Everything for moderators; one's own submissions otherwise."""
    statement = select(ModerationItem)
    if viewer.can(Permission.EVENT_MODERATE):
        return statement
    return statement.where(ModerationItem.submitted_by_id == viewer.id if viewer.id else false())
