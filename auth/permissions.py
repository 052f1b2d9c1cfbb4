"""What each platform role may do. One table decides queries, mutations and subscriptions alike (S1-63).

Roles within a club or at an event are no platform permissions: the rules in `resolvers/` ask for them.
"""

from __future__ import annotations

from enum import Enum

from models import Role


class Permission(Enum):
    """A thing that not everyone may do."""

    CHAT_USE = "chat.use"
    CLUB_CREATE = "club.create"
    CLUB_JOIN = "club.join"
    EVENT_CREATE = "event.create"
    EVENT_MODERATE = "event.moderate"
    EVENT_OFFER_SERVICES = "event.offer_services"
    """Create events that offer services (C6)."""
    REGISTER = "event.register"
    REGISTER_OTHERS = "event.register_others"
    """Book services for a visitor (S4-16)."""
    REVIEW_MODERATE = "review.moderate"
    REVIEW_WRITE = "review.write"
    ROLE_ASSIGN = "role.assign"
    USER_EDIT = "user.edit"
    """Change the profile of someone else; audited."""
    USER_READ_PRIVATE = "user.read_private"
    """Contact data and full name of others."""
    VENUE_CREATE = "venue.create"


_USER = frozenset(
    {
        Permission.CHAT_USE,
        Permission.CLUB_CREATE,
        Permission.CLUB_JOIN,
        Permission.EVENT_CREATE,
        Permission.REGISTER,
        Permission.REVIEW_WRITE,
        Permission.VENUE_CREATE,
    }
)
_VOLUNTEER = _USER | {
    Permission.EVENT_OFFER_SERVICES,
    Permission.REGISTER_OTHERS,
    Permission.USER_READ_PRIVATE,
}
_MODERATOR = _USER | {
    Permission.EVENT_MODERATE,
    Permission.EVENT_OFFER_SERVICES,
    Permission.REVIEW_MODERATE,
    Permission.USER_READ_PRIVATE,
}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.GUEST: frozenset(),
    Role.USER: _USER,
    Role.VOLUNTEER: _VOLUNTEER,
    Role.MODERATOR: _MODERATOR,
    Role.ADMIN: frozenset(Permission),
}
