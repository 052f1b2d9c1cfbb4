"""News that are no longer so say it, whatever ended them: a table of each type, and of the ways in which it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from sqlalchemy import select

from models import (
    Booking,
    Channel,
    ClubMembership,
    ClubRole,
    Event,
    EventRole,
    EventStatus,
    JoinPolicy,
    ModerationItem,
    ModerationState,
    NotificationPreference,
    NotificationType,
    Registration,
    Role,
)
from resolvers.notifications.news import PASSING, WITHDRAWN_WORDINGS, WORDINGS
from schema.core import ids
from tests.factories import (
    in_days,
    make_category,
    make_club,
    make_event,
    make_host,
    make_membership,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

NEWS = """
{ viewer { notifications { nodes {
  id type title body isWithdrawn subject { __typename ... on Service { id event { id } } }
} } } }
"""

BOOKS, BOOKS_BOTH = "vera bookServices serviceIds=massage", "vera bookServices serviceIds=massage,shower"
REGISTERS, CANCELS = "vera registerForEvent eventId=walk", "vera cancelRegistration eventId=walk"
TAKEN = "olga cancelRegistration eventId=walk userId=vera"
OUT, BACK = "olga removeRegistration registrationId=place", "olga liftRegistrationBan registrationId=place"
SERVICE_OFF, SPA_OFF = "olga cancelService serviceId=massage", "olga cancelEvent eventId=spa"
OFF, ON = "olga cancelEvent eventId=walk", "olga reactivateEvent eventId=walk"
AGAIN = "olga archiveEvent eventId=held; olga reactivateEvent eventId=held startsAt=later"
HOST = "olga addEventHost eventId=walk userId=vera role=STAFF"
ROLE = "olga changeEventHostRole eventId=walk userId=vera role=CO_ORGANIZER"
NO_HOST = "removeEventHost eventId=walk userId=vera"
ASKS, LEAVES = "vera joinClub clubId=club", "vera leaveClub clubId=club"
YES, NO = "owner approveClubMember membershipId=member", "owner rejectClubMember membershipId=member"
INVITES = "owner inviteToClub clubId=club userId=vera"
BAN, LIFT = "owner removeClubMember membershipId=member", "owner liftClubBan membershipId=member"
CHANGES, MOVES = "olga updateEvent eventId=walk expectedVersion=walk", "olga updateService serviceId=massage"
RENAMED, MOVED = f"{CHANGES} title=One", f"{MOVES} expectedVersion=massage endsAt=soon"
ALONG = "olga updateEvent eventId=spa expectedVersion=spa startsAt=next endsAt=after moveServices=true"
DECIDE = "staff decideModerationItem itemId=waiting reason=so decision"
SUBMITS, PROPOSES = "vera publishEvent eventId=draft", "vera updateEvent eventId=own expectedVersion=own title=One"

ENDS: dict[str, dict[str, list[str]]] = {
    "REGISTRATION_CONFIRMED": {
        REGISTERS: [CANCELS, TAKEN, OUT, OFF, f"{OFF}; {ON}"],
        BOOKS: ["vera cancelBooking bookingId=booking", SERVICE_OFF, SPA_OFF],
        "helper bookServices serviceIds=massage onBehalfOf=vera": [SERVICE_OFF],
        f"{ASKS}; {YES}; vera registerForEvent eventId=hike": [BAN],
    },
    "REGISTRATION_CANCELLED": {
        f"{REGISTERS}; {CANCELS}": [REGISTERS],
        f"{REGISTERS}; {TAKEN}": [REGISTERS],
        f"{BOOKS}; {SERVICE_OFF}": ["helper bookServices serviceIds=shower onBehalfOf=vera"],
    },
    "BOOKING_CANCELLED": {f"{BOOKS_BOTH}; olga cancelBooking bookingId=booking": [BOOKS]},
    "REGISTRATION_REMOVED": {f"{REGISTERS}; {OUT}": [BACK], f"{REGISTERS}; {CANCELS}; {OUT}": [BACK]},
    "REGISTRATION_BAN_LIFTED": {f"{REGISTERS}; {OUT}; {BACK}": [OUT]},
    "PARTICIPANT_JOINED": {REGISTERS: [CANCELS, OUT], BOOKS: [SERVICE_OFF]},
    "EVENT_CHANGED": {f"{REGISTERS}; {RENAMED}": [f"{CHANGES} title=walk", OFF]},
    "SERVICE_CHANGED": {
        f"{BOOKS}; {MOVED}": [f"{MOVES} expectedVersion=massage endsAt=sooner", ALONG, SERVICE_OFF, SPA_OFF],
        f"{BOOKS}; {ALONG}": [SPA_OFF],
    },
    "EVENT_REJECTED": {f"{SUBMITS}; {DECIDE}=REJECT": [f"{SUBMITS}; {DECIDE}=APPROVE"]},
    "EVENT_CHANGE_REJECTED": {
        f"{PROPOSES}; {DECIDE}=REJECT": [
            f"{PROPOSES}; {DECIDE}=APPROVE", "olga updateEvent eventId=own expectedVersion=own title=Two",
            "olga cancelEvent eventId=own; olga reactivateEvent eventId=own startsAt=later",
        ]
    },
    "EVENT_CANCELLED": {f"{REGISTERS}; {OFF}": [ON, f"{ON} startsAt=later"]},
    "EVENT_REACTIVATED": {f"{REGISTERS}; {OFF}; {ON}": [OFF, CANCELS, OUT]},
    "EVENT_REPEATED": {AGAIN: [f"olga {verb}Event eventId=newest" for verb in ("cancel", "archive", "delete")]},
    "EVENT_ROLE_GIVEN": {HOST: [f"olga {NO_HOST}", f"vera {NO_HOST}", ROLE]},
    "EVENT_ROLE_TAKEN": {f"{HOST}; olga {NO_HOST}": [HOST]},
    "CLUB_JOIN_REQUESTED": {ASKS: [YES, NO, LEAVES, BAN, INVITES]},
    "CLUB_JOIN_APPROVED": {f"{ASKS}; {YES}": [LEAVES, BAN]},
    "CLUB_JOIN_REJECTED": {f"{ASKS}; {NO}": [f"{ASKS}; {YES}"]},
    "CLUB_INVITATION": {INVITES: [ASKS, LEAVES, BAN]},
    "CLUB_MEMBER_REMOVED": {f"{ASKS}; {YES}; {BAN}": [LIFT]},
    "CLUB_BAN_LIFTED": {f"{ASKS}; {YES}; {BAN}; {LIFT}": [BAN]},
}  # fmt: skip
"""Type of the news to what brings it about, and to each that ends it."""
READERS = {"PARTICIPANT_JOINED": "max", "CLUB_JOIN_REQUESTED": "owner"}
CASES = [(type, made, end) for type, ways in ENDS.items() for made, ends in ways.items() for end in ends]


def test_every_type_stands_in_the_table():
    assert {NotificationType(name) for name in ENDS} == set(PASSING) == set(WITHDRAWN_WORDINGS)
    assert set(NotificationType) == set(WORDINGS)


@dataclass
class Stage:
    client: Any
    ports: Any
    rows: dict[str, Any] = field(default_factory=dict)

    async def act(self, steps: str) -> int:
        """Steps such as "vera joinClub clubId=club; …". Answers how many statements the last one took."""
        answer = None
        for step in steps.split("; "):
            who, name, *given = step.split()
            pairs = [one.split("=") for one in given]
            input = {key: await self._value(key, value) for key, value in pairs}
            type = f"{name[0].upper()}{name[1:]}Input!"
            document = f"mutation ($input: {type}) {{ {name}(input: $input) {{ errors {{ code path }} }} }}"
            answer = await self.client(self.rows[who]).execute(document, **input)
            assert (answer.errors, answer.data and answer.data[name]["errors"]) == ([], []), step
        return len(answer.statements) if answer else 0

    async def _value(self, key: str, value: str) -> Any:
        vera, walk = self.rows["vera"].id, self.rows["walk"].id
        found = {
            "place": select(Registration).where(Registration.user_id == vera, Registration.event_id == walk),
            "booking": select(Booking).where(Booking.service_id == self.rows["massage"].id),
            "member": select(ClubMembership).where(ClubMembership.user_id == self.rows["vera"].id),
            "newest": select(Event).order_by(Event.id.desc()).limit(1),
            "waiting": select(ModerationItem).where(ModerationItem.state == ModerationState.PENDING),
        }  # fmt: skip
        async with self.ports.database.reading() as session:
            if value in found:
                return (await session.scalars(found[value])).one()
            if key == "expectedVersion":
                return (await session.get_one(type(self.rows[value]), self.rows[value].id)).version
        if key in ("startsAt", "endsAt"):
            start = self.rows["spa"].starts_at
            times = {"soon": 1, "sooner": 0.5, "next": 24, "after": 26, "later": 24 * 23}
            return (start + timedelta(hours=times[value])).isoformat()
        if value == "true":
            return True
        known = [self.rows.get(one, one) for one in value.split(",")]
        return known if key == "serviceIds" else known[0]

    async def news(self, who: str, type: str) -> list[dict[str, Any]]:
        """Oldest first."""
        answer = await self.client(self.rows[who], language="en").run(NEWS)
        return [one for one in reversed(answer.data["viewer"]["notifications"]["nodes"]) if one["type"] == type]


@pytest.fixture
async def stage(client, ports, save):
    people = {
        name: make_user(display_name=name.title()) for name in ("olga", "max", "vera", "owner", "helper", "staff")
    }
    people["olga"].is_trusted, people["helper"].role, people["staff"].role = True, Role.VOLUNTEER, Role.MODERATOR
    category, venue, kind = make_category(), make_venue(), make_service_type()
    club = make_club(join_policy=JoinPolicy.APPROVAL)
    await save(*people.values(), category, venue, kind, club)
    owner, max, olga, vera = (people[name] for name in ("owner", "max", "olga", "vera"))
    events = {name: make_event(olga, category, venue, capacity=9, title=name) for name in ("walk", "spa")}
    events["hike"] = make_event(olga, category, venue, club=club)
    events["held"] = make_event(olga, category, venue, starts_at=in_days(-3))
    hosts = [(event, olga, max) for event in events.values()]
    events["own"] = make_event(vera, category, venue)
    events["draft"] = make_event(vera, category, venue, status=EventStatus.DRAFT, published_at=None)
    hosts += [(events[name], vera, olga) for name in ("own", "draft")]
    await save(*events.values(), make_membership(club, owner, role=ClubRole.OWNER))
    services = {name: make_service(events["spa"], kind, capacity=9) for name in ("massage", "shower")}
    await save(
        *services.values(), make_registration(events["held"], vera),
        *(make_host(event, one) for event, one, _ in hosts),
        *(make_host(event, other, EventRole.CO_ORGANIZER) for event, _, other in hosts),
    )  # fmt: skip
    return Stage(client, ports, {**people, **events, **services, "club": club})


@pytest.mark.parametrize(("type", "made", "end"), CASES)
async def test_news_that_are_no_longer_so_say_it(stage, type, made, end):
    reader = READERS.get(type, "vera")
    await stage.act(made)
    [*_, before] = await stage.news(reader, type)

    await stage.act(end)

    [after] = [one for one in await stage.news(reader, type) if one["id"] == before["id"]]
    assert (before["isWithdrawn"], after["isWithdrawn"]) == (False, True)
    assert (after["title"], after["body"]) != (before["title"], before["body"])
    assert "{" not in after["title"] + after["body"]


async def test_of_several_changes_those_that_are_still_so_stay(stage):
    await stage.act(f"{REGISTERS}; {CHANGES} title=One endsAt=soon; {CHANGES} endsAt=sooner")

    [first, second] = await stage.news("vera", "EVENT_CHANGED")
    assert (first["body"], first["isWithdrawn"]) == ("Title: walk → One.", False)
    assert second["body"].startswith("End: ")

    await stage.act(f"{CHANGES} title=Two")

    [first, second, third] = await stage.news("vera", "EVENT_CHANGED")
    assert [one["isWithdrawn"] for one in (first, second, third)] == [True, False, False]
    assert first["body"].startswith("Title: walk → One. End: ")


async def test_news_of_many_people_end_in_as_many_statements_as_those_of_one(stage, save):
    await stage.act(f"{REGISTERS}; {RENAMED}; {OFF}; {ON}")
    for_one = [await stage.act(steps) for steps in (f"{CHANGES} title=Two", f"{CHANGES} title=Three", OFF, ON)]
    await save(*(make_registration(stage.rows["walk"], stage.rows[name]) for name in ("owner", "helper", "staff")))

    for_many = [await stage.act(steps) for steps in (f"{CHANGES} title=Four", f"{CHANGES} title=Five", OFF, ON)]

    assert for_many == for_one


async def test_what_comes_back_is_told_anew(stage):
    await stage.act(f"{AGAIN}; olga cancelEvent eventId=newest; olga reactivateEvent eventId=newest")

    assert [one["isWithdrawn"] for one in await stage.news("vera", "EVENT_REPEATED")] == [False]


async def test_others_who_take_a_place_and_give_it_are_told_each_time(stage):
    given = "helper bookServices serviceIds=massage onBehalfOf=vera"
    await stage.act(f"{given}; olga cancelBooking bookingId=booking; {given}")

    confirmed = await stage.news("vera", "REGISTRATION_CONFIRMED")
    assert [one["isWithdrawn"] for one in confirmed] == [True, False]
    assert [one["isWithdrawn"] for one in await stage.news("vera", "REGISTRATION_CANCELLED")] == [True]


@pytest.mark.parametrize(
    ("type", "off", "made", "end"),
    [
        ("REGISTRATION_CONFIRMED", "REGISTRATION_CANCELLED", REGISTERS, CANCELS),
        ("REGISTRATION_CANCELLED", "REGISTRATION_CONFIRMED", f"{REGISTERS}; {CANCELS}", REGISTERS),
        ("EVENT_CANCELLED", "EVENT_REACTIVATED", f"{REGISTERS}; {OFF}", ON),
    ],
)
async def test_news_end_also_for_who_does_not_hear_why(stage, save, type, off, made, end):
    choice = {"type": NotificationType(off), "channel": Channel.IN_APP, "is_enabled": False}
    await save(NotificationPreference(user_id=stage.rows["vera"].id, **choice))
    await stage.act(f"{made}; {end}")

    assert [one["isWithdrawn"] for one in await stage.news("vera", type)] == [True]


async def test_the_last_booking_of_a_cancelled_service_takes_the_place_and_says_so(stage):
    await stage.act(f"{BOOKS}; {SERVICE_OFF}")

    [service] = await stage.news("vera", "SERVICE_CANCELLED")
    [place] = await stage.news("vera", "REGISTRATION_CANCELLED")
    assert service["isWithdrawn"] is place["isWithdrawn"] is False
    assert place["body"] == "You no longer have a place at this event. Cancelled by Olga."


@pytest.mark.parametrize(
    ("type", "end"),
    [
        ("BOOKING_CANCELLED", "olga cancelBooking bookingId=booking"),
        ("SERVICE_CANCELLED", SERVICE_OFF),
        ("SERVICE_CHANGED", MOVED),
    ],
)
async def test_news_of_services_of_one_type_say_which_it_is(stage, type, end):
    await stage.act(f"{BOOKS_BOTH}; {end}")

    [told] = await stage.news("vera", type)
    massage, spa = ids.encode("Service", stage.rows["massage"].id), ids.encode("Event", stage.rows["spa"].id)
    assert told["subject"] == {"__typename": "Service", "id": massage, "event": {"id": spa}}
    clock = stage.rows["massage"].starts_at.astimezone(ZoneInfo(stage.rows["spa"].time_zone))
    assert f"{clock:%H:%M}" in told["body"] or type == "SERVICE_CHANGED"
    assert "“spa”" in told["body"]


async def test_who_keeps_another_booking_keeps_the_place(stage):
    await stage.act(f"{BOOKS_BOTH}; {SERVICE_OFF}")

    assert len(await stage.news("vera", "SERVICE_CANCELLED")) == 1
    assert await stage.news("vera", "REGISTRATION_CANCELLED") == []
    assert [one["isWithdrawn"] for one in await stage.news("vera", "REGISTRATION_CONFIRMED")] == [False]
