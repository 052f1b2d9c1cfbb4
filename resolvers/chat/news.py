"""What notifications say of messages, and which of that can cease to be so."""

from __future__ import annotations

from errors import _
from models import NotificationType
from resolvers.notifications.news import Wording, declare

declare(
    NotificationType.NEW_MESSAGE,
    Wording((_("New message: {name}"), _("New message from {person}"), _("New message")), (_("{person}: {text}"),)),
)
