"""How tests of all mutations call those of this area (`tests/api/core/examples.py`)."""

from __future__ import annotations

from typing import Any

import models
from tests.api.core.examples import OWN, Deed, Example, Things
from tests.factories import in_days


def dates(event: models.Event) -> dict[str, str]:
    return {"startsAt": event.starts_at.isoformat(), "endsAt": event.ends_at.isoformat()}


def new_event(of: Things) -> dict[str, Any]:
    given = {"title": "New", "categoryId": of.category, "venueId": of.venue, "clubId": of.club}
    return given | {"startsAt": in_days(5).isoformat(), "endsAt": in_days(6).isoformat()}


MUTATIONS = {
    "createEvent": Example(
        "anna",
        {
            "title": "Новое",
            "categoryId": "@EventCategory.slug=bar",
            "venueId": "@Venue",
            "startsAt": "2126-06-27T18:00:00+03:00",
            "endsAt": "2126-06-27T20:00:00+03:00",
        },
        [Deed("event.create", new_event)],
    ),
    "updateEvent": Example(
        "anna",
        {"eventId": "@Event.title=Offering", "expectedVersion": 1, "title": "Иначе"},
        [
            Deed(
                "event.update",
                lambda of: {
                    "eventId": of.event,
                    "expectedVersion": 1,
                    "title": "New",
                    "capacity": 9,
                    "visibility": "UNLISTED",
                    "price": {"amount": "5.50"},
                    "newVenue": {"name": "Elsewhere"},
                    "interestIds": [of.jazz],
                },
                subject="event",
            ),
            Deed("event.update", lambda of: {"eventId": of.event, "expectedVersion": 1, "interestIds": [of.jazz]}),
        ],
    ),
    "publishEvent": Example(
        "boris",
        {"eventId": "@Event.title=Draft"},
        [
            Deed("event.status.change", lambda of: {"eventId": of.draft}, subject="draft"),
            Deed("event.status.change", lambda of: {"eventId": of.waiting}, subject="waiting"),
        ],
    ),
    "cancelEvent": Example(
        "anna",
        {"eventId": "@Event.title=Full", "reason": "Дождь"},
        [Deed("event.status.change", lambda of: {"eventId": of.event}, subject="event")],
    ),
    "archiveEvent": Example(
        "anna",
        {"eventId": "@Event.title=Cancelled"},
        [Deed("event.status.change", lambda of: {"eventId": of.empty}, subject="empty")],
    ),
    "reactivateEvent": Example(
        "anna",
        {"eventId": "@Event.title=Cancelled", "startsAt": "2126-06-27T18:00:00+03:00"},
        [
            Deed("event.status.change", lambda of: {"eventId": of.called_off}, subject="called_off"),
            Deed("event.hold_again", lambda of: {"eventId": of.held, "startsAt": in_days(5).isoformat()}),
        ],
    ),
    "deleteEvent": Example(
        "boris",
        {"eventId": "@Event.title=Draft"},
        [
            Deed("event.delete", lambda of: {"eventId": of.empty}, subject="empty"),
            Deed("event.delete", lambda of: {"eventId": of.called_off}, subject="called_off"),
        ],
    ),
    "addEventHost": Example(
        "anna",
        {"eventId": "@Event.title=Offering", "userId": "@User.handle=shy", "role": "STAFF"},
        [
            Deed(
                "event.host.change",
                lambda of: {"eventId": of.event, "userId": of.eve, "role": "STAFF"},
                subject="event",
            ),
            Deed(
                "event.host.change",
                lambda of: {"eventId": of.event, "userId": of.moderator, "role": "ORGANIZER"},
                subject="event",
            ),
        ],
    ),
    "changeEventHostRole": Example(
        "ada",
        {"eventId": "@Event.title=Full", "userId": "@User.handle=boris", "role": "CO_ORGANIZER"},
        [
            Deed(
                "event.host.change",
                lambda of: {"eventId": of.event, "userId": of.cohost, "role": "STAFF"},
                subject="event",
            )
        ],
    ),
    "removeEventHost": Example(
        "ada",
        {"eventId": "@Event.title=Full", "userId": "@User.handle=boris"},
        [Deed("event.host.change", lambda of: {"eventId": of.event, "userId": of.cohost}, subject="event")],
    ),
    "addService": Example(
        "ada",
        {
            "eventId": "@Event.title=Inside",
            "serviceTypeId": "@ServiceType",
            "startsAt": "2126-05-27T13:00:00Z",
            "endsAt": "2126-05-27T14:00:00Z",
        },
        [Deed("service.add", lambda of: {"eventId": of.offering, "serviceTypeId": of.kind, **dates(of.offering)})],
    ),
    "updateService": Example(
        "ada",
        {"serviceId": "@Service.window_days=3", "expectedVersion": 1, "capacity": 12},
        [
            Deed(
                "service.update",
                lambda of: {"serviceId": of.service, "expectedVersion": 1, "capacity": 5, "windowDays": 3},
                subject="service",
            )
        ],
    ),
    "cancelService": Example(
        "ada",
        {"serviceId": "@Service.window_days=30"},
        [Deed("service.cancel", lambda of: {"serviceId": of.service}, subject="service")],
    ),
    "deleteService": Example(
        "ada",
        {"serviceId": "@Service.window_days=0"},
        [Deed("service.delete", lambda of: {"serviceId": of.idle}, subject="idle")],
    ),
    "createVenue": Example("anna", {"name": "Новый двор", "latitude": 55.75, "longitude": 37.6}, OWN),
    "withdrawEventRevision": Example(
        "anna",
        {"revisionId": "@EventRevision.title=Иначе"},
        [Deed("event.revision.withdraw", lambda of: {"revisionId": of.revision}, subject="revision")],
    ),
}
