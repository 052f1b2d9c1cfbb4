"""How tests of all mutations call those of this area (`tests/api/core/examples.py`)."""

from __future__ import annotations

from tests.api.core.examples import OWN, Deed, Example

MUTATIONS = {
    "setRegistrationStaffNote": Example(
        "ada",
        {"registrationId": "@Registration.user_id=boris", "note": "Опоздает"},
        [
            Deed(
                "registration.staff_note.set",
                lambda of: {"registrationId": of.registration, "note": "Calm"},
                "volunteer",
            )
        ],
    ),
    "setBookingStaffNote": Example(
        "ada",
        {"bookingId": "@Booking.note=Без сахара", "note": None},
        [Deed("booking.staff_note.set", lambda of: {"bookingId": of.booking, "note": "Calm"}, "volunteer", "booking")],
    ),
    "registerForEvent": Example("vera", {"eventId": "@Event.title=Unlisted", "note": "Скоро буду"}, OWN),
    "cancelRegistration": Example(
        "boris",
        {"eventId": "@Event.title=Unlisted"},
        [
            Deed("registration.cancel", lambda of: {"eventId": of.event, "userId": of.bob}),
            Deed("registration.cancel", lambda of: {"eventId": of.event, "userId": of.bob}, "volunteer"),
        ],
    ),
    "removeRegistration": Example(
        "anna",
        {"registrationId": "@Registration.admission=WAITLISTED", "reason": "Спор"},
        [
            Deed(
                "registration.remove",
                lambda of: {"registrationId": of.registration, "reason": "No"},
                subject="registration",
            )
        ],
    ),
    "liftRegistrationBan": Example(
        "anna",
        {"registrationId": "@Registration.admission=REJECTED"},
        [Deed("registration.lift_ban", lambda of: {"registrationId": of.put_out}, subject="put_out")],
    ),
    "bookServices": Example(
        "vera",
        {"serviceIds": ["@Service.window_days=30"]},
        [
            Deed(
                "booking.create",
                lambda of: {"serviceIds": [of.service, of.idle], "onBehalfOf": of.eve},
                "volunteer",
                "eve",
            )
        ],
    ),
    "cancelBooking": Example(
        "boris",
        {"bookingId": "@Booking.note=Без сахара"},
        [Deed("booking.cancel", lambda of: {"bookingId": of.booking}, "volunteer", "booking")],
    ),
}
