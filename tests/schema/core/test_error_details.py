"""Numbers, times and states of a refusal are data, and every placeholder of its message is given."""

from __future__ import annotations

import ast
from dataclasses import fields
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path

import orjson
import pytest
from graphql import GraphQLError

import app  # noqa: F401  # every class of an error is known once everything is imported
from errors import NotFound, Params, RateLimited, UserError
from models import Event, EventStatus, Service, uuid7
from resolvers.booking.bookability import Applicant, booking_standing, registration_standing
from schema.core.error_format import present
from schema.core.idempotency import _keep, _read
from schema.core.user_errors import UserErrorDetailsObject, user_errors
from tests.test_translations import ROOT, every_error, sources, words_in
from tests.tools.syntax import nodes
from translations import Reader

CLASSES = {cls.__name__: cls for cls in every_error()}


@cache
def raised(file: Path) -> list[tuple[type[UserError], set[str], int]]:
    """Each construction of a refusal: its class, the names of what it is given, the line."""
    found = []
    for node in nodes(file):
        if isinstance(node, ast.Call):
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in CLASSES:
                given = {one.arg for one in node.keywords if one.arg}
                found.append((CLASSES[name], given, node.lineno))
    return found


def test_every_parameter_is_a_field_of_the_details() -> None:
    assert {one.name for one in fields(UserErrorDetailsObject)} == set(Params.__annotations__)


def test_every_placeholder_is_a_parameter() -> None:
    unknown = {cls.__name__: words_in(cls.message) - set(Params.__annotations__) for cls in every_error()}

    assert {name: words for name, words in unknown.items() if words} == {}


def test_every_refusal_is_given_what_its_message_names() -> None:
    missing = [
        f"{file.relative_to(ROOT)}:{line}: {cls.__name__} lacks {', '.join(sorted(lacking))}"
        for file in sources()
        for cls, given, line in raised(file)
        if (lacking := words_in(cls.message) - given)
    ]

    assert missing == []


ZONED = {"starts_at", "ends_at", "opens_at", "closes_at"}
OF_A_PERSON = {"PutOutUntil", "HandleChangedRecently", "QuotaSpent"}
"""Whose times are told by the clock of the reader."""


def test_every_time_of_an_event_is_told_with_its_zone() -> None:
    bare = [
        f"{file.relative_to(ROOT)}:{line}: {cls.__name__}"
        for file in sources()
        for cls, given, line in raised(file)
        if given & ZONED and "time_zone" not in given and cls.__name__ not in OF_A_PERSON
    ]

    assert bare == []


OPENS = datetime(2030, 1, 2, 3, 4, tzinfo=UTC)
EVENT = Event(id=uuid7())


def everything() -> RateLimited:
    return RateLimited(
        retry_after=5,
        capacity=3,
        taken=2,
        count=1,
        opens_at=OPENS,
        maximum_amount=Decimal("9.50"),
        status=EventStatus.ARCHIVED,
        allowed=("ru", "en"),
        conflicts_with=[EVENT],
        closes_at=None,
    )


async def test_details_survive_a_repeat_with_the_same_key() -> None:
    [said] = user_errors(everything(), Reader())

    again = await _read(None, orjson.loads(orjson.dumps(_keep(said))))

    assert said.details == UserErrorDetailsObject(
        capacity=3,
        taken=2,
        count=1,
        opens_at=OPENS,
        maximum_amount=Decimal("9.50"),
        status="ARCHIVED",
        allowed=["ru", "en"],
        retry_after=5,
        conflicts_with=[again.details.conflicts_with[0]],
    )
    assert again == said


def test_a_top_level_error_has_details_too() -> None:
    error = GraphQLError("hidden", original_error=everything())

    present(error, None)

    details = error.extensions["details"]
    assert details.pop("conflictsWith")[0].startswith("RXZlbnQ6")
    assert details == {
        "capacity": 3,
        "taken": 2,
        "count": 1,
        "opensAt": "2030-01-02T03:04:00+00:00",
        "maximumAmount": "9.50",
        "status": "ARCHIVED",
        "allowed": ["ru", "en"],
        "retryAfter": 5,
    }


def test_a_refusal_without_numbers_has_no_details() -> None:
    [said] = user_errors(NotFound(path=("eventId",)), Reader())

    assert said.details is None


BEGAN = {"closes_at": OPENS, "time_zone": "Europe/Moscow"}


@pytest.mark.parametrize(
    ("status", "minutes", "is_cancelled", "params"),
    [
        (EventStatus.PUBLISHED, 1, False, BEGAN),
        (EventStatus.ARCHIVED, 1, False, BEGAN),
        (EventStatus.ARCHIVED, -1, False, {"status": EventStatus.ARCHIVED}),
        (EventStatus.DRAFT, 1, False, {"status": EventStatus.DRAFT}),
        (EventStatus.PENDING_REVIEW, -1, False, {"status": EventStatus.PENDING_REVIEW}),
        (EventStatus.CANCELLED, 1, False, {"status": EventStatus.CANCELLED}),
        (EventStatus.PUBLISHED, -1, True, {"status": EventStatus.CANCELLED}),
    ],
)
def test_what_is_closed_says_why(status, minutes, is_cancelled, params) -> None:
    event = Event(starts_at=OPENS, ends_at=OPENS, time_zone="Europe/Moscow", status=status)
    service = Service(starts_at=OPENS, ends_at=OPENS, cancelled_at=OPENS if is_cancelled else None)
    now = OPENS + timedelta(minutes=minutes)
    standings = [booking_standing(event, service, known=Applicant(), booking=None, now=now)]
    if not is_cancelled:
        standings.append(registration_standing(event, Applicant(), offers_services=False, now=now))

    refusals = [one.refusal("eventId") for one in standings]

    assert [{name: value for name, value in one.params.items() if value is not None} for one in refusals] == (
        [params] * len(standings)
    )
    said = {Reader(locale).say(one.message, one.params) for one in refusals for locale in ("ru", "en")}
    assert len(said) == 2 and not any("–" in one for one in said)
