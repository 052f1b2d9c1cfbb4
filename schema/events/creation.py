"""Making an event, with its services and its venue."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

import strawberry

import models
from auth.permissions import Permission
from errors import OutOfRange, Required, TooLong, TooMany, UserError, UserErrors
from resolvers.booking.bookability import CapacityExceedsEvent, CapacityNeeded
from resolvers.booking.time_conflicts import TimeConflict
from resolvers.core.moments import TimeNeedsOffset
from resolvers.core.money import InvalidCurrency, InvalidPrice, NotWhole, Price, TooManyDigits
from resolvers.events import creation
from resolvers.events.creation import NewEvent, check_description, check_one_venue, check_title
from resolvers.events.validation import (
    EndsBeforeStart,
    EventFrame,
    EventInPast,
    OutsideEvent,
    check_places,
    check_service_capacity,
    check_times,
    check_within,
)
from resolvers.people.interests import check_most
from schema.core import ids
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.money import MoneyInput
from schema.core.quotas import EVENTS, SERVICES
from schema.core.roots import MutationInput, mutation
from schema.core.user_errors import user_errors
from schema.events.events import ACCESS_PROBLEMS, EventPayload, conflicts_of
from schema.events.services import ServiceInput, new_service
from schema.events.venues import VENUE_PROBLEMS, NewVenueInput, new_venue


def _check_fits(problems: list[UserError], frame: EventFrame, service: Mapping[str, Any], *path: str) -> None:
    """Check that what is known of a service by itself fits into its event."""
    if {"starts_at", "ends_at"} <= service.keys() and service["starts_at"] <= service["ends_at"]:
        check_within(problems, frame, service["starts_at"], service["ends_at"], *path)
    if service.get("capacity") is not None:
        check_service_capacity(problems, frame, service["capacity"], *path, "capacity")


@strawberry.input(description="Input of `createEvent`: the event with its services and its venue.")
class CreateEventInput(MutationInput):
    title: str = strawberry.field(description="The title, at most 500 characters.", metadata=checked(check_title))
    description: str | None = strawberry.field(
        default=None,
        description="What the event is about, at most 20,000 characters.",
        metadata=checked(check_description),
    )
    category_id: strawberry.ID = strawberry.field(description="The category, one of `eventCategories`.")
    interest_ids: list[strawberry.ID] = strawberry.field(
        default_factory=list,
        description="The interests that the event is about, at most 50.",
        metadata=checked(check_most),
    )
    club_id: strawberry.ID | None = strawberry.field(
        default=None, description="The club that the event belongs to. The caller has to be a member of it."
    )
    visibility: models.EventVisibility = strawberry.field(
        default=models.EventVisibility.PUBLIC, description="Who can see the event. CLUB requires `clubId`."
    )
    starts_at: datetime = strawberry.field(description="When the event starts.")
    ends_at: datetime = strawberry.field(description="When the event ends: not before `startsAt`, and in the future.")
    capacity: int | None = strawberry.field(
        default=None,
        description="The maximum number of people. Null means no limit. Required if the event has services.",
        metadata=checked(check_places),
    )
    price: MoneyInput | None = strawberry.field(
        default=None, description="The price for one person. If omitted, the event is free."
    )
    venue_id: strawberry.ID | None = strawberry.field(
        default=None, description="An existing venue. Give either this or `newVenue`."
    )
    new_venue: NewVenueInput | None = strawberry.field(
        default=None, description="A venue to create. Give either this or `venueId`."
    )
    services: list[ServiceInput] = strawberry.field(
        default_factory=list,
        description="The services of the event, at most 100. Requires the permission `EVENT_OFFER_SERVICES`.",
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


CONTENT_PROBLEMS = [
    *VENUE_PROBLEMS,
    creation.GiveOneVenue,
    TooMany,
    EndsBeforeStart,
    EventInPast,
    TimeNeedsOffset,
    InvalidPrice,
    InvalidCurrency,
    NotWhole,
    TooManyDigits,
    CapacityExceedsEvent,
    CapacityNeeded,
    TimeConflict,
]


@strawberry.type
class EventCreationMutations:
    @mutation(
        description="Create a draft together with its services, its venue and its chat. If anything is wrong, "
        "nothing is created and `errors` lists every problem. Offering services requires the "
        "permission `EVENT_OFFER_SERVICES`. Emits the domain event `event.created`.",
        access=Permission.EVENT_CREATE,
        gathers=True,
        raises=[*ACCESS_PROBLEMS, *CONTENT_PROBLEMS, Required, TooLong, OutOfRange, OutsideEvent],
        quotas=[EVENTS, SERVICES.each("services")],
    )
    async def create_event(self, info: Info, input: CreateEventInput) -> EventPayload:
        wanted = new_event(input)
        async with info.context.writing() as uow:
            event = await creation.create(uow, info.context.viewer, wanted=wanted)
            warnings = await conflicts_of(info, uow, event, "startsAt")
        return EventPayload(event=event, warnings=user_errors(UserErrors(warnings), info.context.reader))
