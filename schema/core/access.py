"""The coarse gate in front of every root field: who may call it at all."""

from __future__ import annotations

from enum import Enum

from auth.permissions import Permission
from auth.viewer import Viewer


class Everyone(Enum):
    """Gates that are no permission."""

    PUBLIC = "Anyone may call this."
    SIGNED_IN = "Requires signing in."


Access = Everyone | Permission
PUBLIC = Everyone.PUBLIC
SIGNED_IN = Everyone.SIGNED_IN


def check(access: Access, viewer: Viewer) -> None:
    """Raise `Unauthenticated` or `Forbidden`, which become top-level errors."""
    if access is SIGNED_IN:
        viewer.require_user()
    elif isinstance(access, Permission):
        viewer.require(access)


def in_words(access: Access) -> str:
    """Say who may call a field, for its description."""
    if isinstance(access, Permission):
        return f"Requires the permission `{access.name}`."
    return access.value
