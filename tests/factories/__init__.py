"""Rows with defaults, from the file of their area. `from tests.factories import make_event` serves all tests.

A row given for a relation becomes its key: `make_event(venue=venue)`. A `timedelta` given for a moment is counted from
now: `make_event(starts_at=timedelta(days=-3))`. That is how parameters of a test state times; `now()` among them would
be the time when the tests were collected.
"""

from __future__ import annotations

from tests.factories.booking import make_booking, make_registration
from tests.factories.chat import make_chat, make_member, make_message
from tests.factories.clubs import make_club, make_membership
from tests.factories.core import ZONE, from_now, in_days, new_id, now, standing_now, zone_where_it_is
from tests.factories.events import make_category, make_event, make_host, make_service, make_service_type, make_venue
from tests.factories.notifications import make_notification
from tests.factories.people import make_interest, make_user
from tests.factories.reviews import make_review

__all__ = [
    "ZONE",
    "from_now",
    "in_days",
    "make_booking",
    "make_category",
    "make_chat",
    "make_club",
    "make_event",
    "make_host",
    "make_interest",
    "make_member",
    "make_membership",
    "make_message",
    "make_notification",
    "make_registration",
    "make_review",
    "make_service",
    "make_service_type",
    "make_user",
    "make_venue",
    "new_id",
    "now",
    "standing_now",
    "zone_where_it_is",
]
