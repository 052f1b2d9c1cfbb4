from __future__ import annotations

import strawberry

from errors import Forbidden, NotFound, TooLong
from resolvers.booking import staff_notes as rules
from schema.booking.bookings import BookingPayload
from schema.booking.registrations import RegistrationPayload
from schema.core import ids
from schema.core.access import SIGNED_IN
from schema.core.context import Info
from schema.core.input_checks import checked
from schema.core.roots import MutationInput, mutation

NOTE = "The internal note, at most 1000 characters. Null removes it."
FOR_WHOM = "Only the event's hosts, owners and administrators of its club, volunteers and staff may do this."


@strawberry.input(description="Input of `setRegistrationStaffNote`.")
class SetRegistrationStaffNoteInput(MutationInput):
    registration_id: strawberry.ID = strawberry.field(description="The registration to annotate.")
    note: str | None = strawberry.field(description=NOTE, metadata=checked(rules.check_note))


@strawberry.input(description="Input of `setBookingStaffNote`.")
class SetBookingStaffNoteInput(MutationInput):
    booking_id: strawberry.ID = strawberry.field(description="The booking to annotate.")
    note: str | None = strawberry.field(description=NOTE, metadata=checked(rules.check_note))


@strawberry.type
class StaffNoteMutations:
    @mutation(
        description=f"Write or remove the internal note on a registration. {FOR_WHOM}",
        access=SIGNED_IN,
        raises=[NotFound, Forbidden, TooLong],
    )
    async def set_registration_staff_note(
        self, info: Info, input: SetRegistrationStaffNoteInput
    ) -> RegistrationPayload:
        registration_id = ids.decode(input.registration_id, "Registration")
        async with info.context.writing() as uow:
            registration = await rules.set_on_registration(
                uow, info.context.viewer, registration_id=registration_id, note=input.note
            )
        return RegistrationPayload(registration=registration)

    @mutation(
        description=f"Write or remove the internal note on a booking. {FOR_WHOM}",
        access=SIGNED_IN,
        raises=[NotFound, Forbidden, TooLong],
    )
    async def set_booking_staff_note(self, info: Info, input: SetBookingStaffNoteInput) -> BookingPayload:
        booking_id = ids.decode(input.booking_id, "Booking")
        async with info.context.writing() as uow:
            booking = await rules.set_on_booking(uow, info.context.viewer, booking_id=booking_id, note=input.note)
        return BookingPayload(booking=booking)
