"""What the test of `viewerCan` looks at: people of each standing, objects in each state, input for each mutation."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import models
from models import (
    Admission,
    ChatKind,
    ClubRole,
    ClubVisibility,
    EventRole,
    EventStatus,
    EventVisibility,
    JoinPolicy,
    MembershipState,
    ModerationItem,
    ReviewStatus,
    Role,
    uuid7,
)
from resolvers.chat.members import direct_key
from tests.factories import (
    in_days,
    make_booking,
    make_category,
    make_chat,
    make_club,
    make_event,
    make_host,
    make_member,
    make_membership,
    make_message,
    make_registration,
    make_review,
    make_service,
    make_service_type,
    make_user,
    make_venue,
    now,
)

People = dict[str, Any]
Inputs = Callable[[str, Any], dict[str, Any]]
GUEST: People = {"guest": None}
STAFF = {"volunteer": Role.VOLUNTEER, "platform moderator": Role.MODERATOR, "platform admin": Role.ADMIN}


@dataclass(frozen=True)
class Case:
    """An object in some state, and the input for a field and a person that is valid but for rights and states."""

    state: str
    row: Any
    inputs: Inputs


@dataclass(frozen=True)
class Looked:
    people: People
    cases: Sequence[Case]


def with_id(name: str, row: Any, **given: dict[str, Any]) -> Inputs:
    """The id of the row under this name, and for some fields what else their mutations take."""
    return lambda field, _person: {name: row, **given.get(field, {})}


def some(*names: str) -> People:
    return {name: make_user() for name in names} | {name: make_user(role=role) for name, role in STAFF.items()}


async def clubs(save: Any) -> dict[str, Looked]:
    """Clubs of each way in, with people of each role and state, and their memberships."""
    states = {one.value: {"state": one} for one in MembershipState if one is not MembershipState.ACTIVE}
    states["ban that ended"] = {"state": MembershipState.BANNED, "banned_until": in_days(-1)}
    users = some(*ClubRole.__members__, *states, "second owner", "stranger", "friend")
    found = {policy.value: make_club(join_policy=policy) for policy in JoinPolicy}
    found |= {"two owners": make_club(), "private": make_club(visibility=ClubVisibility.PRIVATE)}
    category, venue = make_category(), make_venue()
    await save(*users.values(), *found.values(), category, venue)
    members = [make_membership(club, users[role.name], role=role) for club in found.values() for role in ClubRole]
    members += [make_membership(club, users[name], **one) for club in found.values() for name, one in states.items()]
    await save(*members, make_membership(found["two owners"], users["second owner"], role=ClubRole.OWNER))
    event = {"categoryId": category, "venueId": venue, "title": "Walk", "visibility": "CLUB"}
    event |= {"startsAt": in_days(3).isoformat(), "endsAt": in_days(4).isoformat()}
    of_clubs = [
        Case(name, club, with_id("clubId", club, update={"expectedVersion": 1, "name": "New"},
             invite={"userId": users["friend"]}, createEvent=event))
        for name, club in found.items()
    ]  # fmt: skip
    names = {user.id: name for name, user in users.items()}
    others = {ClubRole.OWNER: "ADMIN", ClubRole.MEMBER: "MODERATOR"}
    of_members = [
        Case(
            f"{names[one.user_id]} of {club}",
            one,
            with_id("membershipId", one, changeRole={"role": others.get(one.role, "MEMBER")}),
        )
        for club in ("OPEN", "two owners")
        for one in members
        if one.club_id == found[club].id
    ]
    hosts = {name: users[name] for name in (*ClubRole.__members__, "stranger", "INVITED", "platform moderator")}
    return {"Club": Looked(GUEST | users, of_clubs), "ClubMembership": Looked(GUEST | hosts, of_members)}


OVER: dict[str, Any] = {"starts_at": timedelta(days=-3)}
DRAFT: dict[str, Any] = {"status": EventStatus.DRAFT, "published_at": None}
WAITING = DRAFT | {"status": EventStatus.PENDING_REVIEW}
CANCELLED: dict[str, Any] = {"status": EventStatus.CANCELLED, "cancelled_at": timedelta()}
ARCHIVED: dict[str, Any] = {"status": EventStatus.ARCHIVED, "archived_at": timedelta()}
DELETED = CANCELLED | {"deleted_at": timedelta()}
GIVEN_BACK: dict[str, Any] = {"admission": Admission.CANCELLED, "cancelled_at": timedelta()}
EXTRAS = ("friend", "spare")
"""People whom mutations name."""


@dataclass(frozen=True)
class Stage:
    """A club with its people, for events in many states. Rows are written by `done`."""

    users: People
    category: Any
    venue: Any
    club: Any
    service_type: Any
    rows: list[list[Any]]

    @property
    def lookers(self) -> People:
        return {name: user for name, user in self.users.items() if name not in EXTRAS}

    def event(self, *, with_people: bool = True, with_crew: bool = True, of_club: bool = True, **values: Any) -> Any:
        """With a host of each role, or with its organizer alone. One person takes part, and one was put out."""
        club = {"club": self.club} if of_club else {}
        event = make_event(self.users["organizer"], self.category, self.venue, **club | values)
        roles = {"organizer": EventRole.ORGANIZER, "co-organizer": EventRole.CO_ORGANIZER}
        roles |= {"trusted": EventRole.CO_ORGANIZER, "crew": EventRole.STAFF, "spare": EventRole.STAFF}
        self.add(1, event)
        hosts = list(roles.items())[: None if with_crew else 1]
        self.add(2, *(make_host(event, self.users[name], role) for name, role in hosts))
        if with_people:
            self.registration(event, "participant")
            self.registration(event, "put out", admission=Admission.REJECTED)
        return event

    def registration(self, event: Any, who: str, **values: Any) -> Any:
        return self.add(2, make_registration(event, self.users[who], **values))

    def service(self, event: Any, **values: Any) -> Any:
        return self.add(2, make_service(event, self.service_type, **values))

    def add(self, group: int, *rows: Any) -> Any:
        """Rows of a group need only those of the groups before. Answers the last one."""
        self.rows[group] += rows
        return rows[-1]

    async def done(self, save: Any) -> None:
        for rows in self.rows:
            await save(*rows)


def a_stage() -> Stage:
    of_club = {"club owner": ClubRole.OWNER, "club admin": ClubRole.ADMIN, "club moderator": ClubRole.MODERATOR}
    of_club |= {"member": ClubRole.MEMBER}
    hosts = ("organizer", "co-organizer", "crew", "trusted")
    users = some(*of_club, *hosts, *EXTRAS, "participant", "put out", "stranger", "banned")
    users["trusted"].is_trusted = True
    made = Stage(users, make_category(), make_venue(), make_club(), make_service_type(), [[], [], [], []])
    made.add(0, *users.values(), made.category, made.venue, made.club, made.service_type)
    made.add(1, *(make_membership(made.club, users[name], role=role) for name, role in of_club.items()))
    made.add(1, make_membership(made.club, users["banned"], state=MembershipState.BANNED))
    return made


async def events(save: Any) -> dict[str, Looked]:
    stage = a_stage()
    users = stage.users
    found = {
        "draft": stage.event(with_people=False, **DRAFT),
        "waiting": stage.event(with_people=False, **WAITING),
        "waiting, over": stage.event(with_people=False, **WAITING | OVER),
        "published": stage.event(),
        "with nobody": stage.event(with_people=False, capacity=None),
        "full": stage.event(capacity=1),
        "without crew": stage.event(with_crew=False),
        "with services": stage.event(),
        "for the club": stage.event(visibility=EventVisibility.CLUB),
        "of no club": stage.event(of_club=False),
        "with a revision": stage.event(),
        "with one organizer more": stage.event(),
        "over": stage.event(**OVER),
        "over and reviewed": stage.event(**OVER),
        "cancelled": stage.event(**CANCELLED),
        "cancelled draft": stage.event(with_people=False, **DRAFT | CANCELLED),
        "archived": stage.event(**ARCHIVED),
        "archived, over": stage.event(**ARCHIVED | OVER),
        "deleted": stage.event(**DELETED),
    }
    stage.service(found["with services"])
    stage.add(2, make_host(found["with one organizer more"], users["friend"], EventRole.ORGANIZER))
    stage.add(2, make_review(found["over and reviewed"], users["participant"]))
    [revision, no_revision] = (
        models.EventRevision(id=uuid7(), event_id=found["with a revision"].id, title="Other") for _ in range(2)
    )
    stage.add(2, revision)
    item = {"event_id": revision.event_id, "revision_id": revision.id, "submitted_by_id": users["organizer"].id}
    stage.add(3, ModerationItem(id=uuid7(), **item))
    await stage.done(save)

    def inputs(event: Any) -> Inputs:
        begin, end = event.starts_at.isoformat(), event.ends_at.isoformat()

        def made(field: str, person: Any) -> dict[str, Any]:
            if field == "withdrawRevision":
                return {"revisionId": revision if event.id == revision.event_id else no_revision}
            given = {
                "update": {"title": "Another", "expectedVersion": 1},
                "reactivate": {"startsAt": in_days(20).isoformat(), "endsAt": in_days(21).isoformat()},
                "addHost": {"userId": users["stranger"], "role": "STAFF"},
                "addOrganizer": {"userId": users["stranger"], "role": "ORGANIZER"},
                "changeHostRole": {"userId": users["spare"], "role": "CO_ORGANIZER"},
                "removeHost": {"userId": users["spare"]},
                "giveUpRole": {"userId": person or users["stranger"]},
                "addService": {"serviceTypeId": stage.service_type, "startsAt": begin, "endsAt": end, "capacity": 1},
                "review": {"rating": 5},
            }
            return {"eventId": event, **given.get(field, {})}

        return made

    return {"Event": Looked(GUEST | stage.lookers, [Case(name, one, inputs(one)) for name, one in found.items()])}


async def services(save: Any) -> dict[str, Looked]:
    """Services, their bookings, and registrations."""
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


async def chats(save: Any) -> dict[str, Looked]:
    """Chats of each kind, as a member of them sees them, and one message in each."""
    stage = a_stage()
    one, fellow, stranger = (stage.users[name] for name in ("member", "club owner", "stranger"))
    pairs = {"with a fellow": fellow, "with a stranger": stranger}
    found = {
        name: make_chat(kind=ChatKind.DIRECT, direct_key=direct_key(one.id, other.id)) for name, other in pairs.items()
    }
    found["group"] = make_chat(title="Some")
    found["of a club"] = make_chat(kind=ChatKind.CLUB, club=stage.club)
    for name, event in {"of an event": stage.event(), "of a deleted event": stage.event(**DELETED)}.items():
        found[name] = make_chat(kind=ChatKind.EVENT, event=event)
    messages = {}
    for name, chat in found.items():
        chat.last_sequence = 1
        stage.add(2, chat)
        stage.add(3, make_member(chat, one), make_member(chat, pairs.get(name, fellow), read_sequence=1))
        messages[name] = stage.add(3, make_message(chat, one, 1))
    await stage.done(save)
    given = {"sendMessage": {"body": "Hello", "clientMessageId": "new"}}
    given["addMembers"] = {"memberIds": [stage.users["club admin"]]}
    of_messages = [
        Case(name, message, with_id("messageId", message, markRead={"chatId": found[name]}))
        for name, message in messages.items()
    ]
    people = GUEST | {name: stage.users[name] for name in ("member", "club owner", "stranger", "platform admin")}
    return {
        "Chat": Looked(people, [Case(name, chat, with_id("chatId", chat, **given)) for name, chat in found.items()]),
        "Message": Looked(people, of_messages),
    }


async def reviews(save: Any) -> dict[str, Looked]:
    stage = a_stage()
    events = {"out": stage.event(**OVER), "hidden": stage.event(**OVER)}
    events["of a deleted event"] = stage.event(**OVER | DELETED)
    hidden = {"hidden": {"status": ReviewStatus.HIDDEN}}
    author = stage.users["participant"]
    found = {name: make_review(event, author, **hidden.get(name, {})) for name, event in events.items()}
    stage.add(3, *found.values())
    await stage.done(save)
    cases = [Case(name, one, with_id("reviewId", one, update={"rating": 1})) for name, one in found.items()]
    return {"Review": Looked(GUEST | stage.lookers, cases)}


WORLDS = (clubs, events, services, chats, reviews)
