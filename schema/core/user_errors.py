"""A refusal as clients see it: its code, its words, and its numbers as data."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import strawberry
from strawberry.utils.str_converters import to_camel_case

import schema.core.error_codes  # noqa: F401  # declares the enum
from errors import ErrorCode, UserError, UserErrors
from schema.core import ids
from translations import Reader


def number(description: str) -> Any:
    return strawberry.field(default=None, description=description)


@strawberry.type(
    name="UserErrorDetails", description="The numbers, times and states behind a refusal. What does not apply is null."
)
class UserErrorDetailsObject:
    """Has a field for each of `errors.Params`."""

    capacity: int | None = number("How many places there are.")
    taken: int | None = number("How many places are taken.")
    count: int | None = number("How many stand in the way, such as people or services.")
    minimum: int | None = number("The least that is accepted.")
    maximum: int | None = number("The most that is accepted.")
    maximum_amount: Decimal | None = number("The highest amount of money that is accepted.")
    expected_version: int | None = number("The version that stands now: read again, then send this one.")
    opens_at: datetime | None = number("When it becomes possible.")
    closes_at: datetime | None = number("When it stopped or stops being possible.")
    starts_at: datetime | None = number("Start of the time that counts, such as that of the event.")
    ends_at: datetime | None = number("End of the time that counts, such as that of the event.")
    earliest: datetime | None = number("The earliest time that is accepted.")
    latest: datetime | None = number("The latest time that is accepted.")
    time_zone: str | None = number("IANA name of the zone that these times belong to, such as that of the event.")
    status: str | None = number("The state that stands in the way: a value of the enum of its kind, such as ARCHIVED.")
    retry_after: int | None = number("Seconds after which to try again.")
    allowed: list[str] | None = number("All values that are accepted.")
    conflicts_with: list[strawberry.ID] | None = number(
        "Ids of what it collides with: not more than 20. Where there is a `count`, it is of all."
    )


@strawberry.type(name="UserError", description="An expected refusal. Branch on the code; the message is for people.")
class UserErrorObject:
    code: ErrorCode = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong, for people, in their language.")
    path: list[str] | None = strawberry.field(description="From the mutation's input to the offending value.")
    details: UserErrorDetailsObject | None = strawberry.field(
        default=None, description="The numbers, times and states of the message. Null where it has none."
    )


def user_errors(error: UserError | UserErrors, reader: Reader) -> list[UserErrorObject]:
    """What the payload of a mutation says of a refusal."""
    return [
        UserErrorObject(
            code=one.code,
            message=reader.say(one.message, one.params),
            path=list(one.path) or None,
            details=details_of(one),
        )
        for one in _each(error)
    ]


def details_of(error: UserError) -> UserErrorDetailsObject | None:
    values = _values(error.params)
    return UserErrorDetailsObject(**values) if values else None


def details_as_json(error: UserError) -> dict[str, Any] | None:
    """As `details_of`, for `extensions` of a top-level error."""
    values = {to_camel_case(name): _as_json(value) for name, value in _values(error.params).items()}
    return values or None


def _each(error: UserError | UserErrors) -> Iterable[UserError]:
    return error.errors if isinstance(error, UserErrors) else [error]


def _values(params: Mapping[str, Any]) -> dict[str, Any]:
    return {name: _plain(name, value) for name, value in params.items() if value is not None}


def _plain(name: str, value: Any) -> Any:
    if isinstance(value, Enum):
        return value.name
    if name == "conflicts_with":
        return [_id_of(row) for row in value]
    return list(value) if isinstance(value, tuple) else value


def _id_of(row: Any) -> str:
    """The global id of an entity, or of a row of one."""
    return ids.encode(getattr(type(row), "entity", type(row)).__name__, row.id)


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
