"""Inputs of events and services, and how they become what the rules understand."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import strawberry

import models
from errors import InvalidId, UserError, refuse
from resolvers.event_input import EventChanges, NewService, Price
from resolvers.event_search import EventFilter, EventSort
from resolvers.events import NewEvent
from resolvers.services import ServiceChanges
from schema import ids
from schema.enums import enum
from schema.filters import Filter
from schema.money import MoneyInput
from schema.prices import SEARCHED
from schema.roots import MutationInput
from schema.venues import NewVenueInput, new_venue

enum(
    models.EventStatus,
    "Where an event stands in its life.",
    DRAFT="Not out yet: those who may change it see it.",
    PENDING_REVIEW="Waits for a moderator.",
    PUBLISHED="It is out.",
    CANCELLED="It will not take place.",
    ARCHIVED="Over, or put away: no list shows it unless asked.",
)
enum(
    models.EventTiming,
    "Where an event or a service stands now, by the clock.",
    UPCOMING="It has not begun.",
    ONGOING="It has begun and not ended.",
    PAST="It has ended.",
)
enum(
    models.EventVisibility,
    "Who may see an event.",
    PUBLIC="Everyone.",
    UNLISTED="Anyone with the link; no list shows it.",
    CLUB="Members of its club only.",
)
enum(
    EventSort,
    "Order of a list of events. Equal ones are in order of their ids.",
    RELEVANCE="Those first whose title has the words of the text, then those that have them in title and tags, then "
    "those that have them there and in the place, then the others; among these the earliest start first.",
    STARTS_AT_ASC="The earliest start first.",
    STARTS_AT_DESC="The latest start first.",
    CREATED_AT_DESC="The newest first.",
)

NOWHERE = UUID(int=0)


class Ids:
    """Decodes ids of an input and raises all wrong ones together."""

    def __init__(self) -> None:
        self._problems: list[UserError] = []

    def of(self, value: str, type_name: str, *path: str) -> UUID:
        try:
            return ids.decode(value, type_name, *path)
        except InvalidId as error:
            self._problems.append(error)
            return NOWHERE

    def maybe(self, value: str | None, type_name: str, *path: str) -> UUID | None:
        return None if value is None else self.of(value, type_name, *path)

    def many(self, values: list[strawberry.ID], type_name: str, *path: str) -> list[UUID]:
        return [self.of(value, type_name, *path, str(position)) for position, value in enumerate(values)]

    def check(self) -> None:
        refuse(self._problems)


def given(**maybes: strawberry.Maybe[Any]) -> dict[str, Any]:
    """Those that were given, null included."""
    return {name: maybe.value for name, maybe in maybes.items() if maybe is not None}


@strawberry.input(description="A service of an event.")
class ServiceInput:
    service_type_id: strawberry.ID = strawberry.field(description="From `serviceTypes`.")
    starts_at: datetime = strawberry.field(description="With offset; within the event.")
    ends_at: datetime = strawberry.field(description="With offset; within the event.")
    capacity: int | None = strawberry.field(
        default=None, description="Bookings, not more than the event's capacity. The type's default unless given."
    )
    window_days: strawberry.Maybe[int | None] = strawberry.field(
        default=None,
        description="Booking opens at local midnight this many days before the event; null means at once. "
        "The type's default unless given.",
    )
    staff_person_id: strawberry.ID | None = strawberry.field(default=None, description="Who gives the service.")


def new_service(input: ServiceInput, decode: Ids, *path: str) -> NewService:
    window = input.window_days
    return NewService(
        service_type_id=decode.of(input.service_type_id, "ServiceType", *path, "serviceTypeId"),
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        capacity=input.capacity,
        window_days=window.value if window is not None else None,
        always_open=window is not None and window.value is None,
        staff_person_id=decode.maybe(input.staff_person_id, "User", *path, "staffPersonId"),
    )


@strawberry.input(description="An event to be made, with its services and its venue.")
class CreateEventInput(MutationInput):
    title: str = strawberry.field(description="At most 500 characters.")
    description: str | None = strawberry.field(default=None, description="At most 20,000 characters.")
    category_id: strawberry.ID = strawberry.field(description="From `eventCategories`.")
    interest_ids: list[strawberry.ID] = strawberry.field(default_factory=list, description="At most 50.")
    club_id: strawberry.ID | None = strawberry.field(default=None, description="A club of which one is a member.")
    visibility: models.EventVisibility = strawberry.field(
        default=models.EventVisibility.PUBLIC, description="CLUB needs a club."
    )
    starts_at: datetime = strawberry.field(description="With offset.")
    ends_at: datetime = strawberry.field(description="With offset; not before `startsAt`, and in the future.")
    capacity: int | None = strawberry.field(
        default=None, description="Most people; null means unlimited. Needed with services."
    )
    price: MoneyInput | None = strawberry.field(default=None, description="For one person; free unless given.")
    venue_id: strawberry.ID | None = strawberry.field(default=None, description="Either this or `newVenue`.")
    new_venue: NewVenueInput | None = strawberry.field(default=None, description="Either this or `venueId`.")
    services: list[ServiceInput] = strawberry.field(
        default_factory=list, description="At most 100. Needs the permission `EVENT_OFFER_SERVICES`."
    )


def new_event(input: CreateEventInput) -> NewEvent:
    decode = Ids()
    services = [new_service(one, decode, "services", str(at)) for at, one in enumerate(input.services[:101])]
    wanted = NewEvent(
        title=input.title,
        description=input.description,
        category_id=decode.of(input.category_id, "EventCategory", "categoryId"),
        interest_ids=decode.many(input.interest_ids, "Interest", "interestIds"),
        club_id=decode.maybe(input.club_id, "Club", "clubId"),
        visibility=input.visibility,
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        capacity=input.capacity,
        price=input.price.price() if input.price else Price(amount=Decimal(0), currency="RUB"),
        venue_id=decode.maybe(input.venue_id, "Venue", "venueId"),
        new_venue=new_venue(input.new_venue) if input.new_venue else None,
        services=services,
    )
    decode.check()
    return wanted


@strawberry.input(description="What changes of an event. A field that is left out stays as it is.")
class UpdateEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")
    expected_version: int = strawberry.field(description="`version` as it was read; another one is VERSION_CONFLICT.")
    title: strawberry.Maybe[str] = strawberry.field(default=None, description="At most 500 characters.")
    description: strawberry.Maybe[str | None] = strawberry.field(default=None, description="Null removes it.")
    category_id: strawberry.Maybe[strawberry.ID] = strawberry.field(default=None, description="From `eventCategories`.")
    interest_ids: strawberry.Maybe[list[strawberry.ID]] = strawberry.field(
        default=None, description="All of them from now on, at most 50."
    )
    visibility: strawberry.Maybe[models.EventVisibility] = strawberry.field(default=None, description="Who may see it.")
    starts_at: strawberry.Maybe[datetime] = strawberry.field(default=None, description="With offset.")
    ends_at: strawberry.Maybe[datetime] = strawberry.field(default=None, description="With offset.")
    move_services: bool = strawberry.field(
        default=False,
        description="Whether the services move along, each to the same time on the clock of the venue after the start "
        "as before, also over a clock change or into another zone.",
    )
    capacity: strawberry.Maybe[int | None] = strawberry.field(
        default=None,
        description="Null removes the limit, where there are no services. Not below what is taken, nor below a "
        "service's capacity.",
    )
    price: strawberry.Maybe[MoneyInput] = strawberry.field(default=None, description="For one person.")
    venue_id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        default=None, description="Another known venue. The event takes its zone; the instants stay."
    )
    new_venue: strawberry.Maybe[NewVenueInput] = strawberry.field(default=None, description="A venue not known yet.")


def event_changes(input: UpdateEventInput) -> EventChanges:
    decode = Ids()
    changes: EventChanges = given(  # type: ignore[assignment]  # a dict of just these keys
        title=input.title,
        description=input.description,
        visibility=input.visibility,
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        capacity=input.capacity,
    )
    if input.category_id is not None:
        changes["category_id"] = decode.of(input.category_id.value, "EventCategory", "categoryId")
    if input.interest_ids is not None:
        changes["interest_ids"] = decode.many(input.interest_ids.value, "Interest", "interestIds")
    if input.price is not None:
        changes["price"] = input.price.value.price()
    if input.venue_id is not None:
        changes["venue_id"] = decode.of(input.venue_id.value, "Venue", "venueId")
    if input.new_venue is not None:
        changes["new_venue"] = new_venue(input.new_venue.value)
    decode.check()
    return changes


@strawberry.input(description="What changes of a service. A field that is left out stays as it is.")
class UpdateServiceInput(MutationInput):
    service_id: strawberry.ID = strawberry.field(description="The service.")
    expected_version: int = strawberry.field(description="`version` as it was read; another one is VERSION_CONFLICT.")
    starts_at: strawberry.Maybe[datetime] = strawberry.field(default=None, description="Within the event.")
    ends_at: strawberry.Maybe[datetime] = strawberry.field(default=None, description="Within the event.")
    capacity: strawberry.Maybe[int] = strawberry.field(
        default=None, description="Not below what is taken, nor above the event's capacity."
    )
    window_days: strawberry.Maybe[int | None] = strawberry.field(
        default=None, description="Days before the event on which booking opens; null means at once."
    )


def service_changes(input: UpdateServiceInput) -> ServiceChanges:
    changes: ServiceChanges = given(  # type: ignore[assignment]  # a dict of just these keys
        starts_at=input.starts_at, ends_at=input.ends_at, capacity=input.capacity, window_days=input.window_days
    )
    return changes


@strawberry.input(description="Days of the venue's calendar, the first included and the last not.")
class DateRangeInput:
    from_: date | None = strawberry.field(default=None, name="from", description="The first day.")
    to: date | None = strawberry.field(default=None, description="The day after the last one.")


@strawberry.input(name="EventFilter", description="Narrows a list of events. All that is given has to hold.")
class EventFilterInput(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED,
        description="Words of title, category, interests, services, venue, address or description, in any Russian or "
        "English form, also unfinished ones; case, ё and accents do not matter. At most 200 characters, of which the "
        "first 12 words count.",
    )
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="These events only; at most 100.")
    category_id: strawberry.ID | None = strawberry.field(default=None, description="Of this category.")
    interest_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="With any of these interests; at most 100."
    )
    date_range: DateRangeInput | None = strawberry.field(
        default=None, description="Starting on these days, on the clock of the venue."
    )
    venue_id: strawberry.ID | None = strawberry.field(default=None, description="At this venue.")
    club_id: strawberry.ID | None = strawberry.field(default=None, description="Of this club.")
    service_type_id: strawberry.ID | None = strawberry.field(
        default=None, description="Offering a service of this type that is not cancelled."
    )
    is_free: bool | None = strawberry.field(default=None, description="Without a price, or with one.")
    price_to: MoneyInput | None = strawberry.field(
        default=None, description="Free, or at most this much in this currency."
    )
    timing: models.EventTiming | None = strawberry.field(default=None, description="Where it stands now.")
    status: models.EventStatus | None = strawberry.field(
        default=None, description="In this status. Archived ones are found with `archived`."
    )
    archived: bool | None = strawberry.field(
        default=None,
        description="True: archived events that one hosts, took part in or whose club one runs; all of them for staff. "
        "False: the rest. "
        "Published and cancelled events belong to the archive from the day after their end, on the clock of the venue. "
        "Null: as false, but with `timing: PAST` all that has been, whether archived or not.",
    )
    hosted_by_viewer: bool | None = strawberry.field(default=None, description="With a role of the caller, or without.")


def event_filter(input: EventFilterInput | None) -> EventFilter:
    if input is None:
        return EventFilter()
    decode, days = Ids(), input.date_range or DateRangeInput()
    wanted = EventFilter(
        text=input.text,
        ids=None if input.ids is None else decode.many(input.ids, "Event", "filter", "ids"),
        category_id=decode.maybe(input.category_id, "EventCategory", "filter", "categoryId"),
        interest_ids=None
        if input.interest_ids is None
        else decode.many(input.interest_ids, "Interest", "filter", "interestIds"),
        date_from=days.from_,
        date_to=days.to,
        venue_id=decode.maybe(input.venue_id, "Venue", "filter", "venueId"),
        club_id=decode.maybe(input.club_id, "Club", "filter", "clubId"),
        service_type_id=decode.maybe(input.service_type_id, "ServiceType", "filter", "serviceTypeId"),
        is_free=input.is_free,
        price_to=input.price_to.price() if input.price_to else None,
        timing=input.timing,
        status=input.status,
        archived=input.archived,
        hosted_by_viewer=input.hosted_by_viewer,
    )
    decode.check()
    return wanted
