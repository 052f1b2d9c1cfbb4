"""Idempotency keys: one key, one effect, one answer, for 24 hours."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import fields
from datetime import datetime, timedelta
from decimal import Decimal
from enum import Enum
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import inspect, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

import models
from database import UnitOfWork
from errors import ErrorCode, IdempotencyKeyReused, InvalidIdempotencyKey, UserError
from models import Base, IdempotencyKey, utcnow
from schema.core.context import Context
from schema.core.node import NODES

LIFETIME = timedelta(hours=24)
GUESTS = "guest"


def check_key(problems: list[UserError], key: str, *path: str) -> None:
    if not 8 <= len(key) <= 200:
        problems.append(InvalidIdempotencyKey(path=path, minimum=8, maximum=200))


async def replaying(
    context: Context, operation: str, input: Any, payload_type: Any, attempt: Callable[[], Awaitable[Any]]
) -> Any:
    """The payload of `attempt`, or the one that the same key was answered with before.

    The key's row is written first and in the same transaction as the effect: a parallel repeat waits for it in
    PostgreSQL and then reads the answer. Raises `IdempotencyKeyReused` for another operation or input.
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
            return await _restore(context, uow.session, payload_type, answer)
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
        index_elements=["scope", "key"], set_=values, where=IdempotencyKey.created_at < utcnow() - LIFETIME
    )
    return await uow.session.scalar(statement.returning(IdempotencyKey.key)) is not None


def _keep_payload(payload: Any) -> dict[str, Any]:
    return {item.name: _keep(getattr(payload, item.name)) for item in fields(payload)}


def _keep(value: Any) -> Any:
    """A JSON form of a payload's value: rows by their key, everything else by its content."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    entity = type(value) if isinstance(value, Base) else getattr(type(value), "entity", None)
    if entity is not None:
        columns = [inspect(entity).get_property_by_column(column).key for column in inspect(entity).primary_key]
        return {"row": entity.__name__, "key": [_keep(getattr(value, name)) for name in columns]}
    if isinstance(value, UUID):
        return {"uuid": str(value)}
    if isinstance(value, datetime):
        return {"time": value.isoformat()}
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, Enum):
        return {"enum": f"{type(value).__module__}:{type(value).__name__}", "name": value.name}
    if isinstance(value, list | tuple):
        return [_keep(part) for part in value]
    if hasattr(type(value), "__strawberry_definition__"):
        return {"object": f"{type(value).__module__}:{type(value).__name__}", "fields": _keep_payload(value)}
    raise TypeError(f"a payload cannot be kept for its idempotency key: {type(value).__name__}")


async def _restore(context: Context, session: AsyncSession, payload_type: Any, kept: dict[str, Any]) -> Any:
    return payload_type(**{name: await _read(context, session, value) for name, value in kept.items()})


async def _read(context: Context, session: AsyncSession, kept: Any) -> Any:
    if isinstance(kept, list):
        parts = [await _read(context, session, part) for part in kept]
        return [part for part in parts if part is not None]
    if not isinstance(kept, dict):
        return kept
    if "row" in kept:
        return await _row(context, session, kept["row"], [await _read(context, session, part) for part in kept["key"]])
    if "uuid" in kept:
        return UUID(kept["uuid"])
    if "time" in kept:
        return datetime.fromisoformat(kept["time"])
    if "decimal" in kept:
        return Decimal(kept["decimal"])
    if "enum" in kept:
        return _class(kept["enum"])[kept["name"]]
    return await _restore(context, session, _class(kept["object"]), kept["fields"])


async def _row(context: Context, session: AsyncSession, name: str, key: list[Any]) -> Any:
    """The row as it is now, and only if the caller may see it now: a day is long enough to lose that right."""
    if name in NODES:
        return await context.loaders.load(NODES[name], key[0])
    return await session.get(getattr(models, name), key)


def _class(name: str) -> Any:
    module, _, class_name = name.partition(":")
    return getattr(__import__(module, fromlist=[class_name]), class_name)
