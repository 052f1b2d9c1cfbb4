"""Inputs of events, with those of services within them, and how they become what the rules understand."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any

import strawberry

import models
from errors import Required, UserError
from resolvers.core.money import Price
from resolvers.events import search
from resolvers.events.events import NewEvent, check_description, check_one_venue, check_title
from resolvers.events.search import EventFilter, EventSort
from resolvers.events.validation import (
    CapacityNeeded,
    EventChanges,
    EventFrame,
    NewService,
    check_places,
    check_service_capacity,
    check_times,
    check_window,
    check_within,
)
from resolvers.people.interests import check_most
from schema.core import ids
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.input_checks import checked, id_of
from schema.core.money import MoneyInput
from schema.core.prices import SEARCHED
from schema.core.roots import MutationInput
from schema.events.venues import NewVenueInput, new_venue

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


def given(**maybes: strawberry.Maybe[Any]) -> dict[str, Any]:
    """Those that were given, null included."""
    return {name: maybe.value for name, maybe in maybes.items() if maybe is not None}


@strawberry.input(description="A service of an event.")
class ServiceInput:
    service_type_id: strawberry.ID = strawberry.field(description="From `serviceTypes`.")
    starts_at: datetime = strawberry.field(description="With offset; within the event.")
    ends_at: datetime = strawberry.field(description="With offset; within the event.")
    capacity: int | None = strawberry.field(
        default=None,
        description="Bookings, not more than the event's capacity. The type's default unless given.",
        metadata=checked(check_places),
    )
    window_days: strawberry.Maybe[int | None] = strawberry.field(
        default=None,
        description="Booking opens at local midnight this many days before the event; null means at once. "
        "The type's default unless given.",
        metadata=checked(check_window),
    )
    staff_person_id: strawberry.ID | None = strawberry.field(default=None, description="Who gives the service.")

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"starts_at", "ends_at"} <= given.keys():
            check_times(problems, given["starts_at"], given["ends_at"], *path, unchanged=True)


def _check_fits(problems: list[UserError], frame: EventFrame, service: Mapping[str, Any], *path: str) -> None:
    """What of a service is known by itself fits into its event."""
    if {"starts_at", "ends_at"} <= service.keys() and service["starts_at"] <= service["ends_at"]:
        check_within(problems, frame, service["starts_at"], service["ends_at"], *path)
    if service.get("capacity") is not None:
        check_service_capacity(problems, frame, service["capacity"], *path, "capacity")


def new_service(input: ServiceInput) -> NewService:
    window = input.window_days
    return NewService(
        service_type_id=ids.decode(input.service_type_id, "ServiceType"),
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        capacity=input.capacity,
        window_days=window.value if window is not None else None,
        always_open=window is not None and window.value is None,
        staff_person_id=ids.maybe(input.staff_person_id, "User"),
    )


@strawberry.input(description="An event to be made, with its services and its venue.")
class CreateEventInput(MutationInput):
    title: str = strawberry.field(description="At most 500 characters.", metadata=checked(check_title))
    description: str | None = strawberry.field(
        default=None, description="At most 20,000 characters.", metadata=checked(check_description)
    )
    category_id: strawberry.ID = strawberry.field(description="From `eventCategories`.")
    interest_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list, description="At most 50.", metadata=checked(check_most)
    )
    club_id: strawberry.ID | None = strawberry.field(default=None, description="A club of which one is a member.")
    visibility: models.EventVisibility = strawberry.field(
        default=models.EventVisibility.PUBLIC, description="CLUB needs a club."
    )
    starts_at: datetime = strawberry.field(description="With offset.")
    ends_at: datetime = strawberry.field(description="With offset; not before `startsAt`, and in the future.")
    capacity: int | None = strawberry.field(
        default=None,
        description="Most people; null means unlimited. Needed with services.",
        metadata=checked(check_places),
    )
    price: MoneyInput | None = strawberry.field(default=None, description="For one person; free unless given.")
    venue_id: strawberry.ID | None = strawberry.field(default=None, description="Either this or `newVenue`.")
    new_venue: NewVenueInput | None = strawberry.field(default=None, description="Either this or `venueId`.")
    services: list[ServiceInput] = strawberry.field(
        default_factory=list, description="At most 100. Needs the permission `EVENT_OFFER_SERVICES`."
    )

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"venue_id", "new_venue"} <= given.keys():
            check_one_venue(problems, given["venue_id"], given["new_venue"])
        if given.get("visibility") is models.EventVisibility.CLUB and given.get("club_id", "") is None:
            problems.append(Required(path=("clubId",)))
        services = given.get("services", ())
        if services and given.get("capacity", 0) is None:
            problems.append(CapacityNeeded(path=("capacity",)))
        if check_times(problems, given.get("starts_at"), given.get("ends_at")):
            frame = EventFrame(given["starts_at"], given["ends_at"], given.get("capacity"))
            for at, service in enumerate(services):
                _check_fits(problems, frame, service, "services", str(at))


def new_event(input: CreateEventInput) -> NewEvent:
    return NewEvent(
        title=input.title,
        description=input.description,
        category_id=ids.decode(input.category_id, "EventCategory"),
        interest_ids=ids.decode_all(input.interest_ids, "Interest"),
        club_id=ids.maybe(input.club_id, "Club"),
        visibility=input.visibility,
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        capacity=input.capacity,
        price=input.price.price() if input.price else Price(amount=Decimal(0), currency="RUB"),
        venue_id=ids.maybe(input.venue_id, "Venue"),
        new_venue=new_venue(input.new_venue) if input.new_venue else None,
        services=[new_service(one) for one in input.services],
    )


@strawberry.input(description="What changes of an event. A field that is left out stays as it is.")
class UpdateEventInput(MutationInput):
    event_id: strawberry.ID = strawberry.field(description="The event.")
    expected_version: int = strawberry.field(description="`version` as it was read; another one is VERSION_CONFLICT.")
    title: strawberry.Maybe[str] = strawberry.field(
        default=None, description="At most 500 characters.", metadata=checked(check_title)
    )
    description: strawberry.Maybe[str | None] = strawberry.field(
        default=None, description="Null removes it.", metadata=checked(check_description)
    )
    category_id: strawberry.Maybe[strawberry.ID] = strawberry.field(default=None, description="From `eventCategories`.")
    interest_ids: strawberry.Maybe[list[strawberry.ID]] = strawberry.field(
        default=None, description="All of them from now on, at most 50.", metadata=checked(check_most)
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
        metadata=checked(check_places),
    )
    price: strawberry.Maybe[MoneyInput] = strawberry.field(default=None, description="For one person.")
    venue_id: strawberry.Maybe[strawberry.ID] = strawberry.field(
        default=None, description="Another known venue. The event takes its zone; the instants stay."
    )
    new_venue: strawberry.Maybe[NewVenueInput] = strawberry.field(default=None, description="A venue not known yet.")

    @staticmethod
    def check_together(problems: list[UserError], given: Mapping[str, Any], *path: str) -> None:
        if {"venue_id", "new_venue"} <= given.keys():
            check_one_venue(problems, given["venue_id"], given["new_venue"])
        if {"starts_at", "ends_at"} <= given.keys():
            check_times(problems, given["starts_at"], given["ends_at"], unchanged=True)


def event_changes(input: UpdateEventInput) -> EventChanges:
    changes: EventChanges = given(  # type: ignore[assignment]  # a dict of just these keys
        title=input.title,
        description=input.description,
        visibility=input.visibility,
        starts_at=input.starts_at,
        ends_at=input.ends_at,
        capacity=input.capacity,
    )
    if input.category_id is not None:
        changes["category_id"] = ids.decode(input.category_id.value, "EventCategory")
    if input.interest_ids is not None:
        changes["interest_ids"] = ids.decode_all(input.interest_ids.value, "Interest")
    if input.price is not None:
        changes["price"] = input.price.value.price()
    if input.venue_id is not None:
        changes["venue_id"] = ids.decode(input.venue_id.value, "Venue")
    if input.new_venue is not None:
        changes["new_venue"] = new_venue(input.new_venue.value)
    return changes


@strawberry.input(description="Days of the venue's calendar, the first included and the last not.")
class DateRangeInput:
    from_: date | None = strawberry.field(default=None, name="from", description="The first day.")
    to: date | None = strawberry.field(default=None, description="The day after the last one.")


ARCHIVED = (
    "An event is in the archive once it was put there; a published or cancelled one also from the day after its end, "
    "on the clock of its venue. There it is found by those who took part in it, host it or run its club, and by staff; "
    "nobody else finds it in any list. True: what is in the archive. False: the rest. Null: the rest, and what is in "
    "the archive where `timings` has PAST or `{statuses}` has ARCHIVED."
)


@strawberry.input(name="EventFilter", description=f"Narrows a list of events. {ALL_HOLD}")
class EventFilterInput(Filter):
    text: str | None = strawberry.field(
        default=None,
        metadata=SEARCHED,
        description="Words of title, category, interests, services, venue, address or description, in any Russian or "
        "English form, also unfinished ones; case, ё and accents do not matter. At most 200 characters, of which the "
        "first 12 words count.",
    )
    ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="These events only.", metadata=checked(each=id_of("Event"))
    )
    category_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these categories.")
    interest_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="For people with any of these interests."
    )
    date_range: DateRangeInput | None = strawberry.field(
        default=None, description="Starting on these days, on the clock of the venue."
    )
    venue_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="At these venues.")
    club_ids: list[strawberry.ID] | None = strawberry.field(default=None, description="Of these clubs.")
    service_type_ids: list[strawberry.ID] | None = strawberry.field(
        default=None, description="Offering a service of these types that is not cancelled."
    )
    is_free: bool | None = strawberry.field(default=None, description="Without a price, or with one.")
    price_to: MoneyInput | None = strawberry.field(
        default=None, description="Free, or at most this much in this currency."
    )
    has_free_places: bool | None = strawberry.field(
        default=None,
        description="With places left, as `availability` tells them, or without. Whether one may take them is told by "
        "`viewerRegistrationState`.",
    )
    timings: list[models.EventTiming] | None = strawberry.field(default=None, description="By where it stands now.")
    statuses: list[models.EventStatus] | None = strawberry.field(
        default=None,
        description="In these statuses. Drafts and other events of others that never went out are found by staff who "
        "name their status here.",
    )
    visibilities: list[models.EventVisibility] | None = strawberry.field(
        default=None,
        description="Seen by these. Hidden events of others are found by staff who name their visibility here, or "
        "their club in `clubIds`.",
    )
    archived: bool | None = strawberry.field(default=None, description=ARCHIVED.format(statuses="statuses"))
    hosted_by_viewer: bool | None = strawberry.field(default=None, description="With a role of the caller, or without.")

    @cached_property
    def wanted(self) -> EventFilter:
        """The filter as the rules understand it. Kept, because inputs are shared by requests that ask the same."""
        days = self.date_range or DateRangeInput()
        return EventFilter(
            text=self.text,
            ids=ids.maybe_all(self.ids, "Event"),
            category_ids=ids.maybe_all(self.category_ids, "EventCategory"),
            interest_ids=ids.maybe_all(self.interest_ids, "Interest"),
            date_from=days.from_,
            date_to=days.to,
            venue_ids=ids.maybe_all(self.venue_ids, "Venue"),
            club_ids=ids.maybe_all(self.club_ids, "Club"),
            service_type_ids=ids.maybe_all(self.service_type_ids, "ServiceType"),
            is_free=self.is_free,
            price_to=self.price_to.price() if self.price_to else None,
            has_free_places=self.has_free_places,
            timings=self.timings,
            statuses=self.statuses,
            visibilities=self.visibilities,
            archived=self.archived,
            hosted_by_viewer=self.hosted_by_viewer,
        )

    def problems(self) -> list[UserError]:
        return search.problems(self.wanted)
