"""Permissions of the platform roles. One table decides queries, mutations and subscriptions alike.

Roles in a club or at an event are no platform permissions: the rules in `resolvers/` ask for them.
"""

from __future__ import annotations

from enum import Enum

from models import Role


class Permission(Enum):
    """A thing that not everyone may do."""

    CHAT_USE = "CHAT_USE"
    CLUB_CREATE = "CLUB_CREATE"
    CLUB_JOIN = "CLUB_JOIN"
    EVENT_CREATE = "EVENT_CREATE"
    EVENT_MODERATE = "EVENT_MODERATE"
    EVENT_OFFER_SERVICES = "EVENT_OFFER_SERVICES"
    """Create events that offer services."""
    REGISTER = "REGISTER"
    REGISTER_OTHERS = "REGISTER_OTHERS"
    """Book services for a visitor."""
    REVIEW_MODERATE = "REVIEW_MODERATE"
    REVIEW_WRITE = "REVIEW_WRITE"
    ROLE_ASSIGN = "ROLE_ASSIGN"
    USER_EDIT = "USER_EDIT"
    """Change the profile of someone else; audited."""
    USER_READ_ACCOUNT = "USER_READ_ACCOUNT"
    """Platform roles of others, and whether they are active; people who are not."""
    USER_READ_EMAIL = "USER_READ_EMAIL"
    """E-mail addresses of others, and whether they are proven."""
    USER_READ_PRIVATE = "USER_READ_PRIVATE"
    """Full name and telephone number of others."""
    USER_TRUST = "USER_TRUST"
    """Say whose events go out without a moderator; audited."""
    VENUE_CREATE = "VENUE_CREATE"


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
    Permission.USER_TRUST,
}

PERMISSIONS: dict[Role, frozenset[Permission]] = {
    Role.GUEST: frozenset(),
    Role.USER: _USER,
    Role.VOLUNTEER: _VOLUNTEER,
    Role.MODERATOR: _MODERATOR,
    Role.ADMIN: frozenset(Permission),
}
