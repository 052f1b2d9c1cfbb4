"""What notifications say of registrations and bookings, and which of that can cease to be so."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, exists

from errors import _
from models import HOLDING, NotificationType, Registration
from resolvers.notifications.news import BOOKED, CANCELLED_BY, ITS_TIME, PRICE, REASON, WHEN, Wording, declare


def has_place(user_id: Any, event_id: Any) -> ColumnElement[bool]:
    return exists().where(
        Registration.event_id == event_id, Registration.user_id == user_id, Registration.admission.in_(HOLDING)
    )


def has_no_place(user_id: Any, event_id: Any) -> ColumnElement[bool]:
    return ~has_place(user_id, event_id)


# The registration ends, by whoever and whatever, or the event is cancelled. Should it come back, this stays ended:
# EVENT_REACTIVATED says then that the person has the place, and when.
declare(
    NotificationType.REGISTRATION_CONFIRMED,
    Wording((_("You are registered: {name}"), _("You are registered")), (WHEN, BOOKED, PRICE, _("See you there!"))),
    topic="registered",
    withdrawn=Wording(
        (_("You were registered: {name}"), _("You were registered")),
        (_("The event was cancelled, or you no longer have a place."),),
    ),
)
# The person registers again.
declare(
    NotificationType.REGISTRATION_CANCELLED,
    Wording(
        (_("Registration cancelled: {name}"), _("Registration cancelled")),
        (_("You no longer have a place at this event."), CANCELLED_BY, REASON),
    ),
    topic="unregistered",
    standing=has_no_place,
    withdrawn=Wording(
        (_("Registration cancelled: {name}"), _("Registration cancelled")), (_("You have a place again."),)
    ),
)
# The person books the same service again.
declare(
    NotificationType.BOOKING_CANCELLED,
    Wording(
        (_("Booking cancelled: {service}"), _("Booking cancelled: {name}"), _("Booking cancelled")),
        (_("You no longer have this place at “{name}”."), ITS_TIME, CANCELLED_BY, REASON),
    ),
    topic="unbooked",
    withdrawn=Wording(
        (_("Booking cancelled: {service}"), _("Booking cancelled: {name}"), _("Booking cancelled")),
        (_("You have a place again."),),
    ),
)
# Those who run the event lift it; and then the person is put out again.
declare(
    NotificationType.REGISTRATION_REMOVED,
    Wording(
        (_("You were removed: {name}"), _("You were removed from an event")),
        (_("The organizers removed your registration. You cannot register for this event again."), REASON),
    ),
    topic="removed",
    withdrawn=Wording(
        (_("You had been removed: {name}"), _("You had been removed from an event")),
        (_("You can register again."),),
    ),
)
declare(
    NotificationType.REGISTRATION_BAN_LIFTED,
    Wording(
        (_("You can register again: {name}"), _("You can register again")),
        (WHEN, _("The organizers let you take part again.")),
    ),
    topic="readmitted",
    withdrawn=Wording(
        (_("You could register again: {name}"), _("You could register again")), (_("You were removed later."),)
    ),
)
# The registration ends. It stays when the event is cancelled, and nobody tells of it again when that comes back.
declare(
    NotificationType.PARTICIPANT_JOINED,
    Wording((_("New participant: {name}"), _("New participant")), (_("{person} is coming to your event."),)),
    topic="coming",
    withdrawn=Wording(
        (_("No longer coming: {name}"), _("Someone is no longer coming")),
        (_("{person} is no longer coming to your event."),),
    ),
)
