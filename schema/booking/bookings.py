from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Annotated, Any

import strawberry

import dataloaders.booking.bookings
import dataloaders.booking.viewer_can
import dataloaders.events.events
import dataloaders.events.services
import dataloaders.people.users
import models
from auth.permissions import Permission
from errors import Forbidden, NotFound, Required, TooLong, TooMany, UserErrors
from resolvers.booking import bookings as rules
from resolvers.booking import capacity, time_conflicts, viewer_can
from resolvers.booking.registrations import check_note, check_reason
from schema.booking.registrations import ROLES, staff_note_for
from schema.booking.viewer_can import BookingViewerCan
from schema.core import ids
from schema.core.context import Info
from schema.core.enums import enum
from schema.core.filters import ALL_HOLD, Filter
from schema.core.input_checks import checked
from schema.core.node import Node
from schema.core.quotas import REGISTRATIONS
from schema.core.relations import Need, derived, reads, related, signed_in
from schema.core.roots import MutationInput, Payload, PayloadWithWarnings, mutation
from schema.core.user_errors import user_errors
from schema.core.viewer_can import allowed
from schema.events.events import Event
from schema.people.users import User

if TYPE_CHECKING:
    from schema.events.services import Service


enum(
    dataloaders.booking.bookings.BookingSort,
    "Order of one's bookings. Equal ones are in order of their ids.",
    STARTS_AT_ASC="By the start of the service, the earliest first.",
    STARTS_AT_DESC="By the start of the service, the latest first.",
    CREATED_AT_DESC="What one booked last first.",
)


@strawberry.type(description="A person has a place at a service.")
class Booking(Node, row=models.Booking, by_id=dataloaders.booking.bookings.by_id):
    admission: models.Admission = strawberry.field(description="Whether the person is let in.")
    attendance: models.Attendance = strawberry.field(description="Whether the person came.")
    note: str | None = strawberry.field(description="What the person wants the organisers to know.")
    created_at: datetime = strawberry.field(description="When the place was booked first.")
    cancelled_at: datetime | None = strawberry.field(description="When it was cancelled; null while it is not.")
    cancel_reason: str | None = strawberry.field(description="Why, where who cancelled it said so.")
    event: Event | None = related(
        dataloaders.events.events.by_id, key="event_id", description="Null when it is no longer visible."
    )
    service: Annotated[Service, strawberry.lazy("schema.events.services")] | None = related(
        dataloaders.events.services.by_id, key="service_id", description="Null when it is no longer visible."
    )
    user: User | None = related(
        dataloaders.people.users.by_id, key="user_id", description="Null when their profile is hidden."
    )
    recorded_by: User | None = related(
        dataloaders.people.users.by_id,
        key="recorded_by_id",
        description="Who made it: the person, or a volunteer for them.",
    )

    @derived(
        description="A remark among hosts and staff; null for everyone else.", graphql_type=str | None, roles=ROLES
    )
    @reads("staff_note")
    def staff_note(root: Any, info: Info, *, roles: Any) -> str | None:
        return staff_note_for(root, info, roles)

    viewer_can = allowed(
        BookingViewerCan,
        viewer_can.OfBooking,
        *("user_id", "admission"),
        known=Need(dataloaders.booking.viewer_can.by_booking_id, visible=signed_in),
    )


@strawberry.input(description=f"Narrows the bookings of a service. {ALL_HOLD}")
class BookingFilter(Filter):
    admissions: list[models.Admission] | None = strawberry.field(default=None, description="In one of these states.")
    attendances: list[models.Attendance] | None = strawberry.field(
        default=None, description="Of people of whom one of these is known."
    )


@strawberry.input(description=f"Narrows one's bookings. {ALL_HOLD}")
class OwnBookingFilter(BookingFilter):
    timings: list[models.EventTiming] | None = strawberry.field(
        default=None, description="By where the service stands now; PAST begins with its end."
    )
    event_statuses: list[models.EventStatus] | None = strawberry.field(
        default=None, description="Of events in one of these statuses."
    )


@strawberry.input(description="Which services to book, and for whom.")
class BookServicesInput(MutationInput):
    service_ids: list[strawberry.ID] = strawberry.field(
        description="1 to 20 services, of one event or of several.", metadata=checked(rules.check_services)
    )
    event_id: strawberry.ID | None = strawberry.field(
        default=None, description="The event they must all belong to, to be sure."
    )
    on_behalf_of: strawberry.ID | None = strawberry.field(
        default=None,
        description="Who gets the places; oneself if left out. For others it needs the permission `REGISTER_OTHERS`.",
    )
    note: str | None = strawberry.field(
        default=None, description="For the organisers, at most 1000 characters.", metadata=checked(check_note)
    )


@strawberry.type(description="What was booked.")
class BookServicesPayload(PayloadWithWarnings):
    bookings: list[models.Booking] | None = strawberry.field(
        default=None,
        graphql_type=list[Booking] | None,
        description="One for each id of the input, in its order, at most 20; null where the booking was refused.",
    )


@strawberry.input(description="Which booking to cancel.")
class CancelBookingInput(MutationInput):
    booking_id: strawberry.ID = strawberry.field(description="The booking.")
    reason: str | None = strawberry.field(
        default=None,
        description="Why, for the person, who is told: at most 1000 characters.",
        metadata=checked(check_reason),
    )


@strawberry.type(description="A booking after its change.")
class BookingPayload(Payload):
    booking: models.Booking | None = strawberry.field(
        default=None, graphql_type=Booking | None, description="The booking."
    )


@strawberry.type
class BookingMutations:
    @mutation(
        description="Take a place at every one of some services, or at none; nothing is charged. The first place at an "
        "event counts against the event as well and makes the registration. `path` of an error leads to its service.",
        access=Permission.REGISTER,
        raises=[
            NotFound,
            Forbidden,
            Required,
            TooLong,
            TooMany,
            capacity.Full,
            capacity.Closed,
            capacity.NotOpenYet,
            capacity.AlreadyBooked,
            capacity.MembersOnly,
            capacity.Restricted,
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
        description="Give a place back: one's own, or someone else's for volunteers and for who may change the event. "
        "The last booking at an event takes the registration with it.",
        access=Permission.REGISTER,
        raises=[NotFound, Forbidden, TooLong, rules.NotBooked, capacity.Closed],
    )
    async def cancel_booking(self, info: Info, input: CancelBookingInput) -> BookingPayload:
        booking_id = ids.decode(input.booking_id, "Booking")
        async with info.context.writing() as uow:
            booking = await rules.cancel(uow, info.context.viewer, booking_id=booking_id, reason=input.reason)
        return BookingPayload(booking=booking)
