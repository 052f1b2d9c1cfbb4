"""What notifications say of events, their services and roles, and which of that can cease to be so."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, exists

from errors import _
from models import HOLDING, Booking, NotificationType
from resolvers.booking.news import has_place
from resolvers.notifications.news import CANCELLED_BY, CHANGED_AGAIN, ITS_TIME, REASON, WHEN, Wording, declare


def _has_booked(user_id: Any, service_id: Any) -> ColumnElement[bool]:
    return exists().where(Booking.service_id == service_id, Booking.user_id == user_id, Booking.admission.in_(HOLDING))


# All that it tells of is changed again, or called off.
declare(
    NotificationType.EVENT_CHANGED,
    Wording((_("Event changed: {name}"), _("Event changed")), (_("{changes}"), WHEN)),
    topic="changed",
    standing=has_place,
    withdrawn=Wording(
        (_("Event had been changed: {name}"), _("Event had been changed")), (_("{changes}"), CHANGED_AGAIN)
    ),
)
# The event comes back; and then it is cancelled again, or the person's place ends.
declare(
    NotificationType.EVENT_CANCELLED,
    Wording(
        (_("Event cancelled: {name}"), _("Event cancelled")),
        (_("It will not take place."), CANCELLED_BY, WHEN, REASON),
    ),
    topic="off",
    standing=has_place,
    withdrawn=Wording(
        (_("Event had been cancelled: {name}"), _("Event had been cancelled")), (_("It takes place after all."),)
    ),
)
declare(
    NotificationType.EVENT_REACTIVATED,
    Wording(
        (_("Takes place after all: {name}"), _("An event takes place after all")), (_("You keep your place."), WHEN)
    ),
    topic="back",
    standing=has_place,
    withdrawn=Wording(
        (_("Was to take place after all: {name}"), _("An event was to take place after all")),
        (_("The event was cancelled again, or you no longer have a place."),),
    ),
)
# The new event is cancelled, or put away or deleted before its end.
declare(
    NotificationType.EVENT_REPEATED,
    Wording(
        (_("Held again: {name}"), _("An event is held again")),
        (_("An event that you took part in is held again."), WHEN),
    ),
    topic="again",
    withdrawn=Wording(
        (_("Was to be held again: {name}"), _("An event was to be held again")), (_("It will not be held again."),)
    ),
)
declare(
    NotificationType.SERVICE_CHANGED,
    Wording(
        (_("Service changed: {service}"), _("Service changed: {name}"), _("Service changed")),
        (_("A service that you booked at “{name}” has changed."), _("{changes}")),
    ),
    topic="moved",
    standing=_has_booked,
    withdrawn=Wording(
        (
            _("Service had been changed: {service}"),
            _("Service had been changed: {name}"),
            _("Service had been changed"),
        ),
        (_("{changes}"), CHANGED_AGAIN),
    ),
)
declare(
    NotificationType.SERVICE_CANCELLED,
    Wording(
        (_("Service cancelled: {service}"), _("Service cancelled: {name}"), _("Service cancelled")),
        (_("A service that you booked at “{name}” will not take place."), ITS_TIME, CANCELLED_BY, REASON),
    ),
)
# The role is changed, taken away or given up; and then one is given again.
declare(
    NotificationType.EVENT_ROLE_GIVEN,
    Wording(
        (_("Your role at an event: {name}"), _("Your role at an event")),
        (
            _("{person} has given you the role: {role}."),
            _("The previous organizer has left, so you now have this role: {inherited}."),
            _("Your role: {own_role}."),
            WHEN,
        ),
    ),
    topic="role",
    withdrawn=Wording(
        (_("Your former role at an event: {name}"), _("Your former role at an event")),
        (
            _("{person} had given you the role: {role}."),
            _("Your role was: {inherited}."),
            _("Your role was: {own_role}."),
        ),
    ),
)
declare(
    NotificationType.EVENT_ROLE_TAKEN,
    Wording(
        (_("You no longer have a role: {name}"), _("You no longer have a role at an event")),
        (_("{person} has removed your role."),),
    ),
    topic="norole",
    withdrawn=Wording(
        (_("For a while you had no role: {name}"), _("For a while you had no role at an event")),
        (_("You have a role again."),),
    ),
)
