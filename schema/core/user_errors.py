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
    name="UserErrorDetails",
    description="The numbers, times and states behind a refusal, for building messages. Fields that do not apply "
    "are null.",
)
class UserErrorDetailsObject:
    """Has a field for each of `errors.Params`."""

    capacity: int | None = number("How many places there are.")
    taken: int | None = number("How many places are taken.")
    count: int | None = number("How many objects are in the way, such as participants or services.")
    minimum: int | None = number("The smallest number or length that is accepted.")
    maximum: int | None = number("The largest number or length that is accepted.")
    maximum_amount: Decimal | None = number("The largest amount of money that is accepted.")
    expected_version: int | None = number("The current version of the object. Read it again, then send this version.")
    opens_at: datetime | None = number("When the action becomes possible.")
    closes_at: datetime | None = number("When the action stopped or stops being possible.")
    starts_at: datetime | None = number("The start of the period that matters, such as that of the event.")
    ends_at: datetime | None = number("The end of the period that matters, such as that of the event.")
    earliest: datetime | None = number("The earliest time that is accepted.")
    latest: datetime | None = number("The latest time that is accepted.")
    time_zone: str | None = number("The IANA time zone that these times belong to, such as that of the event.")
    status: str | None = number("The state that is in the way, as the name of an enum value such as ARCHIVED.")
    retry_after: int | None = number("The number of seconds to wait before trying again.")
    allowed: list[str] | None = number("The values that are accepted.")
    conflicts_with: list[strawberry.ID] | None = number(
        "The ids of the objects in conflict, at most 20. `count`, if set, is their total number."
    )


@strawberry.type(name="UserError", description="An expected refusal. Branch on `code`; `message` is meant for people.")
class UserErrorObject:
    code: ErrorCode = strawberry.field(description="What went wrong, for programs.")
    message: str = strawberry.field(description="What went wrong, for people, in the caller's language.")
    path: list[str] | None = strawberry.field(
        description="The path from the mutation's input to the value at fault. Null if no single value is."
    )
    details: UserErrorDetailsObject | None = strawberry.field(
        default=None, description="The numbers, times and states that the message mentions. Null if there are none."
    )


def user_errors(error: UserError | UserErrors, reader: Reader) -> list[UserErrorObject]:
    """Return what the payload of a mutation says of a refusal."""
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
    """Return the global id of an entity, or of a row of one."""
    return ids.encode(getattr(type(row), "entity", type(row)).__name__, row.id)


def _as_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value
