"""An event with services says how many people it takes (`docs/domain.md`, "Capacity", rule 1)."""

from __future__ import annotations

import pytest
from sqlalchemy.exc import IntegrityError

from models import Event, Service
from tests.api.events.event_worlds import CREATE, UPDATE, a_world, an_input, outcome
from tests.factories import make_service, now

ADD = "mutation ($input: AddServiceInput!) { addService(input: $input) { service { capacity } errors { code path } } }"
NEEDED = [{"code": "REQUIRED", "path": ["capacity"]}]


def a_service(world) -> dict:
    start = world.event.starts_at.isoformat()
    return {"serviceTypeId": world.service_type, "startsAt": start, "endsAt": start}


async def test_an_event_is_not_made_with_services_and_without_capacity(client, save, count):
    world = await a_world(save)
    asked = an_input(world, services=[a_service(world)])
    asked |= {"startsAt": world.event.starts_at.isoformat(), "endsAt": world.event.ends_at.isoformat()}

    refused = await client(world.user("volunteer")).execute(CREATE, **asked)
    made = await client(world.user("volunteer")).execute(CREATE, **asked, capacity=10)

    [error] = refused.data["createEvent"]["errors"]
    assert (error["code"], error["path"]) == ("REQUIRED", ["capacity"])
    assert outcome(made, "createEvent") == "DONE"


async def test_the_limit_stays_while_there_are_services(client, save, ports, count):
    world = await a_world(save)
    ada = client(world.user("organiser"))

    refused = await ada.execute(UPDATE, eventId=world.event, expectedVersion=1, capacity=None)
    async with ports.database.writing() as uow:
        (await uow.session.get_one(Service, world.service.id)).cancelled_at = now()
    lifted = await ada.execute(UPDATE, eventId=world.event, expectedVersion=1, capacity=None)

    assert refused.data["updateEvent"]["errors"] == NEEDED
    assert lifted.data["updateEvent"]["event"]["capacity"] is None


async def test_the_first_service_needs_a_capacity(client, save, ports):
    world = await a_world(save)
    async with ports.database.writing() as uow:
        await uow.session.delete(await uow.session.get_one(Service, world.service.id))
        await uow.session.flush()
        (await uow.session.get_one(Event, world.event.id)).capacity = None
    admin = client(world.user("admin"))

    refused = await admin.execute(ADD, eventId=world.event, **a_service(world))
    await admin.execute(UPDATE, eventId=world.event, expectedVersion=1, capacity=30)
    added = await admin.execute(ADD, eventId=world.event, **a_service(world))

    assert refused.data["addService"]["errors"] == [{"code": "REQUIRED", "path": ["eventId"]}]
    assert outcome(added, "addService") == "DONE"


async def test_the_database_refuses_a_service_of_an_event_without_limit(save, ports):
    world = await a_world(save)
    other = Event(**{
        name: getattr(world.event, name)
        for name in ("title", "category_id", "venue_id", "time_zone", "starts_at", "ends_at", "created_by_id")
    })  # fmt: skip
    await save(other)

    with pytest.raises(IntegrityError, match="an event with services has a capacity"):
        await save(make_service(other, world.service_type))
