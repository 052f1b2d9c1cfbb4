"""`viewerCan` against what the mutations answer: each field of each type, people of each standing, each state."""

from __future__ import annotations

import os
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from random import Random
from typing import Any

import pytest
from sqlalchemy import func, select

from models import ChatMember
from schema.core.context import Context
from schema.core.metadata import MUTATION_KEY, definition_of
from tests.api.chat.test_chats import a_group, fellows
from tests.api.core.viewer_can_stage import Case, Looked
from tests.clients import Client, shared_schema

WORLDS = [
    import_module(f"tests.api.{file.parent.name}.viewer_can_world").world
    for file in sorted(Path(__file__).parents[1].glob("*/viewer_can_world.py"))
]
SCHEMA = shared_schema()
EVERYTHING = "FUZZ_CASES" in os.environ
"""Whether every mutation is tried by everybody on everything, as `make fuzz` does, and not as in `chosen`."""
SEED = os.environ.get("SEED", "1")
"""`make test-shifted` chooses others."""
ACTED_ON = {
    "eventId": "Event",
    "serviceId": "Service",
    "serviceIds": "Service",
    "registrationId": "Registration",
    "bookingId": "Booking",
    "clubId": "Club",
    "membershipId": "ClubMembership",
    "chatId": "Chat",
    "messageId": "Message",
    "reviewId": "Review",
}
"""Names of inputs, and the type whose id they take."""
ELSEWHERE = {("Event", "bookServices"): "Each of its services says so."}
"""Types and mutations that take an id of one, and are named by another type alone, with the reason."""
STANDS_AGAINST = {
    "ALREADY_BOOKED", "ALREADY_DECIDED", "ALREADY_MEMBER", "ALREADY_REGISTERED", "ALREADY_REVIEWED",
    "BOOK_SERVICES_INSTEAD", "CHAT_NOT_ALLOWED", "CHAT_READ_ONLY", "CLOSED", "EVENT_IN_PAST",
    "FORBIDDEN", "FULL", "HAS_PARTICIPANTS", "INVALID_STATUS", "INVITATION_NEEDED", "IS_HOST", "LAST_ORGANIZER",
    "LAST_OWNER", "MEMBERS_ONLY", "NOT_BOOKED", "NOT_FOUND", "NOT_MEMBER", "NOT_OPEN_YET", "NOT_REGISTERED", "REQUIRED",
    "RESTRICTED", "REVIEW_NOT_ALLOWED", "UNAUTHENTICATED",
}  # fmt: skip
"""Codes of rights, states and standing; REQUIRED is a capacity that the event lacks. Any other one means that an input
of this test is wrong.
"""
MAY_DO_NOTHING = ("joinClub", "rejoinChat", "markChatRead")
"""They refuse nothing to who has what they give already, and then nothing happens."""
ALWAYS = {("Chat", "rejoin"): {False}}
"""What only members see. Who has left a chat sees it in the answer of `leaveChat` alone."""


READ = select(func.sum(ChatMember.read_sequence))
MOST_REFUSED = {"quick": 2, "thorough": 7}
DEPTHS = ["thorough"] if EVERYTHING else ["quick", pytest.param("thorough", marks=pytest.mark.outside)]
MOST_STATEMENTS = 4
"""For all objects of a type: the rows, and what the viewer is to them."""


def fields_of(type_name: str) -> dict[str, str]:
    """Fields of `viewerCan` of a type, and the mutation that each is about."""
    found = SCHEMA.graphql.type_map[f"{type_name}ViewerCan"].fields
    return {name: definition_of(one).metadata[MUTATION_KEY] for name, one in found.items()}


@cache
def document_of(mutation: str) -> str:
    input = f"{mutation[0].upper()}{mutation[1:]}Input"
    return f"mutation ($input: {input}!) {{ {mutation}(input: $input) {{ errors {{ code path }} }} }}"


class Undone(Exception):
    pass


@dataclass(eq=False)
class TryingContext(Context):
    """Takes back whatever a mutation has written."""

    happened: list[Any] = field(default_factory=list)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Any]:
        try:
            async with self.database.writing() as uow:
                before = await uow.session.scalar(READ)
                yield uow
                await uow.session.flush()
                self.happened += uow.events
                # Read markers are moved without an event.
                self.happened += [READ] if await uow.session.scalar(READ) != before else []
                raise Undone
        except Undone:
            self.loaders.clear()

    writing_once = writing


class Trying(Client):
    last: TryingContext

    def context(self, *, is_socket: bool = False) -> Context:
        made = super().context(is_socket=is_socket)
        self.last = TryingContext(ports=made.ports, caller=made.caller, viewer=made.viewer)
        return self.last


@dataclass(frozen=True)
class Said:
    """What `viewerCan` says to a person of one field of an object."""

    who: str
    field: str
    case: Case = field(repr=False)
    answer: bool

    @property
    def words(self) -> str:
        return f"{self.who}: {self.field} of {self.case.state} is {self.answer}"


@pytest.mark.parametrize("world", WORLDS, ids=lambda world: world.__module__.split(".")[2])
@pytest.mark.parametrize("depth", DEPTHS)
async def test_it_says_what_the_mutations_answer(save, schema, ports, world, depth):
    looked = await world(save)

    for type_name, looking in looked.items():
        told = await everything_said(schema, ports, type_name, looking)
        Random(SEED).shuffle(told)
        wrong = [
            one.words
            for one in (told if EVERYTHING else chosen(told, MOST_REFUSED[depth]))
            if await is_wrong(schema, ports, looking, one)
        ]

        assert wrong == []
        answers = {name: {one.answer for one in told if one.field == name} for name in fields_of(type_name)}
        assert answers == {name: ALWAYS.get((type_name, name), {True, False}) for name in answers}
        assert not any(one.answer for one in told if one.who == "guest")


async def everything_said(schema: Any, ports: Any, type_name: str, looking: Looked) -> list[Said]:
    """To everybody, of everything that they see."""
    can = f"viewerCan {{ {' '.join(fields_of(type_name))} }}"
    document = f"query ($ids: [ID!]!) {{ nodes(ids: $ids) {{ ... on {type_name} {{ {can} }} }} }}"
    told = []
    for who, person in looking.people.items():
        answer = await Client(schema, ports, person, "en").run(document, ids=[case.row for case in looking.cases])
        assert answer.errors == []
        assert len(answer.statements) <= MOST_STATEMENTS
        for case, node in zip(looking.cases, answer.data["nodes"], strict=True):
            told += [Said(who, name, case, said) for name, said in (node["viewerCan"] if node else {}).items()]
    return told


def chosen(told: Sequence[Said], most_refused: int) -> Iterable[Said]:
    """Of what is true enough to have every person and every state once for each field. Of what is not, all where
    neither the person nor the state alone is the reason; of the rest, which is most, some for each field, and of other
    people and states for the next one.
    """
    for number, name in enumerate(dict.fromkeys(one.field for one in told)):
        open_to = [one for one in told if one.field == name and one.answer]
        people, states = {one.who for one in open_to}, {one.case.state for one in open_to}
        closed = [one for one in told if one.field == name and not one.answer]
        crossed = [one for one in closed if one.who in people and one.case.state in states]
        plain = spread([one for one in closed if one not in crossed])
        step = 1 + len(plain) // most_refused
        yield from (*spread(open_to), *crossed, *plain[number % step :: step])


def spread(told: Sequence[Said]) -> list[Said]:
    people, states, found = set(), set(), []
    for is_enough in (all, any):
        for one in told:
            if is_enough([one.who not in people, one.case.state not in states]):
                people.add(one.who)
                states.add(one.case.state)
                found.append(one)
    return found


async def is_wrong(schema: Any, ports: Any, looking: Looked, said: Said) -> bool:
    type_name = type(said.case.row).__name__
    mutation, person = fields_of(type_name)[said.field], looking.people[said.who]
    caller = Trying(schema, ports, person, "en")
    answer = await caller.execute(document_of(mutation), **said.case.inputs(said.field, person))
    codes = set(answer.error_codes) or {error["code"] for error in answer.data[mutation]["errors"]}
    assert codes <= STANDS_AGAINST, (said, answer)
    is_done = not codes and (mutation not in MAY_DO_NOTHING or bool(caller.last.happened))
    return said.answer is not is_done


def test_every_mutation_of_such_an_object_is_named() -> None:
    """With the type that its input names; what is left stands in `ELSEWHERE` with its reason."""
    taken = {
        (ACTED_ON[name], mutation)
        for mutation, one in SCHEMA.graphql.mutation_type.fields.items()
        for name in one.args["input"].type.of_type.fields
        if name in ACTED_ON
    }
    named = {(type_name, mutation) for type_name in ACTED_ON.values() for mutation in fields_of(type_name).values()}

    assert taken - named == set(ELSEWHERE)
    assert {mutation for _type, mutation in taken} <= {mutation for _type, mutation in named}
    for type_name in ACTED_ON.values():
        for name, one in SCHEMA.graphql.type_map[f"{type_name}ViewerCan"].fields.items():
            assert f"`{fields_of(type_name)[name]}`" in one.description


async def test_who_has_left_a_chat_may_come_back_and_no_more(client, save) -> None:
    ada, bob = await fellows(save)
    chat = await a_group(save, ada, bob)
    document = "mutation ($input: LeaveChatInput!) {{ leaveChat(input: $input) {{ chat {{ viewerCan {{ {} }} }} }} }}"

    answer = await client(ada).execute(document.format(" ".join(fields_of("Chat"))), chatId=chat)

    said = answer.data["leaveChat"]["chat"]["viewerCan"]
    assert {name for name, answer in said.items() if answer} == {"rejoin"}
