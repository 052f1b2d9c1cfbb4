"""Inputs of events, with those of services within them, and how they become what the rules understand."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from uuid import UUID

import strawberry

import models
from errors import InvalidId, UserError, refuse
from resolvers import event_search
from resolvers.event_input import EventChanges, NewService, Price
from resolvers.event_search import EventFilter, EventSort
from resolvers.events import NewEvent
from schema import ids
from schema.enums import enum
from schema.filters import ALL_HOLD, Filter
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

    def among(self, values: list[strawberry.ID] | None, type_name: str, *path: str) -> list[UUID] | None:
        """Of a set in a filter, which narrows nothing if it is null."""
        return None if values is None else self.many(values, type_name, *path)

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
    ids: list[strawberry.ID] | None = strawberry.field(default=None, description="These events only.")
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
        decode, days = Ids(), self.date_range or DateRangeInput()
        wanted = EventFilter(
            text=self.text,
            ids=decode.among(self.ids, "Event", "filter", "ids"),
            category_ids=decode.among(self.category_ids, "EventCategory", "filter", "categoryIds"),
            interest_ids=decode.among(self.interest_ids, "Interest", "filter", "interestIds"),
            date_from=days.from_,
            date_to=days.to,
            venue_ids=decode.among(self.venue_ids, "Venue", "filter", "venueIds"),
            club_ids=decode.among(self.club_ids, "Club", "filter", "clubIds"),
            service_type_ids=decode.among(self.service_type_ids, "ServiceType", "filter", "serviceTypeIds"),
            is_free=self.is_free,
            price_to=self.price_to.price() if self.price_to else None,
            has_free_places=self.has_free_places,
            timings=self.timings,
            statuses=self.statuses,
            visibilities=self.visibilities,
            archived=self.archived,
            hosted_by_viewer=self.hosted_by_viewer,
        )
        decode.check()
        return wanted

    def problems(self) -> list[UserError]:
        return event_search.problems(self.wanted)
