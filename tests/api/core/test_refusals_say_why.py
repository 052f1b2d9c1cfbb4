"""Why something is refused is data, not text alone: states, times and the zones that they belong to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from models import Event, EventStatus, MembershipState, Service
from tests.api.events.event_worlds import World, a_world, an_input
from tests.factories import in_days, make_membership, make_registration, make_user, now

DETAILS = "errors { code message path details { status opensAt closesAt startsAt endsAt timeZone } }"


async def refusal(caller: Any, name: str, **input: Any) -> dict[str, Any]:
    """The only refusal, with what its details have."""
    document = f"mutation ($input: {name[0].upper()}{name[1:]}Input!) {{ {name}(input: $input) {{ {DETAILS} }} }}"
    [found] = (await caller.execute(document, **input)).data[name]["errors"]
    details = {key: value for key, value in (found["details"] or {}).items() if value is not None}
    return {"code": found["code"], "message": found["message"], "details": details}


async def change(ports: Any, world: World, **values: Any) -> None:
    async with ports.database.writing() as uow:
        event = await uow.session.get_one(Event, world.event.id)
        for name, value in values.items():
            setattr(event, name, value)


async def test_why_no_places_are_given(client, save, ports):
    world = await a_world(save)
    vera = make_user(time_zone="Europe/Moscow")
    await save(vera)
    here, hour = client(vera, language="ru"), timedelta(hours=1)

    async with ports.database.writing() as uow:
        (await uow.session.get_one(Service, world.service.id)).cancelled_at = now()
    without_service = await refusal(here, "bookServices", serviceIds=[world.service])
    await save(make_registration(world.event, vera))
    stranger = client(world.user("stranger"), language="ru")
    await change(ports, world, status=EventStatus.CANCELLED, cancelled_at=now())
    without_event = await refusal(stranger, "registerForEvent", eventId=world.event)
    await change(ports, world, status=EventStatus.ARCHIVED, cancelled_at=None, archived_at=now())
    archived = await refusal(stranger, "registerForEvent", eventId=world.event)
    began, ended = now() - 3 * hour, now() - hour
    async with ports.database.writing() as uow:
        service = await uow.session.get_one(Service, world.service.id)
        service.starts_at = service.ends_at = began
        event = await uow.session.get_one(Event, world.event.id)
        event.status, event.archived_at, event.starts_at, event.ends_at = EventStatus.PUBLISHED, None, began, ended
    over = await refusal(here, "cancelRegistration", eventId=world.event)
    late = await refusal(stranger, "registerForEvent", eventId=world.event)

    assert [without_service["details"], without_event["details"]] == [{"status": "CANCELLED"}] * 2
    assert without_service["message"] == "Запись закрыта: услуга отменена."
    assert without_event["message"] == "Запись закрыта: событие отменено."
    assert archived["details"] == {"status": "ARCHIVED"}
    zone = {"timeZone": world.event.time_zone}
    assert over["details"] == {"closesAt": ended.isoformat(), **zone}
    assert over["message"].startswith("Закончилось ")
    assert late["details"] == {"closesAt": began.isoformat(), **zone}
    assert {one["code"] for one in (without_service, without_event, archived, over, late)} == {"CLOSED"}


async def test_when_someone_may_come_back(client, save):
    world = await a_world(save)
    until = in_days(9)
    banned = {"state": MembershipState.BANNED, "banned_until": until}
    await save(make_membership(world.club, world.user("stranger"), **banned))

    found = await refusal(client(world.user("stranger")), "joinClub", clubId=world.club)

    assert (found["code"], found["details"]) == ("RESTRICTED", {"opensAt": until.isoformat()})


async def test_a_service_outside_of_a_new_event_is_told_its_times_and_zone(client, save):
    world = await a_world(save)
    input = an_input(world, capacity=50)
    service = {"serviceTypeId": world.service_type, "startsAt": input["startsAt"], "endsAt": in_days(11).isoformat()}

    found = await refusal(client(world.user("admin")), "createEvent", **input, services=[service])

    times = {name: input[name] for name in ("startsAt", "endsAt")}
    assert (found["code"], found["details"]) == ("OUTSIDE_EVENT", {**times, "timeZone": world.venue.time_zone})
