"""Every state of a registration and of a booking, and entries of an availability stream."""

from __future__ import annotations

import models
from models import Admission, Attendance
from tests.factories import make_booking, make_registration, now
from tests.fuzz.extras.given import Given, Rows


def rows(given: Given) -> Rows:
    return [
        *_registrations(given),
        *_bookings(given),
        *_changes(given.events["serving"], given.services[-1]),
    ]


def _registrations(given: Given) -> Rows:
    people, events = given.people, given.events
    offering = events["offering"]
    note = {"note": "Приду позже", "staff_note": "Позвонить", "recorded_by_id": people["vera"].id}
    return [
        make_registration(offering, people["boris"], **note),
        make_registration(offering, people["shy"]),
        make_registration(offering, people["gone"], attendance=Attendance.NO_SHOW),
        make_registration(offering, people["vera"], admission=Admission.CANCELLED, cancelled_at=now()),
        make_registration(events["full"], people["shy"]),
        make_registration(events["removed"], people["boris"]),
        make_registration(events["removed"], people["shy"], admission=Admission.CANCELLED, cancelled_at=now()),
        make_registration(events["unlisted"], people["boris"]),
        make_registration(events["archived"], people["vera"], attendance=Attendance.ATTENDED),
        make_registration(events["archived"], people["boris"], attendance=Attendance.ATTENDED),
        make_registration(events["archived"], people["shy"], attendance=Attendance.ATTENDED),
        make_registration(events["inside"], people["boris"], admission=Admission.WAITLISTED),
        make_registration(
            events["serving"], people["shy"], admission=Admission.REJECTED, cancelled_at=now(), cancel_reason="Спор"
        ),
    ]


def _bookings(given: Given) -> Rows:
    people, services = given.people, given.services
    note = {"note": "Без сахара", "staff_note": "Аллергия", "recorded_by_id": people["vera"].id}
    return [
        make_booking(services[0], people["boris"], **note),
        make_booking(services[0], people["shy"]),
        make_booking(services[1], people["gone"]),
        make_booking(services[2], people["boris"], admission=Admission.CANCELLED, cancelled_at=now()),
        make_booking(services[3], people["boris"], admission=Admission.CANCELLED, cancelled_at=now()),
    ]


def _changes(event: models.Event, service: models.Service) -> Rows:
    places = {"id": str(service.id), "capacity": 10, "cancelled": False}
    return [
        models.AvailabilityChange(
            event_id=event.id,
            sequence=number,
            capacity=20 if number > 1 else None,
            taken=number,
            services=[places | {"taken": taken} for taken in range(number - 1)],
        )
        for number in (1, 2, 3)
    ]
