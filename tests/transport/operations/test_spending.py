"""What operations really cost: counted while they run, stopped where it is too much, paid for afterwards."""

from __future__ import annotations

import gc
import os
from typing import Any

import pytest
from graphql import GraphQLInputObjectType, get_named_type, parse

from auth.viewer import Viewer
from database import reads
from documents.documents import Prepared
from engine import Engine
from engine.cost import Costs
from models import Registration
from schema.core.arguments import PAGE_ARGUMENTS
from schema.core.context import Caller, Context
from tests.api.booking.test_registrations import an_event
from tests.clients import gid
from tests.factories import (
    make_category,
    make_event,
    make_host,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)
from tests.transport.operations.test_cost import EXAMPLE, SCHEMA, cost
from transport.observing.metrics import Metrics
from transport.operations.budget import Budget
from transport.operations.operations import Operations
from transport.operations.requests import Parameters

ENGINE = Engine(SCHEMA)
OPEN = {"registrations": "EVERYONE", "clubs": "EVERYONE"}
MANY = 60
"""Participants, where 20 are typical."""
engine_only = pytest.mark.skipif(os.environ.get("EXECUTION") == "reference", reason="only the engine counts all of it")


class Runner:
    """Runs operations as transports do."""

    def __init__(self, ports: Any, *, max_cost: int = 100_000, budget: Budget | None = None) -> None:
        self._ports = ports
        engine = ENGINE if ports.settings.execution == "engine" else None
        self.operations = Operations(
            SCHEMA, Metrics(), None, timeout=5, max_cost=max_cost, budget=budget, engine=engine
        )

    async def run(self, document: str, **variables: Any) -> dict[str, Any]:
        context = Context(ports=self._ports, caller=Caller("203.0.113.9"))
        with self.operations.observing("http") as seen:
            operation = await self.operations.prepare(Parameters(document, variables, None, wants_cost=True), seen, "")
            await self.operations.admit(operation, context, seen)
            result = await self.operations.run(operation, context, seen)
        return result.body


async def world(save, events: int = 2, participants: int = 0) -> list[Any]:
    """Events with 2 services each and so many participants, the first one with 2 hosts."""
    category, venue, kind = make_category(), make_venue(), make_service_type()
    people = [make_user(privacy=OPEN) for _ in range(max(3, participants))]
    await save(category, venue, kind, *people)
    made = [make_event(people[0], category, venue) for _ in range(events)]
    await save(*made)
    services = [make_service(event, kind) for event in made for _ in range(2)]
    await save(*services, *(make_host(event, one) for event in made[:1] for one in people[1:3]))
    await save(*(make_registration(event, one) for event in made for one in people[:participants]))
    return made


@engine_only
async def test_what_an_answer_holds_is_counted_by_the_rule_with_the_sizes_that_were_found(ports, save):
    made = await world(save, participants=5)
    runner = Runner(ports)
    found = {}
    for document in (
        EXAMPLE,
        "{ events { nodes { venue { name } organizers { id } } } }",
        "{ events(first: 1) { nodes { id } edges { node { title } } } }",
        "{ events { nodes { services { type { name } } } } }",
        "{ events { nodes { participants(first: 100) { totalCount nodes { handle clubs { nodes { id } } } } } } }",
        "{ events { nodes { services { bookings { nodes { id } } } } } }",
        '{ events(filter: {text: "walk"}, sort: STARTS_AT_DESC) { nodes { id } } }',
        f'{{ nodes(ids: ["{gid(made[0])}", "{gid(made[1])}"]) {{ id }} }}',
        f'{{ event(id: "{gid(made[0])}") {{ participants(first: 3) {{ nodes {{ id }} }} hosts {{ role }} }} }}',
        "{ __typename }",
        "{ __schema { queryType { name } } }",
    ):
        body = await runner.run(document)
        assert "errors" not in body
        found[document] = body["extensions"]["cost"]["actual"]

    assert list(found.values()) == [
        21 + 2 * (1 + 1 + 1) + 2 * 2 + 500,
        21 + 2 * (1 + 1 + 1) + 2,
        21 + 1 * 2,
        21 + 2 * (1 + 1 + 2 * (1 + 1)),
        21 + 2 * (1 + 1 + 20 + 5 * (1 + 1)),
        21 + 2 * (1 + 1 + 2 * (1 + 1)),
        21 + 2_000 + 50 + (await found_by_words(runner)),
        21 + 2 * (5 + 1),
        21 + 1 + 3 + 1 + 2,
        1,
        6,
    ]


async def found_by_words(runner: Runner) -> int:
    body = await runner.run('{ events(filter: {text: "walk"}) { nodes { id } } }')
    return len(body["data"]["events"]["nodes"])


PEOPLE = "query ($id: ID!) { event(id: $id) { participants(first: 100) { nodes { id } } } }"
IN_A_LIST = "{ events(first: 3) { nodes { participants(first: 100) { nodes { id } } } } }"
IN_A_LIST_COST = 21 + 3 * (1 + 1 + 20)


@pytest.mark.parametrize(
    ("document", "most"),
    [(PEOPLE, 50), (IN_A_LIST, IN_A_LIST_COST + 10)],
    ids=["looked up", "listed"],
)
async def test_a_query_that_holds_more_than_it_may_is_stopped_and_answers_nothing(ports, save, document, most):
    made = await world(save, events=3, participants=MANY)

    body = await Runner(ports, max_cost=most).run(document, id=gid(made[0]))

    assert list(body) == ["errors"]
    (error,) = body["errors"]
    assert error["extensions"]["code"] == "QUERY_TOO_COSTLY"
    told = error["extensions"]["cost"]
    assert told["requested"] <= told["maximum"] < told["actual"]


@engine_only
async def test_no_more_rows_are_fetched_than_it_takes_to_know_that_they_are_too_many(ports, save):
    await world(save, events=3, participants=MANY)
    noted: list[Any] = []
    token = reads.set(noted)
    try:
        body = await Runner(ports, max_cost=IN_A_LIST_COST + 10).run(IN_A_LIST)
    finally:
        reads.reset(token)

    assert body["errors"][0]["extensions"]["code"] == "QUERY_TOO_COSTLY"
    # 24 for the list with its events and 3 for the parents; then one row more than there is room for.
    assert [one.rows for one in noted] == [3, IN_A_LIST_COST + 10 - 24 - 3 + 1]


@engine_only
async def test_what_there_is_room_for_is_answered_whole(ports, save):
    await world(save, events=3, participants=MANY)
    exactly = 21 + 3 * (1 + 1 + MANY)

    body = await Runner(ports, max_cost=exactly).run(IN_A_LIST)
    short = await Runner(ports, max_cost=exactly - 1).run(IN_A_LIST)

    assert [len(one["participants"]["nodes"]) for one in body["data"]["events"]["nodes"]] == [MANY] * 3
    assert body["extensions"]["cost"]["actual"] == exactly
    assert list(short) == ["errors"]


async def test_what_nobody_waits_for_any_more_is_no_fault(ports, save):
    """Where an argument turns out to be wrong: Python would warn of a coroutine that nobody awaits."""
    (event,) = await world(save, events=1)
    document = "query ($ids: [ID!]!) { __schema { __typename } nodes(ids: $ids) { id } }"

    answer = await Runner(ports).run(document, ids=[gid(event), "no id"])
    gc.collect()

    assert [error["extensions"]["reason"] for error in answer["errors"]] == ["INVALID_ID"]


REGISTER = """
mutation ($id: ID!, $first: Int) {
  registerForEvent(input: {eventId: $id}) {
    registration { event { participants(first: $first) { nodes { id } } } } errors { code }
  }
}
"""


async def test_the_answer_of_a_mutation_is_counted_before_and_never_cut(ports, save, count):
    """What it did stands, so what it may hold at most is what is looked at."""
    _, event = await an_event(save)
    await save(*(people := [make_user() for _ in range(MANY)]))
    await save(*(make_registration(event, one) for one in people))
    runner = Runner(ports, max_cost=290)

    refused = await runner.run(REGISTER, id=gid(event), first=100)
    done = await runner.run(REGISTER, id=gid(event), first=80)

    assert cost(REGISTER, first=100) == 200 + 1 + 1 + 100
    assert refused["errors"][0]["extensions"]["cost"] == {"requested": 302, "maximum": 290}
    assert done["errors"][0]["extensions"]["code"] == "UNAUTHENTICATED"
    assert await count(Registration) == MANY


@engine_only
async def test_the_budget_pays_what_was_read_and_has_back_what_was_not(ports, save, redis):
    (event,) = await world(save, events=1, participants=MANY)
    budget = Budget(redis, users=60_000, guests=60_000)
    runner = Runner(ports, budget=budget)

    more = (await runner.run(PEOPLE, id=gid(event)))["extensions"]["cost"]
    less = (await runner.run("{ events(first: 100) { nodes { id } } }"))["extensions"]["cost"]
    again = (await runner.run("{ __typename }"))["extensions"]["cost"]

    assert (more["requested"], more["actual"]) == (21 + 1 + 20, 21 + 1 + MANY)
    assert (less["requested"], less["actual"]) == (121, 21 + 1)
    # Some tokens come back with the time.
    assert 0 <= more["remaining"] - (60_000 - more["actual"]) < 100
    assert more["remaining"] - less["remaining"] == 22
    assert less["remaining"] - again["remaining"] == 1


async def test_a_debt_is_paid_before_anything_else(redis):
    budget = Budget(redis, users=6_000, guests=6_000)
    ada = Viewer(make_user())
    balance = await budget.take(ada, "", 100)
    budget.settle(f"user:{ada.id}", 5_500, balance.remaining)

    assert (await budget.take(ada, "", 1_000)).wait > 0
    assert (await budget.take(ada, "", 100)).wait == 0


SERVICES = "{ events(first: 50) { nodes { title services { startsAt bookings { nodes { user { id } } } } } } }"


def test_fifty_events_with_their_services_and_bookings_may_be_asked_for():
    assert cost(SERVICES) < 10_000


@pytest.mark.parametrize("text", ["б в г д ж з к л м н п р", "dance evening"])
def test_a_hundred_searches_at_once_may_not(text):
    searches = " ".join(f'a{n}: events(filter: {{text: "{text}"}}) {{ nodes {{ id }} }}' for n in range(100))

    assert cost(f"{{ {searches} }}") > 100_000


def narrowing() -> list[tuple[str, str, str, str]]:
    """Every way to narrow a root list: field, argument, field of the argument's type, and how one is written."""
    written = {"String": '"walk"', "ID": '"x"', "Boolean": "true", "Int": "1", "Date": '"2027-01-01"'}
    found = []
    for name, field in SCHEMA.graphql.query_type.fields.items():
        if "after" not in field.args:
            continue
        for argument, declared in field.args.items():
            if argument in {one.name for one in PAGE_ARGUMENTS}:
                continue
            type_: Any = get_named_type(declared.type)
            inner = type_.fields if isinstance(type_, GraphQLInputObjectType) else {"": declared}
            for key, one in inner.items():
                leaf: Any = get_named_type(one.type)
                value = written.get(leaf.name) or (next(iter(leaf.values)) if hasattr(leaf, "values") else "{}")
                found.append((name, argument, key, f"{{{key}: {value}}}" if key else value))
    return found


@pytest.mark.parametrize(("name", "argument", "key", "value"), narrowing(), ids=lambda value: value)
def test_whatever_narrows_or_sorts_a_list_has_its_price(name, argument, key, value):
    plain = Costs(SCHEMA.graphql)
    documents = [f"{{ {name}{given} {{ nodes {{ id }} }} }}" for given in ("", f"({argument}: {value})")]
    prices = []
    for document in documents:
        # A value that is none of its scalar is refused later, and is priced all the same.
        made = parse(document)
        prepared = Prepared(made, (), 0, (made.definitions[0],))
        prices.append(plain.of(document, prepared, prepared.operations[0], {}))

    assert prices[1] >= prices[0] + 50


def test_every_search_declares_a_price_of_its_own():
    """A text that narrows a list is a search."""
    texts = {(name, key) for name, argument, key, _ in narrowing() if "text" in key.lower() or "name" in key.lower()}

    assert {key for _, key in texts} >= {"text"}
    for name, key in texts:
        one = f'{{ {name}(filter: {{{key}: "walk"}}) {{ nodes {{ id }} }} }}'
        two = f'{{ {name}(filter: {{{key}: "walk home"}}) {{ nodes {{ id }} }} }}'
        assert cost(two) > cost(one)
