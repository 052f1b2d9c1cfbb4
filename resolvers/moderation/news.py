"""What notifications say of what moderators decide, and which of that can cease to be so."""

from __future__ import annotations

from errors import _
from models import NotificationType
from resolvers.notifications.news import REASON, WHEN, Wording, declare

declare(
    NotificationType.EVENT_APPROVED,
    Wording((_("Your event is published: {name}"), _("Your event is published")), (_("A moderator has approved it."),)),
)
# The event goes out; it is changed, or comes back, after all.
declare(
    NotificationType.EVENT_REJECTED,
    Wording(
        (_("Your event was not approved: {name}"), _("Your event was not approved")),
        (_("A moderator has sent it back to you."), REASON),
    ),
    topic="rejected",
    withdrawn=Wording(
        (_("Your event was not approved at first: {name}"), _("Your event was not approved at first")),
        (_("It is published now."),),
    ),
)
declare(
    NotificationType.EVENT_CHANGE_APPROVED,
    Wording(
        (_("Your change is published: {name}"), _("Your change is published")),
        (_("A moderator has approved it."), WHEN),
    ),
)
declare(
    NotificationType.EVENT_CHANGE_REJECTED,
    Wording(
        (_("Your change was not approved: {name}"), _("Your change was not approved")),
        (_("The event stays as it is."), REASON),
    ),
    topic="unchanged",
    withdrawn=Wording(
        (_("Your change was not approved at first: {name}"), _("Your change was not approved at first")),
        (_("The event was changed later."),),
    ),
)
