"""The types of `viewerCan` for this area."""

from __future__ import annotations

import strawberry

from schema.core.viewer_can import WHAT_COUNTS, can


@strawberry.type(description=f"What the caller may do with a registration now. {WHAT_COUNTS}")
class RegistrationViewerCan:
    cancel: bool = can("cancelRegistration", "Give the place back, one's own or this person's.")
    remove: bool = can("removeRegistration", "Put the person out of the event.")
    lift_ban: bool = can("liftRegistrationBan", "Let the person register again.")
    write_staff_note: bool = can("setRegistrationStaffNote", "Write its `staffNote`.")


@strawberry.type(description=f"What the caller may do with a booking now. {WHAT_COUNTS}")
class BookingViewerCan:
    cancel: bool = can("cancelBooking", "Give the place back, one's own or this person's.")
    write_staff_note: bool = can("setBookingStaffNote", "Write its `staffNote`.")
