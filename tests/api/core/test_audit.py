"""Whatever staff do to somebody else's things leaves one entry, with what was before and after."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import select

from models import AuditEntry
from tests.api.core.examples import EXAMPLES, Forbidden, things
from tests.factories import make_host, make_user

AUDITED = {name: one.audit for name, one in EXAMPLES.items() if isinstance(one.audit, list)}
"""Mutations by which staff change what belongs to others."""
REFUSED = {name: one.audit.input for name, one in EXAMPLES.items() if isinstance(one.audit, Forbidden)}
"""Those whose input names a thing of somebody else, which staff may not change either."""
DEEDS = [(name, deed) for name, deeds in AUDITED.items() for deed in deeds]


def mutation(schema: Any, name: str) -> str:
    type_ = schema.graphql.mutation_type.fields[name].args["input"].type
    return f"mutation ($input: {type_}) {{ {name}(input: $input) {{ errors {{ code path message }} }} }}"


def test_every_mutation_says_whether_it_is_audited(schema) -> None:
    assert sorted(EXAMPLES) == sorted(schema.graphql.mutation_type.fields)


@pytest.mark.parametrize(("name", "deed"), DEEDS, ids=[f"{name}-{deed.who}" for name, deed in DEEDS])
async def test_what_staff_do_to_others_leaves_one_entry(schema, client, save, ports, name, deed):
    world = await things(save)

    answer = await client(world.rows[deed.who]).execute(mutation(schema, name), **deed.input(world))

    assert (answer.errors, answer.data[name]["errors"]) == ([], [])
    async with ports.database.reading() as session:
        [entry] = (await session.scalars(select(AuditEntry))).all()
    assert (entry.action, entry.actor_id) == (deed.action, world.rows[deed.who].id)
    assert entry.before != entry.after
    if deed.subject is not None:
        assert entry.subject_id == world.rows[deed.subject].id


@pytest.mark.parametrize("name", REFUSED)
@pytest.mark.parametrize("who", ["moderator", "admin"])
async def test_what_staff_may_not_do_leaves_none(schema, client, save, count, name, who):
    world = await things(save)

    answer = await client(world.rows[who]).execute(mutation(schema, name), **REFUSED[name](world))

    assert [error["code"] for error in answer.data[name]["errors"]] == ["FORBIDDEN"]
    assert await count(AuditEntry) == 0


@pytest.mark.parametrize(("name", "deed"), DEEDS, ids=[f"{name}-{deed.who}" for name, deed in DEEDS])
async def test_a_refused_deed_leaves_none(schema, client, save, ports, count, name, deed):
    """The entry belongs to the transaction: what was not done was not done by anyone."""
    world = await things(save)
    stranger = make_user()
    await save(stranger)

    answer = await client(stranger).execute(mutation(schema, name), **deed.input(world))

    assert answer.errors or answer.data[name]["errors"]
    assert await count(AuditEntry) == 0


async def test_all_that_changed_stands_in_the_entry(schema, client, save, ports):
    world = await things(save)

    await client(world.moderator).execute(
        mutation(schema, "updateEvent"), eventId=world.event, expectedVersion=1, title="New", capacity=9,
        price={"amount": "5.50"}, interestIds=[world.jazz],
    )  # fmt: skip

    async with ports.database.reading() as session:
        [entry] = (await session.scalars(select(AuditEntry))).all()
    assert entry.before == {
        "title": world.event.title, "capacity": 100, "interests": [], "price": {"amount": "0.00", "currency": "RUB"},
    }  # fmt: skip
    assert entry.after == {
        "title": "New", "capacity": 9, "interests": [str(world.jazz.id)],
        "price": {"amount": "5.50", "currency": "RUB"},
    }  # fmt: skip


async def test_a_host_on_the_staff_is_a_host(schema, client, save, ports, count):
    """What administrators do with their own is nobody else's, but for what is audited whoever does it."""
    world = await things(save)
    await save(make_host(world.event, world.admin))
    admin = client(world.admin)

    await admin.execute(mutation(schema, "updateEvent"), eventId=world.event, expectedVersion=1, title="New")
    quiet = await count(AuditEntry)
    await admin.execute(mutation(schema, "updateEvent"), eventId=world.event, expectedVersion=2, capacity=9)

    assert quiet == 0
    assert await count(AuditEntry, AuditEntry.action == "event.capacity.change") == 1
