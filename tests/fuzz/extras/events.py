"""Events of every status and visibility, with services of every kind."""

from __future__ import annotations

from typing import Any

import models
from models import EventRole, EventStatus, EventVisibility
from tests.factories import in_days, make_event, make_host, make_service, now
from tests.fuzz.extras.given import Given, Rows


def rows(given: Given) -> Rows:
    given.events = events = _events(given)
    given.services = _services(given)
    offering = make_host(events["offering"], given.people["gone"], EventRole.CO_ORGANIZER)
    return [*events.values(), *given.services, offering, *_hosts(events, given.people)]


def _events(given: Given) -> dict[str, models.Event]:
    def made(author: str, title: str, **values: Any) -> models.Event:
        return make_event(given.people[author], given.category, given.venue, title=title, **values)

    return {
        "draft": made("boris", "Draft", status=EventStatus.DRAFT, published_at=None),
        "pending": made("boris", "Pending", status=EventStatus.PENDING_REVIEW, published_at=None, capacity=5),
        "archived": made(
            "anna", "Archived", status=EventStatus.ARCHIVED, archived_at=now(), starts_at=in_days(-30), description=None
        ),
        "cancelled": made("anna", "Cancelled", status=EventStatus.CANCELLED, cancelled_at=now(), cancel_reason="Дождь"),
        "removed": made(
            "anna", "Removed", status=EventStatus.CANCELLED, cancelled_at=now(), cancel_reason="Дождь", deleted_at=now()
        ),
        "unlisted": made("anna", "Unlisted", visibility=EventVisibility.UNLISTED, price_amount="0.50"),
        "inside": made("anna", "Inside", visibility=EventVisibility.CLUB, club=given.clubs["private"]),
        "offering": made("anna", "Offering", starts_at=in_days(-0.05), capacity=30, price_amount="1500"),
        "serving": made("anna", "Serving", starts_at=in_days(2), capacity=20, availability_sequence=3),
        "full": made("anna", "Full", capacity=1),
    }


def _hosts(events: dict[str, models.Event], people: dict[str, models.User]) -> Rows:
    rows: Rows = [
        make_host(event, people["anna"]) for name, event in events.items() if name not in ("draft", "pending")
    ]
    rows += [make_host(events["draft"], people["boris"]), make_host(events["pending"], people["boris"])]
    return [*rows, make_host(events["full"], people["boris"], EventRole.STAFF)]


def _services(given: Given) -> list[models.Service]:
    event, later = given.events["offering"], given.events["serving"]
    return [
        make_service(event, given.service_type, staff_person=given.people["vera"], window_days=3),
        make_service(event, given.service_type, capacity=1, staff_person=given.people["gone"]),
        make_service(event, given.service_type, cancelled_at=now(), window_days=0),
        make_service(event, given.service_type, cancelled_at=now(), deleted_at=now()),
        make_service(later, given.service_type, window_days=30),
        make_service(later, given.service_type, window_days=1),
    ]
