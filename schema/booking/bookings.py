from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated

import strawberry

import dataloaders.booking.bookings
import dataloaders.booking.viewer_can
import dataloaders.events.events
import dataloaders.events.services
import dataloaders.people.users
import models
from auth.permissions import Permission
from errors import Forbidden, NotFound, Required, TooLong, TooMany, UserErrors
from resolvers.booking import bookability, time_conflicts, viewer_can
from resolvers.booking import bookings as rules
from resolvers.booking.registrations import check_note, check_reason
from schema.booking.registrations import PlaceFilter, staff_note
from schema.booking.viewer_can import BookingViewerCan
from schema.core import ids
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD
from schema.core.input_checks import checked
from schema.core.node_interface import Node
from schema.core.quotas import REGISTRATIONS
from schema.core.relations import Need, related, signed_in
from schema.core.roots import MutationInput, Payload, PayloadWithWarnings, mutation
from schema.core.user_errors import user_errors
from schema.core.viewer_can import allowed
from schema.events.events import Event
from schema.people.users import User

if TYPE_CHECKING:
    from schema.events.services import Service


enum(
    dataloaders.booking.bookings.BookingSort,
    "How to sort the caller's bookings. Bookings that compare equal are sorted by id.",
    STARTS_AT_ASC="By start time of the service, earliest first.",
    STARTS_AT_DESC="By start time of the service, latest first.",
    CREATED_AT_DESC="By booking time, most recent first.",
)


@strawberry.type(description="A person's place at a service.")
class Booking(Node, row=models.Booking, by_id=dataloaders.booking.bookings.by_id):
    admission: models.Admission = strawberry.field(description="Whether the person has a place.")
    attendance: models.Attendance = strawberry.field(description="Whether the person attended.")
    note: str | None = strawberry.field(
        description="What the person wants the organizers to know, at most 1000 characters."
    )
    created_at: datetime = strawberry.field(description="When the person first booked the service.")
    cancelled_at: datetime | None = strawberry.field(
        description="When the booking was cancelled. Null if it is active."
    )
    cancel_reason: str | None = strawberry.field(
        description="Why the booking was cancelled. Null if no reason was given."
    )
    event: Event | None = related(
        dataloaders.events.events.by_id,
        key="event_id",
        description="The event of the service. Null if the caller cannot see it.",
    )
    service: Annotated[Service, strawberry.lazy("schema.events.services")] | None = related(
        dataloaders.events.services.by_id,
        key="service_id",
        description="The booked service. Null if the caller cannot see it.",
    )
    user: User | None = related(
        dataloaders.people.users.by_id,
        key="user_id",
        description="The person who has the place. Null if the caller cannot see them.",
    )
    recorded_by: User | None = related(
        dataloaders.people.users.by_id,
        key="recorded_by_id",
        description="Who made the booking: the person themselves, or the volunteer who booked for them.",
    )

    staff_note = staff_note()

    viewer_can = allowed(
        BookingViewerCan,
        viewer_can.OfBooking,
        *("user_id", "admission"),
        known=Need(dataloaders.booking.viewer_can.by_booking_id, visible=signed_in),
    )


@strawberry.input(description=f"Filters the bookings of a service. {ALL_HOLD}")
class BookingFilter(PlaceFilter):
    pass


@strawberry.input(description=f"Filters the caller's bookings. {ALL_HOLD}")
class OwnBookingFilter(BookingFilter):
    timings: list[models.EventTiming] | None = strawberry.field(
        default=None,
        description="Keep bookings whose service is upcoming, ongoing or past now. A service is PAST from the "
        "moment it ends.",
    )
    event_statuses: list[models.EventStatus] | None = strawberry.field(
        default=None, description="Keep bookings at events with one of these statuses."
    )


@strawberry.input(description="Input of `bookServices`: which services to book, and for whom.")
class BookServicesInput(MutationInput):
    service_ids: list[strawberry.ID] = strawberry.field(
        description="The services to book, 1 to 20. They may belong to several events.",
        metadata=checked(rules.check_services),
    )
    event_id: strawberry.ID | None = strawberry.field(
        default=None,
        description="The event that all the services must belong to. Optional; services of another event are "
        "then refused.",
    )
    on_behalf_of: strawberry.ID | None = strawberry.field(
        default=None,
        description="The person to book for. Defaults to the caller. Booking for someone else requires the "
        "permission `REGISTER_OTHERS`.",
    )
    note: str | None = strawberry.field(
        default=None, description="A note for the organizers, at most 1000 characters.", metadata=checked(check_note)
    )


@strawberry.type(description="The result of `bookServices`.")
class BookServicesPayload(PayloadWithWarnings):
    bookings: list[models.Booking] | None = strawberry.field(
        default=None,
        graphql_type=list[Booking] | None,
        description="One booking for each service id of the input, in the same order, at most 20. Null if the "
        "mutation was refused.",
    )


@strawberry.input(description="Input of `cancelBooking`.")
class CancelBookingInput(MutationInput):
    booking_id: strawberry.ID = strawberry.field(description="The booking to cancel.")
    reason: str | None = strawberry.field(
        default=None,
        description="Why, at most 1000 characters. The person who loses the place is notified and reads it.",
        metadata=checked(check_reason),
    )


@strawberry.type(description="The result of a mutation that changes a booking.")
class BookingPayload(Payload):
    booking: models.Booking | None = strawberry.field(
        default=None, graphql_type=Booking | None, description="The changed booking. Null if the mutation was refused."
    )


@strawberry.type
class BookingMutations:
    @mutation(
        description="Book one or more services, all or none of them. Nothing is charged. The first place at an "
        "event also registers the person for the event and takes one of its places. The `path` of an "
        "error leads to the service that was refused.",
        access=Permission.REGISTER,
        raises=[
            NotFound,
            Forbidden,
            Required,
            TooLong,
            TooMany,
            bookability.Full,
            bookability.Closed,
            bookability.NotOpenYet,
            bookability.AlreadyBooked,
            bookability.MembersOnly,
            bookability.Restricted,
            time_conflicts.TimeConflict,
        ],
        quotas=[REGISTRATIONS.each("service_ids")],
    )
    async def book_services(self, info: Info, input: BookServicesInput) -> BookServicesPayload:
        service_ids = ids.decode_all(input.service_ids, "Service")
        event_id = ids.maybe(input.event_id, "Event")
        person_id = ids.maybe(input.on_behalf_of, "User")
        async with info.context.writing() as uow:
            bookings = await rules.book(
                uow,
                info.context.viewer,
                service_ids=service_ids,
                event_id=event_id,
                on_behalf_of=person_id,
                note=input.note,
            )
            warnings = await time_conflicts.of_person(
                uow,
                info.context.viewer,
                info.context.conflict_policy,
                bookings[0].user_id,
                {one.service_id: ("serviceIds", str(service_ids.index(one.service_id))) for one in bookings},
            )
        return BookServicesPayload(bookings=bookings, warnings=user_errors(UserErrors(warnings), info.context.reader))

    @mutation(
        description="Cancel a booking. People may cancel their own; volunteers, staff and people who may edit "
        "the event may cancel any. Cancelling the last booking at an event also cancels the "
        "registration.",
        access=Permission.REGISTER,
        raises=[NotFound, Forbidden, TooLong, bookability.NotBooked, bookability.Closed],
    )
    async def cancel_booking(self, info: Info, input: CancelBookingInput) -> BookingPayload:
        booking_id = ids.decode(input.booking_id, "Booking")
        async with info.context.writing() as uow:
            booking = await rules.cancel(uow, info.context.viewer, booking_id=booking_id, reason=input.reason)
        return BookingPayload(booking=booking)
