"""What the worlds of the test of `viewerCan` are made with. Each area has its own in `viewer_can_world.py`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from models import Admission, ClubRole, EventRole, EventStatus, MembershipState, Role
from tests.factories import (
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
