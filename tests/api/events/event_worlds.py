"""Documents and rows that the tests of events share."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import models
from models import ClubRole, EventRole, Role
from tests.factories import (
    from_now,
    in_days,
    make_category,
    make_club,
    make_event,
    make_host,
    make_membership,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

CREATE = """
mutation ($input: CreateEventInput!) {
  createEvent(input: $input) {
    event {
      id title status visibility startsAt endsAt timeZone date timing capacity version description
      priceFrom { amount currency } venue { name timeZone } category { name } interests { slug }
      organizers { handle } hosts { role user { handle } } chat { kind } club { name }
      services { startsAt capacity windowDays bookedCount bookingOpensAt isCancelled
        type { name } staffPerson { handle } }
    }
    errors { code path message }
  }
}
"""
UPDATE = """
mutation ($input: UpdateEventInput!) {
  updateEvent(input: $input) {
    event { title description version capacity startsAt timeZone venue { name } services { startsAt } }
    errors { code path }
  }
}
"""
PUBLISH = "mutation ($input: PublishEventInput!) { publishEvent(input: $input) { event { status } errors { code } } }"
CANCEL = """
mutation ($input: CancelEventInput!) {
  cancelEvent(input: $input) { event { status cancelReason } errors { code } }
}
"""
ARCHIVE = "mutation ($input: ArchiveEventInput!) { archiveEvent(input: $input) { event { status } errors { code } } }"
DELETE = """
mutation ($input: DeleteEventInput!) { deleteEvent(input: $input) { deletedEventId errors { code message } } }
"""
EVENTS = """
query ($filter: EventFilter, $sort: EventSort! = STARTS_AT_ASC, $first: Int, $after: String) {
  events(filter: $filter, sort: $sort, first: $first, after: $after) {
    nodes { title } totalCount pageInfo { endCursor hasNextPage }
  }
}
"""


@dataclass
class World:
    """A published event of a club, with one service, seen by everyone who may matter to it."""

    category: models.EventCategory
    venue: models.Venue
    club: models.Club
    service_type: models.ServiceType
    event: models.Event
    service: models.Service
    users: dict[str, models.User | None]

    def user(self, name: str) -> Any:
        return self.users[name]


async def a_world(save: Any, **values: Any) -> World:
    users: dict[str, Any] = {name: make_user() for name in ("stranger", "member", "organiser", "club_owner")}
    users |= {"volunteer": make_user(role=Role.VOLUNTEER)}
    users |= {"moderator": make_user(role=Role.MODERATOR), "admin": make_user(role=Role.ADMIN)}
    category, venue, club, service_type = make_category(), make_venue(), make_club(), make_service_type()
    starts_at = from_now(values.pop("starts_at", in_days(7)))
    event = make_event(
        users["organiser"], category, venue,
        **{"club": club, "capacity": 20, "starts_at": starts_at, "ends_at": starts_at + timedelta(hours=4)} | values,
    )  # fmt: skip
    service = make_service(event, service_type, ends_at=starts_at + timedelta(hours=1), capacity=10)
    await save(*users.values(), category, venue, club, service_type)
    await save(
        event,
        make_membership(club, users["member"]),
        make_membership(club, users["club_owner"], role=ClubRole.OWNER),
    )
    await save(make_host(event, users["organiser"], EventRole.ORGANIZER), service)
    return World(category, venue, club, service_type, event, service, users | {"signed_out": None})


def an_input(world: World, **values: Any) -> dict[str, Any]:
    """What `createEvent` takes, with defaults."""
    starts_at = in_days(10)
    return {
        "title": "Домашний концерт",
        "categoryId": world.category,
        "venueId": world.venue,
        "startsAt": starts_at.isoformat(),
        "endsAt": (starts_at + timedelta(hours=3)).isoformat(),
    } | values


def outcome(answer: Any, field: str) -> str:
    """One word for what happened: DONE, or the code, be it at the top or in the payload."""
    if answer.errors:
        return str(answer.error_codes[0])
    found = answer.data[field]["errors"]
    return str(found[0]["code"]) if found else "DONE"
