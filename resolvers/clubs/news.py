"""What notifications say of clubs, and which of that can cease to be so."""

from __future__ import annotations

from errors import _
from models import NotificationType
from resolvers.notifications.news import REASON, Wording, declare

# The request is decided on or taken back, or the invitation accepted, declined or taken back.
declare(
    NotificationType.CLUB_JOIN_REQUESTED,
    Wording(
        (_("Request to join: {name}"), _("Request to join")),
        (_("{person} would like to join your club."), _("Decide in the list of requests.")),
    ),
    topic="asks",
    withdrawn=Wording(
        (_("Request no longer open: {name}"), _("Request no longer open")), (_("{person} asked to join your club."),)
    ),
)
# The membership ends; the person becomes a member after all.
declare(
    NotificationType.CLUB_JOIN_APPROVED,
    Wording((_("Welcome to {name}!"), _("Welcome to the club!")), (_("Your request to join was approved."),)),
    topic="joined",
    withdrawn=Wording(
        (_("You were a member: {name}"), _("You were a member of a club")), (_("You are no longer a member."),)
    ),
)
declare(
    NotificationType.CLUB_JOIN_REJECTED,
    Wording(
        (_("Request declined: {name}"), _("Request declined")), (_("Your request to join was not approved."), REASON)
    ),
    topic="declined",
    withdrawn=Wording((_("Request declined: {name}"), _("Request declined")), (_("You became a member later."),)),
)
declare(
    NotificationType.CLUB_INVITATION,
    Wording(
        (_("Invitation to {name}"), _("Invitation to a club")),
        (_("{person} invites you to join."), _("You can accept or ignore it.")),
    ),
    topic="invited",
    withdrawn=Wording(
        (_("Invitation no longer open: {name}"), _("Invitation no longer open")),
        (_("You were invited to join."),),
    ),
)
# The ban is lifted, or the person comes back after its end; and then they are put out again.
declare(
    NotificationType.CLUB_MEMBER_REMOVED,
    Wording(
        (_("You were removed from {name}"), _("You were removed from a club")),
        (_("You are no longer a member, and you have no place at its events."), REASON),
    ),
    topic="banned",
    withdrawn=Wording(
        (_("You had been removed from {name}"), _("You had been removed from a club")),
        (_("You are no longer banned."),),
    ),
)
declare(
    NotificationType.CLUB_BAN_LIFTED,
    Wording(
        (_("You can come back to {name}"), _("You can come back to a club")),
        (_("Your ban was lifted."),),
    ),
    topic="unbanned",
    withdrawn=Wording(
        (_("You could come back to {name}"), _("You could come back to a club")), (_("You were removed later."),)
    ),
)
