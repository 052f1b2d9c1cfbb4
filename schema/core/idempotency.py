"""Idempotency keys: one key, one effect, one answer, for `IdempotencyKey.LIFETIME`.

A kept answer outlives the process that wrote it, so it names objects and enums by their GraphQL names and rows by the
GraphQL names of their nodes, and never by a module or a Python class.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
import structlog
from sqlalchemy import inspect, select
from sqlalchemy.dialects.postgresql import insert

from database import UnitOfWork
from errors import ErrorCode, IdempotencyKeyReused, InvalidIdempotencyKey, UserError
from models import Base, IdempotencyKey, utcnow
from schema.core.context import Context
from schema.core.node_interface import NODES
from schema.core.user_errors import UserErrorDetailsObject, UserErrorObject

GUESTS = "guest"
KEPT_TYPES: dict[str, type] = {
    "ErrorCode": ErrorCode,
    "UserError": UserErrorObject,
    "UserErrorDetails": UserErrorDetailsObject,
}
"""Objects and enums that an answer may hold, by GraphQL name. Rows are found in `NODES`, by GraphQL name too."""
KEPT_NAMES = {kind: name for name, kind in KEPT_TYPES.items()}
FORMER_NAMES = {"UserErrorObject": "UserError", "UserErrorDetailsObject": "UserErrorDetails"}
"""Names in answers of the layout before, which wrote "module:Class". Needed for a lifetime after its last server."""

log = structlog.get_logger()


class UnreadableAnswer(Exception):
    """A kept answer names a type, a member, a field or a row class that this version does not have."""


def check_key(problems: list[UserError], key: str, *path: str) -> None:
    if not 8 <= len(key) <= 200:
        problems.append(InvalidIdempotencyKey(path=path, minimum=8, maximum=200))


async def replaying(
    context: Context, operation: str, input: Any, payload_type: Any, attempt: Callable[[], Awaitable[Any]]
) -> Any:
    """Return the payload of `attempt`, or the one that the same key was answered with before.

    The key's row is written first and in the same transaction as the effect: a parallel repeat waits for it in
    PostgreSQL and then reads the answer. Raises `IdempotencyKeyReused` for another operation or input.

    It raises the same for an answer that this version cannot read, because another version wrote it. The effect
    happened, so it must not happen again, and the caller learns that this key is spent.
    """
    key = input.idempotency_key
    if key is None:
        return await attempt()
    scope = str(context.viewer.id or GUESTS)
    # Keyed: an input may hold a password, which a bare hash would let anyone who reads the table try out quickly.
    input_hashes = context.ports.sealer.marks("marked inputs", repr(input).encode("utf-8", "surrogatepass"))
    async with context.outer_writing() as uow:
        claimed = await _claim(uow, scope=scope, key=key, operation=operation, input_hash=input_hashes[0])
        if not claimed:
            kept = await uow.session.scalar(
                select(IdempotencyKey).where(IdempotencyKey.scope == scope, IdempotencyKey.key == key)
            )
            if (
                kept is None
                or kept.answer is None
                or kept.operation != operation
                or kept.input_hash not in input_hashes
            ):
                raise IdempotencyKeyReused(path=("idempotencyKey",))
            answer = orjson.loads(context.ports.sealer.open(kept.answer))
            try:
                return await _restore(context, payload_type, answer)
            except UnreadableAnswer as error:
                log.warning("idempotency.answer_unreadable", operation=operation, unknown=str(error))
                raise IdempotencyKeyReused(path=("idempotencyKey",)) from error
        payload = await attempt()
        row = await uow.session.get_one(IdempotencyKey, (scope, key))
        if any(error.code is ErrorCode.RATE_LIMITED for error in payload.errors):
            # "Try again later" is no answer to keep: the same key must be able to try again.
            await uow.session.delete(row)
            return payload
        row.answer = context.ports.sealer.seal(orjson.dumps(_keep_payload(payload)))
        return payload


async def _claim(uow: UnitOfWork, *, scope: str, key: str, operation: str, input_hash: str) -> bool:
    values = {"operation": operation, "input_hash": input_hash, "answer": None, "created_at": utcnow()}
    statement = insert(IdempotencyKey).values(scope=scope, key=key, **values)
    statement = statement.on_conflict_do_update(
        index_elements=["scope", "key"],
        set_=values,
        where=IdempotencyKey.created_at < utcnow() - IdempotencyKey.LIFETIME,
    )
    return await uow.session.scalar(statement.returning(IdempotencyKey.key)) is not None


def _keep_payload(payload: Any) -> dict[str, Any]:
    return {item.name: _keep(getattr(payload, item.name)) for item in fields(payload)}


def _keep(value: Any) -> Any:
    """Return a JSON form of a payload's value: rows by their key, everything else by its content."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    entity = type(value) if isinstance(value, Base) else getattr(type(value), "entity", None)
    if entity is not None and entity.__name__ in NODES:
        columns = [inspect(entity).get_property_by_column(column).key for column in inspect(entity).primary_key]
        return {"row": entity.__name__, "key": [_keep(getattr(value, name)) for name in columns]}
    if isinstance(value, UUID):
        return {"uuid": str(value)}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, list | tuple):
        return [_keep(part) for part in value]
    name = KEPT_NAMES.get(type(value))
    if name is None:
        raise TypeError(f"a payload cannot be kept for its idempotency key: {type(value).__name__}")
    if isinstance(value, Enum):
        return {"enum": name, "name": value.name}
    return {"object": name, "fields": _keep_payload(value)}


async def _restore(context: Context, kind: Any, kept: dict[str, Any]) -> Any:
    values = {name: await _read(context, value) for name, value in kept.items()}
    try:
        return kind(**values)
    except TypeError as error:
        raise UnreadableAnswer(str(error)) from error


async def _read(context: Context, kept: Any) -> Any:
    if isinstance(kept, list):
        parts = [await _read(context, part) for part in kept]
        return [part for part in parts if part is not None]
    if not isinstance(kept, dict):
        return kept
    if "row" in kept:
        return await _row(context, kept["row"], [await _read(context, part) for part in kept["key"]])
    if "uuid" in kept:
        return UUID(kept["uuid"])
    if "time" in kept:
        return datetime.fromisoformat(kept["time"])
    if "decimal" in kept:
        return Decimal(kept["decimal"])
    if "enum" in kept:
        return _member(kept["enum"], kept["name"])
    return await _restore(context, _kind(kept["object"]), kept["fields"])


async def _row(context: Context, name: str, key: list[Any]) -> Any:
    """Return the row as it is now, and only if the caller may see it now: a day is long enough to lose that right."""
    if name not in NODES:
        raise UnreadableAnswer(name)
    return await context.loaders.load(NODES[name], key[0])


def _member(enum: str, name: str) -> Any:
    found = _kind(enum).__members__.get(name)
    if found is None:
        raise UnreadableAnswer(f"{enum}.{name}")
    return found


def _kind(name: str) -> Any:
    """Return the object or enum of a name in an answer. The module before a colon is what the layout before wrote."""
    name = name.rpartition(":")[2]
    found = KEPT_TYPES.get(FORMER_NAMES.get(name, name))
    if found is None:
        raise UnreadableAnswer(name)
    return found
