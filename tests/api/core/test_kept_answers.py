"""Answers kept for idempotency keys outlive the version that wrote them, wherever its classes lived."""

from __future__ import annotations

import typing
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from pathlib import Path
from types import NoneType
from uuid import UUID

import orjson
import pytest
import strawberry
from strawberry.types.base import StrawberryList, StrawberryOptional

from models import Base, Booking, IdempotencyKey, OutboxEvent, Registration, Session
from schema.core.idempotency import FORMER_NAMES, KEPT_TYPES
from schema.core.node_interface import NODES
from tests.api.booking.test_registrations import REGISTER, an_event
from tests.api.people.signing import account
from tests.clients import codes, gid
from tests.factories import (
    make_booking,
    make_category,
    make_event,
    make_notification,
    make_registration,
    make_service,
    make_service_type,
    make_user,
    make_venue,
)

FORMER = orjson.loads(Path(__file__).with_name("kept_answers.json").read_bytes())
"""Rows that the layout before wrote ("module:Class"), as they were written; access tokens are shortened.

Each with what was asked and answered. `input` is the text whose mark was kept.
"""
SCALARS = {str, int, float, bool, datetime, Decimal, UUID, NoneType, strawberry.ID}


def key(number: int) -> UUID:
    return UUID(f"01a21e00-0000-7000-8000-{number:012x}")


async def keep(ports, save, one) -> None:
    """The row of a kept answer."""
    await save(
        IdempotencyKey(
            scope=one["scope"],
            key=one["variables"]["idempotencyKey"],
            operation=one["operation"],
            input_hash=ports.sealer.marks("marked inputs", one["input"].encode())[0],
            answer=ports.sealer.seal(orjson.dumps(one["kept"])),
        )
    )


async def a_world(save, ports):
    """The rows that the former answers name."""
    ada, bob = await account(save, ports, id=key(1), handle="ada"), make_user(id=key(2), handle="bob")
    category, venue, kind = make_category(), make_venue(), make_service_type()
    await save(bob, category, venue, kind)
    start = datetime(2030, 5, 1, 10, tzinfo=UTC)
    opened, full, other = (make_event(bob, category, venue, id=key(number), starts_at=start) for number in (6, 7, 8))
    await save(opened, full, other)
    yoga, tea = make_service(other, kind, id=key(9)), make_service(other, kind, id=key(10))
    await save(yoga, tea, make_registration(other, ada))
    await save(
        make_registration(opened, ada, id=UUID("01a21e26-1516-71d1-9f61-df771ea5a97c")),
        make_booking(yoga, ada, id=UUID("01a21e26-15c7-704c-a326-395e21ada1a8")),
        make_booking(tea, ada, id=UUID("01a21e26-15c7-70a4-a69b-5c3ebeac94f1")),
        make_notification(ada, 1, id=key(12)),
        make_notification(ada, 2, id=key(13)),
    )
    return {"guest": None, str(ada.id): ada, str(bob.id): bob}


async def test_answers_of_the_layout_before_are_given_again(client, save, ports, count):
    people = await a_world(save, ports)
    for one in FORMER:
        await keep(ports, save, one)

    answers = [await client(people[one["scope"]]).run(one["document"], input=one["variables"]) for one in FORMER]

    assert [answer.errors for answer in answers] == [[]] * len(FORMER)
    assert [answer.data for answer in answers] == [one["data"] for one in FORMER]
    assert [await count(kind) for kind in (Registration, Booking, Session, OutboxEvent)] == [2, 2, 0, 0]


def test_former_answers_hold_every_kind_of_value() -> None:
    texts = orjson.dumps([one["kept"] for one in FORMER]).decode()

    for kind in ('"object":"schema.user_errors:', '"enum":"errors:', '"row":"', '"uuid":', '"time":', '"decimal":'):
        assert kind in texts


async def test_an_answer_is_kept_under_stable_names(client, save, ports):
    ada, event = await an_event(save, capacity=1)
    bob = make_user()
    await save(bob)

    for person in (ada, bob):
        await client(person).execute(REGISTER, eventId=event, idempotencyKey="stable-names")

    async with ports.database.reading() as session:
        rows = [await session.get_one(IdempotencyKey, (str(one.id), "stable-names")) for one in (ada, bob)]
    done, refused = (orjson.loads(ports.sealer.open(row.answer)) for row in rows)
    assert done["registration"]["row"] == "Registration"
    assert refused["errors"][0]["object"] == "UserError"
    assert refused["errors"][0]["fields"]["code"] == {"enum": "ErrorCode", "name": "FULL"}
    assert refused["errors"][0]["fields"]["details"]["object"] == "UserErrorDetails"


def an_error(**fields: object) -> dict[str, object]:
    code = {"enum": "ErrorCode", "name": "FULL"}
    return {"object": "UserError", "fields": {"code": code, "message": "", "path": None, "details": None, **fields}}


@pytest.mark.parametrize(
    "kept",
    [
        {"errors": [an_error() | {"object": "Unknown"}]},
        {"errors": [an_error(code={"enum": "Unknown", "name": "FULL"})]},
        {"errors": [an_error(code={"enum": "ErrorCode", "name": "UNKNOWN"})]},
        {"errors": [an_error(unknown=1)]},
        {"errors": [{"object": "UserError", "fields": {}}]},
        {"errors": [], "registration": {"row": "Unknown", "key": [{"uuid": str(key(1))}]}},
        {"errors": [], "unknown": True},
    ],
    ids=["object", "enum", "member", "field", "missing field", "row", "field of the payload"],
)
async def test_an_answer_that_cannot_be_read_is_refused_and_nothing_is_done_again(client, save, ports, count, kept):
    ada, event = await an_event(save)
    variables = {"eventId": gid(event), "idempotencyKey": "from-another-version"}
    text = f"RegisterForEventInput(idempotency_key='from-another-version', event_id='{gid(event)}', note=None)"
    one = {"scope": str(ada.id), "operation": "register_for_event", "input": text, "kept": kept}
    await keep(ports, save, one | {"variables": variables})

    answer = await client(ada).execute(REGISTER, **variables)

    assert answer.errors == []
    assert codes(answer, "registerForEvent") == ["IDEMPOTENCY_KEY_REUSED"]
    assert await count(Registration) == 0


def parts_of(hint: object) -> set[object]:
    """The classes that a value of an annotation is made of."""
    inner = typing.get_args(hint)
    return set().union(*map(parts_of, inner)) if inner else {hint}


def values_of(kind: type) -> set[object]:
    """The classes that an object's fields hold, and those of the objects among them."""
    found = set().union(*map(parts_of, typing.get_type_hints(kind).values())) - SCALARS
    objects = {one for one in found if isinstance(one, type) and not issubclass(one, Base | Enum)}
    return found.union(*map(values_of, objects))


def kept_values(schema) -> set[object]:
    """The classes of all values that payloads are made of."""
    found: set[object] = set()
    for field in schema.get_type_by_name("Mutation").fields:
        payload = field.type
        while isinstance(payload, StrawberryOptional | StrawberryList):
            payload = payload.of_type
        found |= values_of(payload)
    return found


def test_everything_that_a_payload_holds_has_a_stable_name(schema) -> None:
    """A new one goes into `KEPT_TYPES`, or is a row of a `Node`."""
    found = kept_values(schema)
    rows = {one for one in found if isinstance(one, type) and issubclass(one, Base)}

    assert found - rows == set(KEPT_TYPES.values())
    assert {row.__name__: row for row in rows} == {
        name: NODES[name].entity for name in sorted(row.__name__ for row in rows)
    }


def test_stable_names_stay(schema) -> None:
    """Kept answers hold them for `IdempotencyKey.LIFETIME`, so a renamed one is read under its old name as well."""
    assert set(KEPT_TYPES) == {"ErrorCode", "UserError", "UserErrorDetails"}
    assert set(FORMER_NAMES.values()) <= set(KEPT_TYPES)
    assert {one.__name__ for one in kept_values(schema) if issubclass(one, Base)} == {
        "Booking", "Chat", "Club", "ClubMembership", "DataExport", "Event", "EventRevision", "Identity", "Message",
        "ModerationItem", "Notification", "Registration", "Review", "Service", "Session", "User", "Venue",
    }  # fmt: skip


@pytest.mark.parametrize("name", sorted(KEPT_TYPES))
def test_stable_names_are_those_of_the_schema(schema, name) -> None:
    definition = schema.get_type_by_name(name)

    assert getattr(definition, "origin", None) is KEPT_TYPES[name] or definition.wrapped_cls is KEPT_TYPES[name]


def test_the_schema_says_how_long_an_answer_is_kept(schema) -> None:
    assert IdempotencyKey.LIFETIME.total_seconds() == 24 * 60 * 60
    assert "for 24 hours, the same key with the same input returns the same answer" in schema.as_str()
