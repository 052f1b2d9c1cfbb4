from __future__ import annotations

from enum import Enum


class Audience(Enum):
    """Who may read a field of a profile."""

    EVERYONE = "EVERYONE"
    MEMBERS = "MEMBERS"
    """Anyone signed in."""
    NOBODY = "NOBODY"
    """Only the person and staff."""
