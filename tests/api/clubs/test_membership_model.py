"""Random walks of a club and its events against a small reference: every answer, every state, and what everyone sees.

Seeded, so that a failure can be repeated: it says the steps that led to it.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import select

import models
from models import ChatKind, ChatMember, ClubMembership, ClubRole, EventHost, Registration, Role
from resolvers.core.invariants import find_violations
from tests.api.booking import test_registrations, test_removal
from tests.api.clubs import test_clubs
from tests.api.clubs import test_membership as club_documents
from tests.api.events import test_hosts
from tests.api.events.event_worlds import UPDATE as UPDATE_EVENT
from tests.clients import gid
from tests.factories import (
    make_category,
    make_chat,
    make_club,
    make_event,
    make_host,
    make_member,
    make_membership,
    make_registration,
    make_user,
    make_venue,
)

ROLES = ("MEMBER", "MODERATOR", "ADMIN", "OWNER")
SEES = "query ($a: ID!, $b: ID!, $club: ID!) { a: event(id: $a) { id } b: event(id: $b) { id } club(id: $club) { id } }"
PEOPLE = ("owner", "ann", "ben", "cat", "staff")
EVENTS = ("a", "b")
OK = ""


@dataclass
class Model:
    """The rules, as plainly as they can be said. `ann` begins as organizer of the event `b`, and `ben` as co-organizer.
    A method answers the code of a refusal.
    """

    policy: str
    visibility: str = "PUBLIC"
    shown: dict[str, str] = field(default_factory=lambda: {"a": "PUBLIC", "b": "CLUB"})
    state: dict[str, str] = field(default_factory=lambda: {"owner": "ACTIVE"})
    role: dict[str, str] = field(default_factory=lambda: {"owner": "OWNER"})
    place: dict[tuple[str, str], str] = field(default_factory=dict)
    hosts: dict[tuple[str, str], str] = field(default_factory=dict)

    # What someone is

    def is_member(self, who: str) -> bool:
        return self.state.get(who) == "ACTIVE"

    def own_rank(self, who: str) -> int:
        return ROLES.index(self.role[who]) if self.is_member(who) else -1

    def rank(self, who: str) -> int:
        return len(ROLES) if who == "staff" else self.own_rank(who)

    def is_last_owner(self, who: str) -> bool:
        owners = [one for one in self.role if self.is_member(one) and self.role[one] == "OWNER"]
        return owners == [who]

    def is_host(self, who: str, event: str) -> bool:
        return (who, event) in self.hosts

    def sees_club(self, who: str) -> bool:
        return who == "staff" or self.visibility != "PRIVATE" or self.state.get(who) in ("ACTIVE", "INVITED")

    def sees_membership(self, who: str, whose: str) -> bool:
        if not self.sees_club(who):
            return False
        return who in (whose, "staff") or self.rank(who) > 0 or self.is_member(whose)

    def sees_event(self, who: str, event: str) -> bool:
        is_open = self.shown[event] == "PUBLIC" and self.visibility != "PRIVATE"
        takes_part = self.place.get((who, event)) == "CONFIRMED"
        return is_open or who == "staff" or self.is_member(who) or takes_part or self.is_host(who, event)

    def runs_event(self, who: str, event: str) -> bool:
        is_editor = self.hosts.get((who, event)) in ("ORGANIZER", "CO_ORGANIZER")
        return is_editor or self.appoints_organizers(who, event)

    def appoints_organizers(self, who: str, event: str) -> bool:
        return who == "staff" or self.own_rank(who) >= 2 or self.hosts.get((who, event)) == "ORGANIZER"

    def has_organizer(self, event: str) -> bool:
        return any(at == event and role == "ORGANIZER" for (_who, at), role in self.hosts.items())

    def sees_place(self, who: str, whose: str, event: str) -> bool:
        return who == whose or self.runs_event(who, event) or self.is_host(who, event)

    def enter(self, who: str, state: str) -> str:
        self.state[who], self.role[who] = state, "MEMBER"
        return OK

    # The club

    def join(self, who: str) -> str:
        state = self.state.get(who)
        if not self.sees_club(who):
            return "NOT_FOUND"
        if state == "ACTIVE":
            return "ALREADY_MEMBER"
        if state == "BANNED":
            return "RESTRICTED"
        if state == "INVITED" or self.policy == "OPEN":
            return self.enter(who, "ACTIVE")
        if self.policy == "INVITE_ONLY":
            return "INVITATION_NEEDED"
        return self.enter(who, "PENDING")

    def leave(self, who: str) -> str:
        if not self.sees_club(who):
            return "NOT_FOUND"
        if self.state.get(who) not in ("ACTIVE", "PENDING", "INVITED"):
            return "NOT_MEMBER"
        return "LAST_OWNER" if self.is_last_owner(who) else self.enter(who, "LEFT")

    def invite(self, who: str, whom: str) -> str:
        if not self.sees_club(who):
            return "NOT_FOUND"
        if self.rank(who) < 1:
            return "FORBIDDEN"
        match self.state.get(whom):
            case "ACTIVE":
                return "ALREADY_MEMBER"
            case "BANNED":
                return "INVALID_STATUS"
            case "PENDING":
                return self.enter(whom, "ACTIVE")
            case "INVITED":
                return OK
        return self.enter(whom, "INVITED")

    def decide(self, who: str, whom: str, state: str) -> str:
        if not self.sees_membership(who, whom):
            return "NOT_FOUND"
        if self.rank(who) < 1:
            return "FORBIDDEN"
        return self.enter(whom, state) if self.state[whom] == "PENDING" else "INVALID_STATUS"

    def put_out(self, who: str, whom: str) -> str:
        if not self.sees_membership(who, whom):
            return "NOT_FOUND"
        if self.rank(who) < 1 or who == whom or self.rank(who) <= ROLES.index(self.role[whom]):
            return "FORBIDDEN"
        if self.is_last_owner(whom):
            return "LAST_OWNER"
        if self.state[whom] == "INVITED":
            return self.enter(whom, "LEFT")
        for event in EVENTS:
            if self.place.get((whom, event)) == "CONFIRMED":
                self.place[whom, event] = "CANCELLED"
            if self.hosts.pop((whom, event), "") == "ORGANIZER" and not self.has_organizer(event):
                heirs = [pair for pair, role in self.hosts.items() if pair[1] == event and role == "CO_ORGANIZER"]
                self.hosts |= dict.fromkeys(heirs[:1], "ORGANIZER")
        return self.enter(whom, "BANNED")

    def lift(self, who: str, whom: str) -> str:
        if not self.sees_membership(who, whom):
            return "NOT_FOUND"
        if self.rank(who) < 1:
            return "FORBIDDEN"
        return self.enter(whom, "LEFT") if self.state[whom] == "BANNED" else "INVALID_STATUS"

    def change_role(self, who: str, whom: str, role: str) -> str:
        if not self.sees_membership(who, whom):
            return "NOT_FOUND"
        if self.rank(who) < 2:
            return "FORBIDDEN"
        if not self.is_member(whom):
            return "INVALID_STATUS"
        highest = max(ROLES.index(self.role[whom]), ROLES.index(role))
        if self.rank(who) < 3 and self.rank(who) <= highest:
            return "FORBIDDEN"
        if role != "OWNER" and self.is_last_owner(whom):
            return "LAST_OWNER"
        self.role[whom] = role
        return OK

    def transfer(self, who: str, whom: str) -> str:
        if not self.sees_membership(who, whom):
            return "NOT_FOUND"
        if self.own_rank(who) < 3:
            return "FORBIDDEN"
        if not self.is_member(whom) or self.role[whom] == "OWNER":
            return "INVALID_STATUS"
        self.role[whom], self.role[who] = "OWNER", "ADMIN"
        return OK

    # Events

    def register(self, who: str, event: str) -> str:
        place = self.place.get((who, event))
        if not self.sees_event(who, event):
            return "NOT_FOUND"
        if place == "CONFIRMED":
            return "ALREADY_REGISTERED"
        if place == "REJECTED" or self.state.get(who) == "BANNED":
            return "RESTRICTED"
        is_for_members = self.shown[event] == "CLUB" or self.visibility == "PRIVATE"
        if is_for_members and not self.is_member(who) and not self.is_host(who, event):
            return "MEMBERS_ONLY"
        self.place[who, event] = "CONFIRMED"
        return OK

    def cancel(self, who: str, event: str) -> str:
        if not self.sees_event(who, event):
            return "NOT_FOUND"
        if self.place.get((who, event)) != "CONFIRMED":
            return "NOT_REGISTERED"
        self.place[who, event] = "CANCELLED"
        return OK

    def appoint(self, who: str, whom: str, event: str, role: str) -> str:
        if not self.sees_event(who, event):
            return "NOT_FOUND"
        if not self.runs_event(who, event) or (role == "ORGANIZER" and not self.appoints_organizers(who, event)):
            return "FORBIDDEN"
        if self.state.get(whom) == "BANNED" or self.place.get((whom, event)) == "REJECTED":
            return "RESTRICTED"
        if self.is_host(whom, event):
            return "ALREADY_EXISTS"
        self.hosts[whom, event] = role
        return OK

    def dismiss(self, who: str, whom: str, event: str) -> str:
        if not self.sees_event(who, event):
            return "NOT_FOUND"
        if who != whom and not self.runs_event(who, event):
            return "FORBIDDEN"
        if not self.is_host(whom, event):
            return "NOT_FOUND"
        role = self.hosts[whom, event]
        if who != whom and role == "ORGANIZER" and not self.appoints_organizers(who, event):
            return "FORBIDDEN"
        others = [pair for pair, one in self.hosts.items() if pair[1] == event and one == "ORGANIZER"]
        if others == [(whom, event)]:
            return "LAST_ORGANIZER"
        del self.hosts[whom, event]
        return OK

    def remove(self, who: str, whom: str, event: str) -> str:
        return self._decide_place(who, whom, event, "REJECTED")

    def allow(self, who: str, whom: str, event: str) -> str:
        return self._decide_place(who, whom, event, "CANCELLED")

    def _decide_place(self, who: str, whom: str, event: str, place: str) -> str:
        if not self.sees_place(who, whom, event):
            return "NOT_FOUND"
        is_removal = place == "REJECTED"
        if not self.runs_event(who, event) or (is_removal and who == whom):
            return "FORBIDDEN"
        if (self.place[whom, event] == "REJECTED") is is_removal:
            return "INVALID_STATUS"
        if is_removal and self.is_host(whom, event):
            needs_more = self.hosts[whom, event] == "ORGANIZER" and not self.appoints_organizers(who, event)
            return "FORBIDDEN" if needs_more else "IS_HOST"
        self.place[whom, event] = place
        return OK


@dataclass
class World:
    """The same on the server."""

    client: Callable[..., Any]
    ports: Any
    dice: random.Random
    model: Model
    club: models.Club
    events: dict[str, models.Event]
    people: dict[str, models.User]
    steps: list[str] = field(default_factory=list)

    def moves(self) -> Iterator[tuple[Any, ...]]:
        """What might be done next: name, arguments for the model, actor, document, input."""
        one, other = self.dice.sample(PEOPLE, 2)
        event, role = self.dice.choice(EVENTS), self.dice.choice(ROLES)
        club, at = {"clubId": self.club}, {"eventId": self.events[event]}
        yield "join", (one,), one, club_documents.JOIN, club
        yield "join", (other,), other, club_documents.JOIN, club
        yield "leave", (one,), one, club_documents.LEAVE, club
        yield "invite", (one, other), one, club_documents.INVITE, club | {"userId": self.people[other]}
        yield "register", (one, event), one, test_registrations.REGISTER, at
        yield "register", (other, event), other, test_registrations.REGISTER, at
        yield "cancel", (one, event), one, test_registrations.CANCEL, at
        role_there = self.dice.choice(("ORGANIZER", "CO_ORGANIZER", "STAFF"))
        person = at | {"userId": self.people[other]}
        yield "appoint", (one, other, event, role_there), one, test_hosts.ADD, person | {"role": role_there}
        yield "dismiss", (one, other, event), one, test_hosts.REMOVE, person
        yield "dismiss", (one, one, event), one, test_hosts.REMOVE, at | {"userId": self.people[one]}
        if other in self.model.state:
            whom = {"membershipId": self.memberships[self.people[other].id]}
            yield "decide", (one, other, "ACTIVE"), one, club_documents.APPROVE, whom
            yield "decide", (one, other, "REJECTED"), one, club_documents.REJECT, whom
            yield "put_out", (one, other), one, club_documents.REMOVE, whom
            yield "put_out", ("staff", other), "staff", club_documents.REMOVE, whom
            yield "lift", (one, other), one, club_documents.LIFT, whom
            yield "change_role", (one, other, role), one, club_documents.CHANGE_ROLE, whom | {"role": role}
            yield "transfer", (one, other), one, club_documents.TRANSFER, whom
        if (other, event) in self.model.place:
            whom = {"registrationId": self.registrations[self.people[other].id, self.events[event].id]}
            yield "remove", (one, other, event), one, test_removal.REMOVE, whom
            yield "allow", (one, other, event), one, test_removal.LIFT, whom

    async def step(self) -> None:
        if self.dice.random() < 0.1:
            await self.change_visibility()
        else:
            name, arguments, actor, document, input = self.dice.choice(list(self.moves()))
            expected = getattr(self.model, name)(*arguments)
            answer = await self.client(self.people[actor]).execute(document, **input)
            assert answer.errors == [], self.told()
            [payload] = answer.data.values()
            found = payload["errors"][0]["code"] if payload["errors"] else OK
            self.steps.append(f"{name}{arguments}: {found or 'done'}")
            assert found == expected, self.told()
            await self.compare_sights(*(one for one in PEOPLE if one in arguments))
        await self.compare()

    async def change_visibility(self) -> None:
        """Of the club, or of an event, by staff."""
        staff = self.client(self.people["staff"])
        async with self.ports.database.reading() as session:
            if self.dice.random() < 0.4:
                self.model.visibility = self.dice.choice(("PUBLIC", "PRIVATE"))
                version = await session.scalar(select(models.Club.version).where(models.Club.id == self.club.id))
                given = {"clubId": self.club, "expectedVersion": version, "visibility": self.model.visibility}
                answer = await staff.execute(test_clubs.UPDATE, **given)
            else:
                name = self.dice.choice(EVENTS)
                self.model.shown[name] = self.dice.choice(("PUBLIC", "CLUB"))
                event = self.events[name]
                version = await session.scalar(select(models.Event.version).where(models.Event.id == event.id))
                given = {"eventId": event, "expectedVersion": version, "visibility": self.model.shown[name]}
                answer = await staff.execute(UPDATE_EVENT, **given)
        [payload] = answer.data.values()
        self.steps.append(f"club {self.model.visibility}, events {self.model.shown}")
        assert payload["errors"] == [], self.told()

    async def compare(self) -> None:
        """States, roles, places, and who is in which chat."""
        names = {user.id: name for name, user in self.people.items()}
        events = {event.id: name for name, event in self.events.items()}
        async with self.ports.database.reading() as session:
            memberships = (await session.scalars(select(ClubMembership))).all()
            registrations = (await session.scalars(select(Registration))).all()
            hosts = (await session.scalars(select(EventHost))).all()
            present = await session.execute(
                select(ChatMember.user_id, models.Chat.event_id)
                .join(models.Chat, models.Chat.id == ChatMember.chat_id)
                .where(ChatMember.left_at.is_(None))
            )
        self.memberships = {one.user_id: one for one in memberships}
        self.registrations = {(one.user_id, one.event_id): one for one in registrations}
        assert {names[one.user_id]: one.state.value for one in memberships} == self.model.state, self.told()
        assert {names[one.user_id]: one.role.value for one in memberships} == self.model.role, self.told()
        places = {(names[one.user_id], events[one.event_id]): one.admission.value for one in registrations}
        assert places == self.model.place, self.told()
        roles = {(names[one.user_id], events[one.event_id]): one.role.value for one in hosts}
        assert roles == self.model.hosts, self.told()
        taking_part = {pair for pair, place in self.model.place.items() if place == "CONFIRMED"}
        members = {(who, "club") for who in PEOPLE if self.model.is_member(who)}
        chats = {(names[user_id], events.get(event_id, "club")) for user_id, event_id in present}
        assert chats == members | taking_part | set(roles), self.told()

    async def compare_sights(self, *people: str) -> None:
        given = {name: gid(event) for name, event in self.events.items()} | {"club": gid(self.club)}
        for who in people:
            seen = (await self.client(self.people[who]).run(SEES, **given)).data
            expected = {event: self.model.sees_event(who, event) for event in EVENTS}
            expected["club"] = self.model.sees_club(who)
            assert {name: one is not None for name, one in seen.items()} == expected, (who, self.told())

    def told(self) -> str:
        return "\n" + "\n".join(self.steps[-25:])


async def walk(client, save, ports, seed, number):
    dice = random.Random(seed)
    model = Model(policy=dice.choice(("OPEN", "OPEN", "APPROVAL", "INVITE_ONLY")))
    for who in ("ben", "cat"):
        model.enter(who, "ACTIVE")
        model.place |= {(who, event): "CONFIRMED" for event in EVENTS}
    people = {name: make_user(role=Role.MODERATOR if name == "staff" else Role.USER) for name in PEOPLE}
    club, category, venue = make_club(join_policy=models.JoinPolicy[model.policy]), make_category(), make_venue()
    await save(*people.values(), club, category, venue)
    events = {
        name: make_event(people["owner"], category, venue, club=club, visibility=models.EventVisibility[shown])
        for name, shown in model.shown.items()
    }
    members = [make_membership(club, people[who], role=ClubRole[role]) for who, role in model.role.items()]
    await save(*events.values(), *members)
    chats = {name: make_chat(kind=ChatKind.EVENT, event=event) for name, event in events.items()}
    of_club = make_chat(kind=ChatKind.CLUB, club=club)
    await save(make_host(events["b"], people["ann"]), of_club, *chats.values())
    await save(make_host(events["b"], people["ben"], models.EventRole.CO_ORGANIZER))
    model.hosts = {("ann", "b"): "ORGANIZER", ("ben", "b"): "CO_ORGANIZER"}
    await save(*(make_registration(events[event], people[who]) for who, event in model.place))
    await save(*(make_member(of_club, people[who]) for who in model.role), make_member(chats["b"], people["ann"]))
    await save(*(make_member(chats[event], people[who]) for who, event in model.place))
    world = World(client, ports, dice, model, club, events, people)
    await world.compare()
    for step in range(number):
        await world.step()
        if step % 10 == 9:
            await world.compare_sights(*PEOPLE)
    async with ports.database.reading() as session:
        assert await find_violations(session) == [], world.told()
    return world.steps


@pytest.mark.parametrize("seed", range(3))
async def test_a_club_and_its_events_go_as_their_model(client, save, ports, seed):
    await walk(client, save, ports, seed, 30)


@pytest.mark.outside
@pytest.mark.parametrize("seed", range(100, 120))
async def test_long_walks_of_a_club_go_as_their_model(client, save, ports, seed):
    await walk(client, save, ports, seed, 400)
