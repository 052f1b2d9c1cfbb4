"""The base of all tables: constraint names, identifiers ordered by time, aware timestamps."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum
from typing import Annotated, Any, ClassVar
from uuid import UUID

from sqlalchemy import BigInteger, ColumnElement, DateTime, Integer, MetaData, Numeric, Text, Uuid, cast, func
from sqlalchemy import Enum as EnumColumn
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, mapped_column

NAMES = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s_%(referred_table_name)s",
    "pk": "pk_%(table_name)s",
}


def utcnow() -> datetime:
    return datetime.now(UTC)


def uuid7() -> UUID:
    """Make a UUID of version 7 (RFC 9562, section 5.7): ordered by time, so that indexes grow at one end.

    The 12 bits after the version are parts of the millisecond (section 6.2, method 3), so that the domain events of
    one transaction keep their order.
    """
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    fraction = rest * 4096 // 1_000_000
    value = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | fraction << 64 | int.from_bytes(os.urandom(8), "big")
    value = value & ~(0xF << 76) | 0x7 << 76
    value = value & ~(0x3 << 62) | 0x2 << 62
    return UUID(int=value)


MOST_PLACES = 0x3FFF


def uuid7_among(batch: ColumnElement[UUID], place: ColumnElement[int]) -> ColumnElement[UUID]:
    """In SQL, the id of one of several rows that are made together, for statements that find out how many there are.

    It has the time of `batch`, a `uuid7()`, so that the ids of several such statements keep their order; then the row's
    place among the others, from 1 to 16,383; then chance.
    """
    time = func.substring(func.uuid_send(batch), 1, 8)
    # The two highest bits are the variant.
    between = func.substring(func.int4send(0x8000 + cast(func.least(place, MOST_PLACES), Integer)), 3, 2)
    chance = func.substring(func.uuid_send(func.gen_random_uuid()), 11, 6)
    return cast(func.encode(time.op("||")(between).op("||")(chance), "hex"), Uuid)


def is_mail_address(column: str) -> str:
    """Return the SQL of a check: the spelling of `integrations.mail_addresses.canonical`."""
    return f"{column} ~ '^[!-?A-~]+@[a-z0-9.-]+$'"


def name_key(name: Any) -> ColumnElement[str]:
    """In SQL, the form in which names are compared and sorted: without case, ё, needless spaces."""
    return func.name_key(name, type_=Text)


PrimaryKey = Annotated[UUID, mapped_column(primary_key=True, default=uuid7)]
CreatedAt = Annotated[datetime, mapped_column(default=utcnow, server_default=func.now())]
UpdatedAt = Annotated[datetime, mapped_column(default=utcnow, server_default=func.now(), onupdate=utcnow)]
Money = Annotated[Decimal, mapped_column(Numeric(10, 2))]
BigInt = Annotated[int, mapped_column(BigInteger)]


class Base(DeclarativeBase):
    metadata = MetaData(naming_convention=NAMES)
    type_annotation_map: ClassVar[dict[Any, Any]] = {
        datetime: DateTime(timezone=True),
        # Kept as text, so that adding a member needs no change of a database type.
        Enum: EnumColumn(Enum, native_enum=False, length=32),
        dict[str, Any]: JSONB,
        list[Any]: JSONB,
    }

    def __repr__(self) -> str:
        return f"{type(self).__name__}({getattr(self, 'id', None)})"
