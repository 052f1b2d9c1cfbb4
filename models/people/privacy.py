from __future__ import annotations

from enum import Enum


class Audience(Enum):
    """The audience of a profile's field."""

    EVERYONE = "EVERYONE"
    MEMBERS = "MEMBERS"
    """Anyone signed in."""
    NOBODY = "NOBODY"
    """Only the person and staff."""
