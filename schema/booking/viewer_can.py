"""The types of `viewerCan` for this area."""

from __future__ import annotations

import strawberry

from schema.core.viewer_can import WHAT_COUNTS, can


@strawberry.type(description=f"What the caller can do with a registration now. {WHAT_COUNTS}")
class RegistrationViewerCan:
    cancel: bool = can("cancelRegistration", "Whether the caller can cancel the registration.")
    remove: bool = can("removeRegistration", "Whether the caller can remove the person from the event.")
    lift_ban: bool = can("liftRegistrationBan", "Whether the caller can let the removed person register again.")
    write_staff_note: bool = can("setRegistrationStaffNote", "Whether the caller can write `staffNote`.")


@strawberry.type(description=f"What the caller can do with a booking now. {WHAT_COUNTS}")
class BookingViewerCan:
    cancel: bool = can("cancelBooking", "Whether the caller can cancel the booking.")
    write_staff_note: bool = can("setBookingStaffNote", "Whether the caller can write `staffNote`.")
