"""Services, their bookings, and registrations."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import models
from models import EventVisibility
from tests.api.core.viewer_can_stage import (
    CANCELLED,
    DELETED,
    GIVEN_BACK,
    GUEST,
    OVER,
    Case,
    Inputs,
    Looked,
    a_stage,
    with_id,
)
from tests.factories import in_days, make_booking, now


async def world(save: Any) -> dict[str, Looked]:
    stage, hour = a_stage(), timedelta(hours=1)
    users = stage.users
    coming = stage.event(starts_at=in_days(5), ends_at=in_days(6))
    running = stage.event(starts_at=now() - hour * 3, ends_at=now() + hour * 3)
    at = {"a cancelled event": stage.event(**CANCELLED), "a deleted event": stage.event(**DELETED)}
    at |= {"a club's event": stage.event(visibility=EventVisibility.CLUB), "a full event": stage.event(capacity=1)}
    found = {
        "open": stage.service(coming),
        "with nobody": stage.service(coming),
        "full": stage.service(coming, capacity=1),
        "not open yet": stage.service(coming, window_days=0),
        "cancelled": stage.service(coming, cancelled_at=now()),
        "removed": stage.service(coming, cancelled_at=now(), deleted_at=now()),
        "over": stage.service(running, starts_at=now() - hour * 2, ends_at=now() - hour),
        **{f"at {name}": stage.service(event, capacity=1) for name, event in at.items()},
    }
    booked = {name: make_booking(one, users["participant"]) for name, one in found.items() if name != "with nobody"}
    booked["given back"] = make_booking(found["with nobody"], users["participant"], **GIVEN_BACK)
    stage.add(3, *booked.values())
    events = at | {"coming": coming, "running": running, "over": stage.event(**OVER)}
    registered = {
        f"{who} at {name}": one
        for who in ("participant", "put out")
        for name, event in events.items()
        for one in stage.rows[2]
        if isinstance(one, models.Registration) and (one.event_id, one.user_id) == (event.id, users[who].id)
    }
    other = stage.event(with_people=False)
    registered["organizer's own"] = stage.registration(other, "organizer")
    registered["organizer's of a deleted event"] = stage.registration(at["a deleted event"], "organizer")
    booked["organizer's, removed"] = stage.add(3, make_booking(found["removed"], users["organizer"]))
    stage.registration(coming, "organizer")
    registered["given back"] = stage.registration(other, "participant", **GIVEN_BACK)
    await stage.done(save)
    note = {"note": "Comes late"}

    def of_service(service: Any) -> Inputs:
        one = with_id("serviceId", service, update={"expectedVersion": 1, "windowDays": 30})

        def made(field: str, person: Any) -> dict[str, Any]:
            if field not in ("book", "bookForOthers"):
                return one(field, person)
            other = users["club owner" if person is users["member"] else "member"]
            return {"serviceIds": [service], **({"onBehalfOf": other} if field == "bookForOthers" else {})}

        return made

    def of_registration(one: Any) -> Inputs:
        person = {"eventId": models.Event(id=one.event_id), "userId": models.User(id=one.user_id)}
        others = with_id("registrationId", one, writeStaffNote=note)
        return lambda field, viewer: person if field == "cancel" else others(field, viewer)

    of_bookings = [Case(name, one, with_id("bookingId", one, writeStaffNote=note)) for name, one in booked.items()]
    return {
        "Service": Looked(GUEST | stage.lookers, [Case(name, one, of_service(one)) for name, one in found.items()]),
        "Booking": Looked(stage.lookers, of_bookings),
        "Registration": Looked(
            stage.lookers, [Case(name, one, of_registration(one)) for name, one in registered.items()]
        ),
    }
