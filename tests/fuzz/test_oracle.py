"""The engine must answer as Strawberry's own execution does, whatever is asked by whomever (`docs/engine.md`).

`make fuzz` asks more: FUZZ_CASES says how many cases, FUZZ_SEED from which one on.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed
from hypothesis import settings as searching
from hypothesis.errors import FlakyFailure

from app import make_ports
from engine import Engine
from schema import Schema
from schema.core.ports import Ports
from settings import Settings
from tests.api.core.examples import EXAMPLES
from tests.fuzz.coverage import declared
from tests.fuzz.operations import SECRETS, SIGNING_IN, cases
from tests.fuzz.oracle import Oracle
from tests.fuzz.streams import StreamOracle, sources, subscriptions
from tests.fuzz.walk import REFUSALS, REFUSED, SUBSCRIBED, has_lists, mutations, queries
from tests.fuzz.world import TODAY, World, forget, load, standing_time
from tests.rows import Rows

pytestmark = pytest.mark.usefixtures("sound_builders")

IS_LONG = "FUZZ_CASES" in os.environ
NUMBERS = [int(os.environ["FUZZ_CASES"])] if IS_LONG else [100, pytest.param(300, marks=pytest.mark.outside)]
"""Of random cases."""
FIRST_SEED = int(os.environ.get("FUZZ_SEED", "1"))
ROUND = 500
"""Cases that are searched by themselves: a difference ends its round, and the others go on."""
SECONDS = 60.0
"""For one case, both answers."""


class Different(Exception):
    """The operation and both answers."""


@pytest.fixture(autouse=True)
def empty_tables() -> None:
    """In the place of the fixture that empties them: the world stays until the last test here."""


@pytest.fixture(scope="module")
def clock() -> Iterator[None]:
    with standing_time():
        yield


@pytest.fixture(scope="module")
async def patient_ports(settings: Settings) -> AsyncIterator[Ports]:
    """A busy machine is no difference: nothing is given up for its slowness."""
    # A provider that is set up and never asked: nobody may be sent back anywhere.
    provider = {"oidc_issuer": "https://provider.invalid", "oidc_client_id": "oracle"}
    made = make_ports(replace(settings, statement_timeout=SECONDS, **provider))
    await made.hub.connect()
    yield made
    await made.hub.disconnect()
    await made.database.dispose()


@pytest.fixture(scope="module")
async def world(patient_ports: Ports, rows: Rows, schema: Schema, clock: None) -> AsyncIterator[World]:
    ports = patient_ports
    made = await load(ports)
    oracle = Oracle(schema, Engine(schema), made)
    for person in ("anna", "ada"):
        await oracle.collect_cursors(
            case for type_, case in queries(schema.graphql, made, person) if has_lists(schema.graphql.type_map[type_])
        )
    yield made
    await forget(ports)
    await rows.empty()


@pytest.fixture
def oracle(schema: Schema, world: World) -> Oracle:
    return Oracle(schema, Engine(schema), world)


async def test_the_world_has_events_of_every_timing_and_is_asked_in_its_own_time(world, schema):
    document = "query ($filter: EventFilter) { events(filter: $filter) { totalCount } }"
    found = []
    for filter_ in ({}, {"timings": ["UPCOMING"]}, {"timings": ["PAST"], "archived": True}):
        answer = await Engine(schema).execute(
            document, variable_values={"filter": filter_}, context_value=world.context("ada", "en", "engine")
        )
        found.append(answer.data["events"]["totalCount"])

    assert min(found) > 10
    inputs = repr([one.input for one in EXAMPLES.values()])
    assert set(re.findall(r"\b(\d{4})-\d\d-\d\dT", inputs)) == {str(TODAY.year)}


async def test_every_field_of_a_query_answers_alike(oracle, world, schema):
    payloads = {type_ for type_, _ in declared(schema.graphql) if type_.endswith("Payload")}
    wanted = declared(schema.graphql, left_out={*SUBSCRIBED, *payloads, "Mutation", *REFUSALS})

    # A user who is host, author and member sees nearly everything, an administrator the rest.
    for person in ("anna", "ada"):
        missing = wanted - oracle.summary.fields
        cases = [
            case for type_, case in queries(schema.graphql, world, person) if type_ in {name for name, _ in missing}
        ]
        differences = [await oracle.differences(case) for case in cases]
        assert "\n\n".join(found for found in differences if found) == ""

    assert wanted - oracle.summary.fields == set()


@pytest.mark.outside
async def test_every_mutation_answers_alike(oracle, world, schema):
    differences = [await oracle.differences(case) for case in await mutations(schema.graphql, world)]

    assert "\n\n".join(found for found in differences if found) == ""
    payloads = {type_ for type_, _ in declared(schema.graphql) if type_.endswith("Payload")}
    secret = {(type_, name) for type_ in SIGNING_IN for name in SECRETS}
    every = {field for field in declared(schema.graphql) if field[0] in {"Mutation", *REFUSALS} | payloads}
    assert every - secret - oracle.summary.fields == set()
    assert oracle.summary.refusals == REFUSED


@pytest.mark.parametrize("number", NUMBERS)
async def test_random_operations_answer_alike(oracle, world, schema, capsys, number):
    strategy = cases(schema.graphql, world, list(EXAMPLES))

    found = await search(strategy, oracle.differences, number)

    if IS_LONG:
        with capsys.disabled():
            sys.stdout.write("\n".join(["", *oracle.summary.lines(schema.graphql), ""]))
    if found:
        pytest.fail("\n\n".join(found), pytrace=False)


@pytest.mark.parametrize("number", NUMBERS)
async def test_live_streams_answer_many_as_they_answer_one(world, schema, capsys, number):
    oracle = StreamOracle(schema, world)
    strategy = subscriptions(schema.graphql, world, await sources(world))

    found = await search(strategy, oracle.differences, number // 6)

    await world.restore()
    if IS_LONG:
        with capsys.disabled():
            sys.stdout.write(f"\n{oracle.cases} subscribers, {oracle.shared} of them told what was made for others\n")
    if found:
        pytest.fail("\n\n".join(found), pytrace=False)
    assert oracle.shared > 0


async def search(strategy: Any, differences: Callable[[Any], Awaitable[str]], number: int) -> list[str]:
    """The smallest cases whose answers differ, one for each round at most."""
    loop = asyncio.get_running_loop()

    def rounds() -> list[str]:
        found = []
        for first in range(0, number, ROUND):
            same = compared(strategy, differences, loop, first, min(ROUND, number - first))
            try:
                same()
            except Different as error:
                found.append(str(error))
            except FlakyFailure as error:
                found.append("\n".join(["Not every time:", *map(str, error.exceptions)]))
        return found

    return await asyncio.to_thread(rounds)


def compared(
    strategy: Any,
    differences: Callable[[Any], Awaitable[str]],
    loop: asyncio.AbstractEventLoop,
    first: int,
    number: int,
) -> Callable[[], None]:
    """A search among so many cases, which raises `Different` with the smallest that it has found."""

    @seed(FIRST_SEED + first)
    @searching(
        max_examples=number,
        database=None,
        deadline=None,
        phases=[Phase.generate, Phase.shrink],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
        print_blob=False,
    )
    @given(case=strategy)
    def same(case: Any) -> None:
        waiting = asyncio.run_coroutine_threadsafe(differences(case), loop)
        if difference := waiting.result(SECONDS):
            raise Different(difference)

    return same
